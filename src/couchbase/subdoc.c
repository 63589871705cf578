/* Subdocument commands: several reads or edits of a document's body and extended attributes. */
#include "base/buffer.h"
#include "couchbase/reply.h"
#include "couchbase/value.h"
#include "couchbase/xattr.h"
#include "subdoc/execute.h"
#include "subdoc/request.h"

/* What specs work on. */
enum part { BODY, XATTRS, PARTS };

struct work {
    struct command *command;
    struct subdoc_request request;
    struct document *document; /* NULL: there is none */
    bool is_json;              /* the body */
    struct span texts[PARTS];
    struct blob *body;            /* inflated: where the body is to begin with */
    struct blob *virtual;         /* the virtual attributes, once they are asked for */
    struct buffer changed[PARTS]; /* where a text is that has been changed */
    bool is_changed[PARTS];
    bool removes;               /* the document is to go */
    struct xattr_change change; /* for macros */
    struct subdoc_result results[SUBDOC_SPECS];
    enum mcbp_status statuses[SUBDOC_SPECS];
    size_t failed; /* the first spec that failed; request.count: none */
};

static bool is_of_xattrs(const struct mcbp_subdoc_spec *spec)
{
    return (spec->flags & MCBP_SUBDOC_PATH_XATTR) != 0;
}

static bool is_empty_object(struct span text)
{
    return span_equal(text, span_of("{}", 2));
}

static void work_deinit(struct work *work)
{
    blob_drop(work->body);
    blob_drop(work->virtual);
    buffer_deinit(&work->changed[BODY]);
    buffer_deinit(&work->changed[XATTRS]);
}

/* False: no memory. */
static bool take_texts(struct work *work)
{
    const struct document *document = work->document;
    if (!document_hold_inflated(document, &work->body)) {
        return false;
    }
    work->texts[BODY] = blob_span(work->body);
    work->is_json = (document->datatype & MCBP_DATATYPE_JSON) != 0;
    work->texts[XATTRS] = document->xattrs == NULL ? span_of("{}", 2) : blob_span(document->xattrs);
    return true;
}

/* ---------------------------------------------------------------- lookups */

static bool is_known_virtual(struct span path)
{
    static const char name[] = "$document";
    size_t size = strlen(name);
    return path.size >= size && memcmp(path.data, name, size) == 0 &&
           (path.size == size || path.data[size] == '.');
}

/* The text that the spec reads. SUCCESS, SUBDOC_XATTR_UNKNOWN_VATTR or NO_MEMORY. */
static enum mcbp_status find_text(struct work *work, const struct mcbp_subdoc_spec *spec,
                                  struct span *text)
{
    bool is_virtual = is_of_xattrs(spec) && spec->path.size > 0 && spec->path.data[0] == '$';
    *text = work->texts[is_of_xattrs(spec) ? XATTRS : BODY];
    if (!is_virtual) {
        return MCBP_STATUS_SUCCESS;
    }
    if (!is_known_virtual(spec->path)) {
        return MCBP_STATUS_SUBDOC_XATTR_UNKNOWN_VATTR;
    }
    if (work->virtual == NULL) {
        work->virtual = xattr_virtual(work->command, work->document, work->texts[BODY]);
    }
    *text = blob_span(work->virtual);
    return work->virtual == NULL ? MCBP_STATUS_NO_MEMORY : MCBP_STATUS_SUCCESS;
}

static enum mcbp_status look_up(struct work *work, size_t index)
{
    const struct mcbp_subdoc_spec *spec = &work->request.specs[index];
    struct subdoc_result *result = &work->results[index];
    struct span text;
    enum mcbp_status status = find_text(work, spec, &text);
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    if (spec->opcode == MCBP_GET) {
        result->value = text;
        return MCBP_STATUS_SUCCESS;
    }
    if (!is_of_xattrs(spec) && !work->is_json) {
        return MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON;
    }
    struct subdoc_operation operation = {.opcode = spec->opcode, .path = spec->path};
    return subdoc_lookup(&operation, text, result);
}

static void look_up_all(struct work *work)
{
    work->failed = work->request.count;
    for (size_t i = 0; i < work->request.count; i++) {
        work->statuses[i] = look_up(work, i);
        if (work->statuses[i] != MCBP_STATUS_SUCCESS && work->failed == work->request.count) {
            work->failed = i;
        }
    }
}

/* ---------------------------------------------------------------- edits */

/* The next version of a text is what the buffer has. */
static void take_changed(struct work *work, enum part part, struct buffer *next)
{
    buffer_deinit(&work->changed[part]);
    work->changed[part] = *next;
    work->texts[part] = buffer_span(&work->changed[part]);
    work->is_changed[part] = true;
}

static enum mcbp_status edit_whole(struct work *work, const struct mcbp_subdoc_spec *spec)
{
    struct buffer next = {0};
    work->removes = spec->opcode == MCBP_DELETE;
    if (!work->removes) {
        if (!buffer_append(&next, spec->value)) {
            return MCBP_STATUS_NO_MEMORY;
        }
        take_changed(work, BODY, &next);
        work->is_json = value_is_json(spec->value);
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status edit(struct work *work, size_t index)
{
    const struct mcbp_subdoc_spec *spec = &work->request.specs[index];
    enum part part = is_of_xattrs(spec) ? XATTRS : BODY;
    char macro[XATTR_MACRO_SIZE];
    struct buffer next = {0};
    struct subdoc_operation operation = {
        .opcode = spec->opcode,
        .path = spec->path,
        .value = spec->value,
        .makes_parents = subdoc_makes_parents(&work->request, spec),
    };
    if (spec->opcode == MCBP_SET || spec->opcode == MCBP_DELETE) {
        return edit_whole(work, spec);
    }
    if (part == BODY && !work->is_json) {
        return MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON;
    }
    if ((spec->flags & MCBP_SUBDOC_PATH_EXPAND_MACROS) != 0) {
        operation.value = span_of(macro, xattr_expand(spec->value, &work->change, macro));
    }
    enum mcbp_status status =
        subdoc_mutate(&operation, work->texts[part], &next, &work->results[index]);
    if (status != MCBP_STATUS_SUCCESS) {
        buffer_deinit(&next);
        return status;
    }
    take_changed(work, part, &next);
    return MCBP_STATUS_SUCCESS;
}

/* Returns the first that failed, or `end`. */
static size_t edit_range(struct work *work, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        work->statuses[i] = edit(work, i);
        if (work->statuses[i] != MCBP_STATUS_SUCCESS) {
            return i;
        }
    }
    return end;
}

/* Attributes come first in the request; macros in them need the new body. */
static void edit_all(struct work *work)
{
    size_t attributes = work->request.xattr_count;
    work->failed = edit_range(work, attributes, work->request.count);
    work->change.value = work->texts[BODY];
    size_t failed = edit_range(work, 0, attributes);
    if (failed < attributes) {
        work->failed = failed;
    }
}

/* ---------------------------------------------------------------- what is there before */

static bool has_flag(const struct work *work, enum mcbp_subdoc_doc_flag flag)
{
    return (work->request.extras.doc_flags & flag) != 0;
}

/* A document that is made begins as the container that its first path needs. */
static struct span first_text(const struct work *work)
{
    const struct subdoc_request *request = &work->request;
    if (request->xattr_count == request->count) {
        return span_of("{}", 2);
    }
    struct span path = request->specs[request->xattr_count].path;
    bool array = path.size == 0 || path.data[0] == '[';
    return span_of(array ? "[]" : "{}", 2);
}

/* SUCCESS, and the texts to be edited. */
static enum mcbp_status begin_edit(struct work *work)
{
    bool makes = has_flag(work, MCBP_SUBDOC_DOC_MKDOC) || has_flag(work, MCBP_SUBDOC_DOC_ADD);
    if (work->document != NULL && has_flag(work, MCBP_SUBDOC_DOC_ADD)) {
        return MCBP_STATUS_KEY_EXISTS;
    }
    if (work->document == NULL && !makes) {
        return MCBP_STATUS_KEY_NOT_FOUND;
    }
    enum mcbp_status status = command_check_cas(work->command, work->document);
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    work->change.cas = command_next_cas(work->command);
    work->change.seqno = command_next_seqno(work->command);
    if (work->document != NULL) {
        return take_texts(work) ? MCBP_STATUS_SUCCESS : MCBP_STATUS_NO_MEMORY;
    }
    work->texts[BODY] = first_text(work);
    work->texts[XATTRS] = span_of("{}", 2);
    work->is_json = work->is_changed[BODY] = true;
    return MCBP_STATUS_SUCCESS;
}

/* ---------------------------------------------------------------- storing */

static uint32_t expiry_after(const struct work *work)
{
    if (work->command->preserve_expiry && work->document != NULL) {
        return work->document->expiry;
    }
    return command_expiry(work->command, work->request.extras.expiry);
}

static uint32_t flags_after(const struct work *work)
{
    return work->request.extras.has_user_flags ? work->request.extras.user_flags
           : work->document != NULL            ? work->document->flags
                                               : 0;
}

/* The attributes after the edit, NULL: none. False: no memory. */
static bool keep_xattrs(const struct work *work, struct blob **xattrs)
{
    *xattrs = NULL;
    if (is_empty_object(work->texts[XATTRS])) {
        return true;
    }
    *xattrs = work->is_changed[XATTRS] ? blob_copy(work->texts[XATTRS])
                                       : blob_hold(work->document->xattrs);
    return *xattrs != NULL;
}

/* NULL: the answer says why. */
static struct document *store_edited(struct work *work)
{
    struct command *command = work->command;
    struct blob *xattrs;
    struct content content = {.flags = flags_after(work),
                              .expiry = expiry_after(work),
                              .datatype = work->is_json ? MCBP_DATATYPE_JSON : 0};
    if (work->texts[BODY].size > COUCHBASE_VALUE_MAX ||
        work->texts[XATTRS].size > COUCHBASE_VALUE_MAX - work->texts[BODY].size) {
        reply_error(command, MCBP_STATUS_TOO_LARGE, NULL);
        return NULL;
    }
    content.value = blob_copy(work->texts[BODY]);
    if (content.value == NULL || !keep_xattrs(work, &xattrs)) {
        blob_drop(content.value);
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return NULL;
    }
    struct document *document = command_put(command, &content);
    if (document == NULL) {
        blob_drop(xattrs);
        return NULL;
    }
    blob_drop(document->xattrs);
    document->xattrs = xattrs;
    return document;
}

static struct document *store(struct work *work)
{
    if (!work->removes) {
        return store_edited(work);
    }
    command_bury(work->command, work->document);
    return work->document;
}

/* ---------------------------------------------------------------- answers */

static bool write_results(const struct work *work, struct buffer *value)
{
    const struct subdoc_request *request = &work->request;
    bool written = true;
    for (size_t i = 0; written && i < request->count; i++) {
        bool told = subdoc_has_result(request->specs[i].opcode);
        bool done = work->statuses[i] == MCBP_STATUS_SUCCESS;
        struct span result = told && done ? work->results[i].value : span_of(NULL, 0);
        if (!request->is_mutation) {
            written = subdoc_add_lookup_result(value, (uint16_t)work->statuses[i], result);
        } else if (told) {
            written = subdoc_add_mutation_result(value, (uint8_t)i, MCBP_STATUS_SUCCESS, result);
        }
    }
    return written;
}

/* The results of all specs, or of a change the one that failed. */
static void reply_results(struct work *work, struct kvr_response *response)
{
    struct buffer value = {0};
    bool failed = work->failed < work->request.count;
    bool written =
        failed && work->request.is_mutation
            ? subdoc_add_mutation_result(&value, (uint8_t)work->failed,
                                         (uint16_t)work->statuses[work->failed], span_of(NULL, 0))
            : write_results(work, &value);
    if (!written) {
        work->command->answer->count = 0;
        reply_error(work->command, MCBP_STATUS_NO_MEMORY, NULL);
    } else if (buffer_span(&value).size > 0) {
        reply_set_text(work->command, response, buffer_span(&value));
    }
    buffer_deinit(&value);
}

/* A single command's result is the value itself. */
static void reply_single(struct work *work, struct kvr_response *response)
{
    uint8_t opcode = work->request.specs[0].opcode;
    bool json = session_has(work->command->session, MCBP_FEATURE_JSON);
    if (subdoc_has_result(opcode) &&
        reply_set_text(work->command, response, work->results[0].value)) {
        response->datatype = json ? MCBP_DATATYPE_JSON : 0;
    }
}

static void reply_looked_up(struct work *work)
{
    bool failed = work->failed < work->request.count;
    if (!work->request.is_multi && failed) {
        reply_error(work->command, work->statuses[0], NULL);
        return;
    }
    struct kvr_response *response = reply_add(work->command);
    response->cas = work->document->cas;
    if (work->request.is_multi) {
        response->status = failed ? MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE : MCBP_STATUS_SUCCESS;
        reply_results(work, response);
    } else {
        reply_single(work, response);
    }
}

static void reply_edited(struct work *work)
{
    if (work->failed < work->request.count) {
        if (!work->request.is_multi) {
            reply_error(work->command, work->statuses[0], NULL);
            return;
        }
        struct kvr_response *response = reply_add(work->command);
        response->status = MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE;
        reply_results(work, response);
        return;
    }
    const struct document *document = store(work);
    if (document == NULL) {
        return;
    }
    struct kvr_response *response = reply_changed(work->command, document);
    if (work->request.is_multi) {
        reply_results(work, response);
    } else {
        reply_single(work, response);
    }
}

/* ---------------------------------------------------------------- the command */

static void do_lookup(struct work *work)
{
    if (work->document == NULL) {
        reply_error(work->command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
    } else if (!take_texts(work)) {
        reply_error(work->command, MCBP_STATUS_NO_MEMORY, NULL);
    } else {
        look_up_all(work);
        reply_looked_up(work);
    }
}

static void do_edit(struct work *work)
{
    enum mcbp_status status = begin_edit(work);
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(work->command, status, NULL);
    } else {
        edit_all(work);
        reply_edited(work);
    }
}

void handle_subdoc(struct command *command)
{
    const struct mcbp_frame *frame = command->frame;
    struct work work = {.command = command};
    struct subdoc_input input = {
        .opcode = frame->header.opcode,
        .extras = frame->extras,
        .value = frame->value,
        .cas = frame->header.cas,
        .has_xattrs = session_has(command->session, MCBP_FEATURE_XATTR),
    };
    enum mcbp_status status = subdoc_request_parse(&input, &work.request);
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, work.request.context);
        return;
    }
    if (has_flag(&work, MCBP_SUBDOC_DOC_REPLICA_READ)) {
        reply_error(command, MCBP_STATUS_NOT_MY_VBUCKET, NULL); /* there are no replicas */
        return;
    }
    work.document = command_find(command);
    if (work.request.is_mutation) {
        do_edit(&work);
    } else {
        do_lookup(&work);
    }
    work_deinit(&work);
}
