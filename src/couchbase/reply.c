#include "couchbase/reply.h"

#include "base/endian.h"
#include "couchbase/value.h"

#include <inttypes.h>
#include <stdio.h>

struct kvr_response *reply_add(struct command *command)
{
    struct couchbase_answer *answer = command->answer;
    const struct mcbp_header *header = &command->frame->header;
    struct kvr_response *response = &answer->responses[answer->count++];
    *response = (struct kvr_response){
        .magic = MCBP_CLIENT_RESPONSE, .opcode = header->opcode, .opaque = header->opaque};
    if (session_has(command->session, MCBP_FEATURE_TRACING)) {
        response->magic = MCBP_FLEX_CLIENT_RESPONSE;
        response->framing_extras = command->node->duration;
        response->framing_extras_size = sizeof(command->node->duration);
    }
    return response;
}

void reply_done(struct command *command)
{
    if (!command->quiet) {
        reply_add(command);
    }
}

static size_t index_of(const struct command *command, const struct kvr_response *response)
{
    return (size_t)(response - command->answer->responses);
}

void reply_set_extras(struct command *command, struct kvr_response *response, struct span extras)
{
    uint8_t *room = command->node->extras[index_of(command, response)];
    assert(extras.size <= REPLY_EXTRAS_MAX);
    memcpy(room, extras.data, extras.size);
    response->extras = room;
    response->extras_size = extras.size;
}

void reply_give(struct command *command, struct kvr_response *response, struct blob *blob)
{
    command->node->given[index_of(command, response)] = blob;
    response->value = blob->bytes;
    response->value_size = blob->size;
    response->value_owner = &blob->owner;
}

bool reply_set_text(struct command *command, struct kvr_response *response, struct span text)
{
    struct blob *blob = blob_copy(text);
    if (blob == NULL) {
        command->answer->count = 0;
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return false;
    }
    reply_give(command, response, blob);
    return true;
}

struct kvr_response *reply_changed(struct command *command, const struct document *document)
{
    struct kvr_response *response = reply_add(command);
    uint8_t token[16];
    response->cas = document->cas;
    if (session_has(command->session, MCBP_FEATURE_MUTATION_SEQNO)) {
        write_be64(token, command->vbucket->uuid);
        write_be64(token + 8, document->seqno);
        reply_set_extras(command, response, span_of(token, sizeof(token)));
    }
    return response;
}

/* ---------------------------------------------------------------------------------- errors */

/* What clients without extended errors are told; CLOSES: nothing, the connection ends. Source:
 * daemon/connection.cc, remapErrorCode. */
enum { CLOSES = 0xffff };

static uint16_t remap(uint16_t status)
{
    switch (status) {
    case MCBP_STATUS_LOCKED:
    case MCBP_STATUS_CAS_VALUE_INVALID:
        return MCBP_STATUS_KEY_EXISTS;
    case MCBP_STATUS_NOT_LOCKED:
        return MCBP_STATUS_TEMPORARY_FAILURE;
    case MCBP_STATUS_NO_BUCKET:
    case MCBP_STATUS_VBUCKET_UUID_NOT_EQUAL:
        return CLOSES;
    default:
        return status;
    }
}

/* Adds the response, NULL: there is none but the end of the connection. */
static struct kvr_response *add_error(struct command *command, enum mcbp_status status)
{
    bool extended = session_has(command->session, MCBP_FEATURE_XERROR);
    uint16_t told = extended ? (uint16_t)status : remap((uint16_t)status);
    if (told == CLOSES) {
        command->answer->close = true;
        return NULL;
    }
    struct kvr_response *response = reply_add(command);
    response->status = told;
    return response;
}

void reply_give_json(struct command *command, struct kvr_response *response, struct blob *json)
{
    response->datatype = session_has(command->session, MCBP_FEATURE_JSON) ? MCBP_DATATYPE_JSON : 0;
    reply_give(command, response, json);
}

/* Source: daemon/cookie.cc, sendNotMyVBucket. */
struct blob *reply_hold_config(const struct couchbase_session *session, struct blob *json,
                               uint8_t *datatype)
{
    bool everywhere = session_has(session, MCBP_FEATURE_SNAPPY_EVERYWHERE);
    struct blob *compressed = everywhere ? value_compress(blob_span(json)) : NULL;
    *datatype = session_datatypes(session) &
                (uint8_t)(MCBP_DATATYPE_JSON | (compressed != NULL ? MCBP_DATATYPE_SNAPPY : 0));
    return compressed != NULL ? compressed : blob_hold(json);
}

void reply_give_config(struct command *command, struct kvr_response *response, struct blob *json)
{
    reply_give(command, response, reply_hold_config(command->session, json, &response->datatype));
}

static void set_json(struct command *command, struct kvr_response *response, const char *text)
{
    if (response != NULL && reply_set_text(command, response, span_of(text, strlen(text)))) {
        response->datatype =
            session_has(command->session, MCBP_FEATURE_JSON) ? MCBP_DATATYPE_JSON : 0;
    }
}

void reply_error(struct command *command, enum mcbp_status status, const char *context)
{
    char text[256];
    struct kvr_response *response = add_error(command, status);
    if (context != NULL) {
        snprintf(text, sizeof(text), "{\"error\":{\"context\":\"%s\"}}", context);
        set_json(command, response, text);
    } else if (status == MCBP_STATUS_NOT_MY_VBUCKET) {
        reply_give_config(command, response, command->node->bucket_config.json);
    }
}

void reply_no_privilege(struct command *command, const char *privilege)
{
    char name[MCBP_OPCODE_TEXT_SIZE];
    char text[160];
    snprintf(text, sizeof(text),
             "Authorization failure: can't execute %s operation without the %s privilege",
             mcbp_opcode_text(MCBP_CLIENT_REQUEST, command->frame->header.opcode, name), privilege);
    reply_error(command, MCBP_STATUS_NO_ACCESS, text);
}

void reply_locked(struct command *command)
{
    bool extended = session_has(command->session, MCBP_FEATURE_XERROR);
    reply_error(command, extended ? MCBP_STATUS_LOCKED : MCBP_STATUS_TEMPORARY_FAILURE, NULL);
}

void reply_unknown_collection(struct command *command, enum mcbp_status status)
{
    char text[64];
    snprintf(text, sizeof(text), "{\"manifest_uid\":\"%" PRIx64 "\"}",
             command->node->collections.uid);
    set_json(command, add_error(command, status), text);
}

void reply_miss(struct command *command)
{
    if (!command->quiet) {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
    }
}
