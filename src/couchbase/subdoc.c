/* Subdocument commands: several reads or edits of a document's body and extended attributes. */
#include "base/buffer.h"
#include "base/crc32.h"
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
    struct document *document; /* may be deleted; NULL: there is none */
    bool is_deleted;           /* and stays so, unless it is revived */
    struct blob *body;         /* inflated: where the body is to begin with */
    struct span begin[PARTS];  /* the texts then */
    bool was_json;             /* the body then */
    struct span texts[PARTS];
    bool is_json;
    struct buffer changed[PARTS];        /* where a text is that has been changed */
    struct blob *expanded[SUBDOC_SPECS]; /* virtual attributes, values of macros */
    struct subdoc_result results[SUBDOC_SPECS];
    enum mcbp_status statuses[SUBDOC_SPECS];
    size_t failed; /* the first spec that failed; request.count: none */
};

static bool is_of_xattrs(const struct mcbp_subdoc_spec *spec)
{
    return (spec->flags & MCBP_SUBDOC_PATH_XATTR) != 0;
}

static bool has_flag(const struct work *work, enum mcbp_subdoc_doc_flag flag)
{
    return (work->request.extras.doc_flags & flag) != 0;
}

static void begin_anew(struct work *work)
{
    for (size_t i = 0; i < SUBDOC_SPECS; i++) {
        blob_drop(work->expanded[i]);
        work->expanded[i] = NULL;
    }
    for (int part = 0; part < PARTS; part++) {
        buffer_deinit(&work->changed[part]);
        work->texts[part] = work->begin[part];
    }
    work->is_json = work->was_json;
}

static void work_deinit(struct work *work)
{
    begin_anew(work);
    blob_drop(work->body);
}

/* False: no memory. */
static bool take_texts(struct work *work)
{
    const struct document *document = work->document;
    if (!document_hold_inflated(document, &work->body)) {
        return false;
    }
    work->begin[BODY] = blob_span(work->body);
    work->was_json = (document->datatype & MCBP_DATATYPE_JSON) != 0;
    work->begin[XATTRS] = document->xattrs == NULL ? span_of("{}", 2) : blob_span(document->xattrs);
    return true;
}

static struct xattr_subject subject_of(const struct work *work)
{
    return (struct xattr_subject){work->document, work->begin[BODY], work->begin[XATTRS]};
}

/* What was found may stand for a value that is no JSON. SUCCESS, SUBDOC_FIELD_NOT_BINARY_VALUE or
 * NO_MEMORY. */
static enum mcbp_status decode(struct work *work, size_t index)
{
    struct subdoc_result *result = &work->results[index];
    struct blob *bytes;
    if ((work->request.specs[index].flags & MCBP_SUBDOC_PATH_BINARY) == 0) {
        return MCBP_STATUS_SUCCESS;
    }
    enum mcbp_status status = xattr_decode(result->value, &bytes);
    if (status == MCBP_STATUS_SUCCESS) {
        blob_drop(work->expanded[index]);
        work->expanded[index] = bytes;
        result->value = blob_span(bytes);
    }
    return status;
}

/* ---------------------------------------------------------------- lookups */

static enum mcbp_status look_up(struct work *work, size_t index)
{
    const struct mcbp_subdoc_spec *spec = &work->request.specs[index];
    struct subdoc_result *result = &work->results[index];
    struct span text = work->texts[is_of_xattrs(spec) ? XATTRS : BODY];
    if (spec->opcode == MCBP_GET) {
        result->value = text;
        return text.size == 0 ? MCBP_STATUS_SUBDOC_PATH_NOT_FOUND : MCBP_STATUS_SUCCESS;
    }
    if (!is_of_xattrs(spec) && !work->is_json) {
        return MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON;
    }
    if (is_of_xattrs(spec) && spec->path.data[0] == '$') {
        const struct xattr_subject subject = subject_of(work);
        enum mcbp_status status =
            xattr_virtual(work->command, &subject, spec->path, &work->expanded[index]);
        if (status != MCBP_STATUS_SUCCESS) {
            return status;
        }
        text = blob_span(work->expanded[index]);
    }
    struct subdoc_operation operation = {.opcode = spec->opcode, .path = spec->path};
    enum mcbp_status status = subdoc_lookup(&operation, text, result);
    return status == MCBP_STATUS_SUCCESS ? decode(work, index) : status;
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
}

/* SUCCESS or NO_MEMORY. */
static enum mcbp_status set_body(struct work *work, struct span body)
{
    struct buffer next = {0};
    if (!buffer_append(&next, body)) {
        return MCBP_STATUS_NO_MEMORY;
    }
    take_changed(work, BODY, &next);
    work->is_json = value_is_json(body);
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status copy_to_body(struct work *work, size_t index)
{
    struct subdoc_operation operation = {.opcode = MCBP_SUBDOC_GET,
                                         .path = work->request.specs[index].path};
    enum mcbp_status status = subdoc_lookup(&operation, work->texts[XATTRS], &work->results[index]);
    status = status == MCBP_STATUS_SUCCESS ? decode(work, index) : status;
    return status == MCBP_STATUS_SUCCESS ? set_body(work, work->results[index].value) : status;
}

/* The value that the spec puts in. SUCCESS, SUBDOC_XATTR_UNKNOWN_VATTR_MACRO or NO_MEMORY. */
static enum mcbp_status take_value(struct work *work, const struct xattr_change *change,
                                   size_t index, struct span *value)
{
    const struct mcbp_subdoc_spec *spec = &work->request.specs[index];
    *value = spec->value;
    if ((spec->flags & MCBP_SUBDOC_PATH_BINARY) != 0) {
        work->expanded[index] = xattr_encode(*value);
        *value = blob_span(work->expanded[index]);
        return work->expanded[index] == NULL ? MCBP_STATUS_NO_MEMORY : MCBP_STATUS_SUCCESS;
    }
    if ((spec->flags & MCBP_SUBDOC_PATH_EXPAND_MACROS) == 0) {
        return MCBP_STATUS_SUCCESS;
    }
    const struct xattr_subject subject = subject_of(work);
    enum mcbp_status status =
        xattr_expand(work->command, &subject, change, *value, &work->expanded[index]);
    *value = blob_span(work->expanded[index]);
    return status;
}

static enum mcbp_status edit(struct work *work, const struct xattr_change *change, size_t index)
{
    const struct mcbp_subdoc_spec *spec = &work->request.specs[index];
    enum part part = is_of_xattrs(spec) ? XATTRS : BODY;
    struct buffer next = {0};
    struct subdoc_operation operation = {
        .opcode = spec->opcode,
        .path = spec->path,
        .makes_parents = subdoc_makes_parents(&work->request, spec),
    };
    switch (spec->opcode) {
    case MCBP_SET:
    case MCBP_DELETE: /* has no value */
        return set_body(work, spec->value);
    case MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR:
        return copy_to_body(work, index);
    default:
        break;
    }
    if (part == BODY && !work->is_json) {
        return MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON;
    }
    enum mcbp_status status = take_value(work, change, index, &operation.value);
    status = status != MCBP_STATUS_SUCCESS
                 ? status
                 : subdoc_mutate(&operation, work->texts[part], &next, &work->results[index]);
    if (status != MCBP_STATUS_SUCCESS) {
        buffer_deinit(&next);
        return status;
    }
    take_changed(work, part, &next);
    return MCBP_STATUS_SUCCESS;
}

static void edit_all(struct work *work, const struct xattr_change *change)
{
    begin_anew(work);
    work->failed = 0;
    while (work->failed < work->request.count) {
        work->statuses[work->failed] = edit(work, change, work->failed);
        if (work->statuses[work->failed] != MCBP_STATUS_SUCCESS) {
            return;
        }
        work->failed++;
    }
}

static bool wants_checksum(const struct work *work)
{
    for (size_t i = 0; i < work->request.xattr_count; i++) {
        if (xattr_is_checksum(work->request.specs[i].value)) {
            return true;
        }
    }
    return false;
}

/* Attributes come first, and may have the checksum of what becomes of the body. */
static void edit_twice(struct work *work)
{
    struct xattr_change change = {command_next_cas(work->command),
                                  command_next_seqno(work->command), 0};
    edit_all(work, &change);
    if (work->failed == work->request.count && wants_checksum(work)) {
        change.checksum = crc32c(work->texts[BODY]);
        edit_all(work, &change);
    }
}

/* ---------------------------------------------------------------- what is there before */

/* Whether the request's CAS allows the command to begin, false: the answer says why not. A wrong
 * one for a locked document is noticed when it is stored. Source:
 * SubdocExecutionContext::get_document_for_searching. */
static bool check_cas(const struct work *work)
{
    uint64_t cas = work->command->frame->header.cas;
    uint64_t seen = document_seen_cas(work->document, work->command->now);
    bool locked = document_is_locked(work->document, work->command->now);
    if (work->request.is_mutation && locked) {
        if (cas == 0 || cas == seen) {
            reply_locked(work->command);
        }
        return cas != 0 && cas != seen;
    }
    if (cas != 0 && cas != seen) {
        reply_error(work->command, MCBP_STATUS_KEY_EXISTS, NULL);
    }
    return cas == 0 || cas == seen;
}

/* False: the answer says why. */
static bool begin_with_document(struct work *work)
{
    work->is_deleted = work->document->deleted;
    if (has_flag(work, MCBP_SUBDOC_DOC_ADD)) {
        reply_error(work->command, MCBP_STATUS_KEY_EXISTS, NULL);
        return false;
    }
    if (!check_cas(work)) {
        return false;
    }
    if (has_flag(work, MCBP_SUBDOC_DOC_REVIVE_DOCUMENT) && !work->is_deleted) {
        reply_error(work->command, MCBP_STATUS_SUBDOC_CAN_ONLY_REVIVE_DELETED_DOCUMENTS, NULL);
        return false;
    }
    if (!take_texts(work)) {
        reply_error(work->command, MCBP_STATUS_NO_MEMORY, NULL);
        return false;
    }
    return true;
}

/* The same of a document that is to be made. */
static bool begin_without(struct work *work)
{
    bool makes = has_flag(work, MCBP_SUBDOC_DOC_MKDOC) || has_flag(work, MCBP_SUBDOC_DOC_ADD);
    if (!makes) {
        reply_error(work->command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
        return false;
    }
    work->is_deleted = has_flag(work, MCBP_SUBDOC_DOC_CREATE_AS_DELETED);
    work->begin[BODY] = subdoc_new_document(&work->request);
    work->begin[XATTRS] = span_of("{}", 2);
    work->was_json = work->begin[BODY].size > 0;
    return true;
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

static bool deletes(const struct work *work)
{
    return work->request.specs[work->request.count - 1].opcode == MCBP_DELETE;
}

/* Whether they are stored anew, which those that are not named are not. Source: do_xattr_phase in
 * daemon/subdocument_context.cc. */
static bool edits_xattrs(const struct work *work)
{
    return work->request.xattr_count > 0;
}

/* The attributes after the edit, *xattrs NULL: none. False: no memory. */
static bool keep_xattrs(const struct work *work, struct blob **xattrs)
{
    struct blob *all = work->document == NULL ? NULL : blob_hold(work->document->xattrs);
    if (edits_xattrs(work)) {
        blob_drop(all);
        if (!xattr_keep(work->texts[XATTRS], &all)) {
            return false;
        }
    }
    *xattrs = all;
    if (!deletes(work)) {
        return true;
    }
    bool kept = xattr_keep_system(all, xattrs);
    blob_drop(all);
    return kept;
}

/* Where no attributes are left of those that there were, the document is not stored but removed,
 * which a tombstone can't be. Source: no_sys_xattrs in daemon/subdocument_context.cc. */
static bool removes_tombstone(const struct work *work, const struct blob *xattrs)
{
    bool had = work->document != NULL && work->document->xattrs != NULL;
    return work->is_deleted && deletes(work) && xattrs == NULL && (had || edits_xattrs(work));
}

/* False: the answer says why the document may not be stored. */
static bool may_store(const struct work *work)
{
    struct command *command = work->command;
    uint64_t cas = command->frame->header.cas;
    bool revives = has_flag(work, MCBP_SUBDOC_DOC_REVIVE_DOCUMENT);
    if (work->is_deleted && !revives && work->texts[BODY].size > 0) {
        reply_error(command, MCBP_STATUS_SUBDOC_DELETED_DOCUMENT_CANNOT_HAVE_VALUE,
                    "A deleted document can't have a value");
        return false;
    }
    if (work->document != NULL && document_is_locked(work->document, command->now) &&
        cas != work->document->lock_cas) {
        reply_locked(command);
        return false;
    }
    if (work->texts[BODY].size > COUCHBASE_VALUE_MAX ||
        work->texts[XATTRS].size > COUCHBASE_VALUE_MAX - work->texts[BODY].size) {
        reply_error(command, MCBP_STATUS_TOO_LARGE, NULL);
        return false;
    }
    /* A deleted document can only be made where there is not even a tombstone. */
    if (work->is_deleted && work->document == NULL &&
        documents_find(&command->vbucket->documents, &command->id) != NULL) {
        reply_error(command,
                    has_flag(work, MCBP_SUBDOC_DOC_ADD) ? MCBP_STATUS_NOT_STORED
                    : cas != 0                          ? MCBP_STATUS_KEY_EXISTS
                                                        : MCBP_STATUS_TEMPORARY_FAILURE,
                    NULL);
        return false;
    }
    return true;
}

/* NULL: the answer says why. */
static struct document *put(struct work *work, struct blob *xattrs)
{
    struct command *command = work->command;
    struct content content = {.flags = flags_after(work),
                              .expiry = expiry_after(work),
                              .datatype = work->is_json ? MCBP_DATATYPE_JSON : 0};
    if (work->texts[BODY].size > 0) {
        content.value = blob_copy(work->texts[BODY]);
        if (content.value == NULL) {
            reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
            return NULL;
        }
    }
    struct document *document = command_put(command, &content);
    if (document != NULL) {
        blob_drop(document->xattrs);
        document->xattrs = blob_hold(xattrs);
    }
    return document;
}

static struct document *store(struct work *work)
{
    struct blob *xattrs;
    bool revives = has_flag(work, MCBP_SUBDOC_DOC_REVIVE_DOCUMENT);
    if (!may_store(work)) {
        return NULL;
    }
    if (!keep_xattrs(work, &xattrs)) {
        reply_error(work->command, MCBP_STATUS_NO_MEMORY, NULL);
        return NULL;
    }
    if (removes_tombstone(work, xattrs)) {
        reply_error(work->command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
        return NULL;
    }
    struct document *document = put(work, xattrs);
    blob_drop(xattrs);
    if (document != NULL && (work->is_deleted || deletes(work)) && !revives) {
        document_mark_deleted(work->command, document);
    }
    return document;
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
static void set_result(struct work *work, struct kvr_response *response)
{
    const struct mcbp_subdoc_spec *spec = &work->request.specs[0];
    bool json = session_has(work->command->session, MCBP_FEATURE_JSON) &&
                (spec->flags & MCBP_SUBDOC_PATH_BINARY) == 0;
    if (subdoc_has_result(spec->opcode) &&
        reply_set_text(work->command, response, work->results[0].value)) {
        response->datatype = json ? MCBP_DATATYPE_JSON : 0;
    }
}

static void reply_failed(struct work *work, uint16_t status, uint64_t cas)
{
    if (!work->request.is_multi) {
        reply_error(work->command, work->statuses[0], NULL);
        return;
    }
    struct kvr_response *response = reply_add(work->command);
    response->status = status;
    response->cas = cas;
    reply_results(work, response);
}

static void reply_success(struct work *work, struct kvr_response *response, bool is_deleted)
{
    if (is_deleted) {
        response->status = MCBP_STATUS_SUBDOC_SUCCESS_DELETED;
    }
    if (work->request.is_multi) {
        reply_results(work, response);
    } else {
        set_result(work, response);
    }
}

/* ---------------------------------------------------------------- the command */

static void do_lookup(struct work *work)
{
    struct command *command = work->command;
    if (work->document == NULL) {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
        return;
    }
    if (!begin_with_document(work)) {
        return;
    }
    begin_anew(work);
    look_up_all(work);
    uint64_t cas = document_seen_cas(work->document, command->now);
    if (work->failed < work->request.count) {
        reply_failed(work,
                     work->is_deleted ? MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED
                                      : MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE,
                     cas);
    } else {
        struct kvr_response *response = reply_add(command);
        response->cas = cas;
        reply_success(work, response, work->is_deleted);
    }
}

static void do_edit(struct work *work)
{
    if (!(work->document == NULL ? begin_without(work) : begin_with_document(work))) {
        return;
    }
    edit_twice(work);
    if (work->failed < work->request.count) {
        reply_failed(work, MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE, 0);
        return;
    }
    const struct document *document = store(work);
    if (document != NULL) {
        bool revives = has_flag(work, MCBP_SUBDOC_DOC_REVIVE_DOCUMENT);
        reply_success(work, reply_changed(work->command, document), work->is_deleted && !revives);
    }
}

static struct document *find_document(const struct work *work)
{
    struct command *command = work->command;
    struct document *document = command_find(command);
    return document == NULL && has_flag(work, MCBP_SUBDOC_DOC_ACCESS_DELETED)
               ? documents_find(&command->vbucket->documents, &command->id)
               : document;
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
    if (!command_has_vbucket(command)) {
        return;
    }
    if (has_flag(&work, MCBP_SUBDOC_DOC_REPLICA_READ) && !command->told.replica) {
        reply_error(command, MCBP_STATUS_NOT_MY_VBUCKET, NULL); /* there are no replicas */
        return;
    }
    work.document = find_document(&work);
    if (work.request.is_mutation) {
        do_edit(&work);
    } else {
        do_lookup(&work);
    }
    work_deinit(&work);
}
