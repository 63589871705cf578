/* The commands of range scans. */
#include "base/buffer.h"
#include "base/endian.h"
#include "couchbase/reply.h"

/* SUCCESS if the vbucket is the one, and as far, that the client has seen. */
static enum mcbp_status check_snapshot(const struct scan_request *request,
                                       const struct vbucket *vbucket)
{
    if (!request->has_snapshot) {
        return MCBP_STATUS_SUCCESS;
    }
    return request->uuid != vbucket->uuid    ? MCBP_STATUS_VBUCKET_UUID_NOT_EQUAL
           : request->seqno > vbucket->seqno ? MCBP_STATUS_TEMPORARY_FAILURE
                                             : MCBP_STATUS_SUCCESS;
}

void handle_scan_create(struct command *command)
{
    struct scan_request request;
    uint8_t uuid[SCAN_UUID_SIZE];
    if (command->frame->header.datatype != MCBP_DATATYPE_JSON) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Datatype must be JSON");
        return;
    }
    enum mcbp_status status = scan_parse(command->value, &request);
    if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, "The value describes no scan");
        return;
    }
    if (!command_has_vbucket(command)) {
        return;
    }
    if (!collections_has(&command->node->collections, request.collection)) {
        reply_unknown_collection(command, MCBP_STATUS_UNKNOWN_COLLECTION);
        return;
    }
    status = check_snapshot(&request, command->vbucket);
    if (status == MCBP_STATUS_SUCCESS) {
        status = scans_create(&command->node->scans, &request, &command->vbucket->documents,
                              command->now, uuid);
    }
    if (status == MCBP_STATUS_SUCCESS) {
        reply_set_text(command, reply_add(command), span_of(uuid, sizeof(uuid)));
    } else {
        reply_error(command, status, NULL);
    }
}

void handle_scan_continue(struct command *command)
{
    enum { ITEMS_AT = 16, BYTES_AT = 24 };
    const uint8_t *extras = command->frame->extras.data;
    const struct scan_limits limits = {read_be32(extras + ITEMS_AT), read_be32(extras + BYTES_AT)};
    struct buffer value = {0};
    bool keys_only;
    enum mcbp_status status =
        scans_continue(&command->node->scans, extras, &limits, &value, &keys_only);
    if (status == MCBP_STATUS_RANGE_SCAN_MORE || status == MCBP_STATUS_RANGE_SCAN_COMPLETE) {
        const uint8_t form[4] = {0, 0, 0, keys_only ? 0 : 1};
        struct kvr_response *response = reply_add(command);
        response->status = (uint16_t)status;
        reply_set_extras(command, response, span_of(form, sizeof(form)));
        reply_set_text(command, response, buffer_span(&value));
    } else {
        reply_error(command, status, NULL);
    }
    buffer_deinit(&value);
}

void handle_scan_cancel(struct command *command)
{
    if (scans_cancel(&command->node->scans, command->frame->extras.data)) {
        reply_add(command);
    } else {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
    }
}
