#include "couchbase/return_meta.h"

#include "base/endian.h"
#include "couchbase/reply.h"
#include "couchbase/value.h"

enum return_meta_mutation return_meta_mutation_of(const struct mcbp_frame *request)
{
    uint32_t mutation = 0;
    if (request->extras.size == RETURN_META_ASKED) {
        mutation = read_be32(request->extras.data);
    }
    return mutation > RETURN_META_DELETE ? RETURN_META_NONE : (enum return_meta_mutation)mutation;
}

static void reply_shown(struct command *command, const struct document *document)
{
    uint8_t extras[RETURN_META_SHOWN];
    struct kvr_response *response = reply_add(command);
    write_be32(extras, document->flags);
    write_be32(extras + 4, document->expiry);
    write_be64(extras + 8, document->revision);
    reply_set_extras(command, response, span_of(extras, sizeof(extras)));
    response->cas = document->cas;
    response->datatype = document->datatype & session_datatypes(command->session);
}

static void drop_xattrs(struct document *document)
{
    blob_drop(document->xattrs);
    document->xattrs = NULL;
}

/* ---------------------------------------------------------------- the mutations */

static void store(struct command *command)
{
    struct span value = command->frame->value;
    const uint8_t *extras = command->frame->extras.data;
    struct content content = {.flags = read_be32(extras + 4),
                              .expiry = command_expiry(command, read_be32(extras + 8)),
                              .datatype = value_is_json(value) ? MCBP_DATATYPE_JSON : 0};
    content.value = value.size == 0 ? NULL : blob_copy(value);
    if (content.value == NULL && value.size > 0) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    struct document *document = command_put(command, &content);
    if (document != NULL) {
        drop_xattrs(document);
        reply_shown(command, document);
    }
}

static void set(struct command *command)
{
    enum mcbp_status status = command_check_cas(command, command_peek(command));
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, NULL);
    } else {
        store(command);
    }
}

/* Unlike ADD, it says NOT_STORED where there is a document; and to any CAS. */
static void add(struct command *command)
{
    if (command->frame->header.cas != 0 || command_peek(command) != NULL) {
        reply_error(command, MCBP_STATUS_NOT_STORED, NULL);
    } else {
        store(command);
    }
}

static void remove_document(struct command *command)
{
    struct document *document = command_find(command);
    enum mcbp_status status =
        document == NULL ? MCBP_STATUS_KEY_NOT_FOUND : command_check_cas(command, document);
    if (status == MCBP_STATUS_LOCKED) {
        reply_locked(command);
        return;
    }
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, NULL);
        return;
    }
    drop_xattrs(document);
    if (command_bury(command, document)) {
        reply_shown(command, document);
    } else {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
    }
}

void handle_return_meta(struct command *command)
{
    enum return_meta_mutation mutation = return_meta_mutation_of(command->frame);
    if (mutation == RETURN_META_NONE) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Invalid mode");
    } else if (!command_has_vbucket(command)) {
        return;
    } else if (mutation == RETURN_META_SET) {
        set(command);
    } else if (mutation == RETURN_META_ADD) {
        add(command);
    } else {
        remove_document(command);
    }
}
