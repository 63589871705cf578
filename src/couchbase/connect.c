/* Commands about the connection, before and beside documents. */
#include "base/endian.h"
#include "couchbase/reply.h"
#include "sasl/server.h"

#include <stdio.h>

/* ---------------------------------------------------------------- HELLO */

/* What this server can do, in ascending order. */
static const uint16_t FEATURES[] = {
    MCBP_FEATURE_TCP_NODELAY,
    MCBP_FEATURE_MUTATION_SEQNO,
    MCBP_FEATURE_XATTR,
    MCBP_FEATURE_XERROR,
    MCBP_FEATURE_SELECT_BUCKET,
    MCBP_FEATURE_SNAPPY,
    MCBP_FEATURE_JSON,
    MCBP_FEATURE_DUPLEX,
    MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION,
    MCBP_FEATURE_UNORDERED_EXECUTION,
    MCBP_FEATURE_TRACING,
    MCBP_FEATURE_ALT_REQUEST,
    MCBP_FEATURE_SYNC_REPLICATION,
    MCBP_FEATURE_COLLECTIONS,
    MCBP_FEATURE_SNAPPY_EVERYWHERE,
    MCBP_FEATURE_PRESERVE_TTL,
    MCBP_FEATURE_VATTR,
    MCBP_FEATURE_SUBDOC_REPLICA_READ, /* of which there are none */
    MCBP_FEATURE_CLUSTER_CONFIG_WITH_KNOWN_VERSION,
    MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION_BRIEF,
    MCBP_FEATURE_MUTATE_WITH_META,
};
enum { FEATURES_COUNT = sizeof(FEATURES) / sizeof(FEATURES[0]) };

/* The answer's own form is that of the new features. */
void handle_hello(struct command *command)
{
    uint8_t list[2 * FEATURES_COUNT];
    size_t size = 0;
    struct span asked = command->frame->value;
    if (asked.size % 2 != 0) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Features have 2 bytes each");
        return;
    }
    mcbp_feature_set wanted = mcbp_feature_set_of(asked);
    if (!mcbp_feature_is_in(wanted, MCBP_FEATURE_DUPLEX) &&
        (mcbp_feature_is_in(wanted, MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION) ||
         mcbp_feature_is_in(wanted, MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION_BRIEF))) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Notifications need Duplex");
        return;
    }
    command->session->features = 0;
    for (size_t i = 0; i < FEATURES_COUNT; i++) {
        if (mcbp_feature_is_in(wanted, (enum mcbp_feature)FEATURES[i])) {
            command->session->features |= (mcbp_feature_set)1 << FEATURES[i];
            write_be16(list + size, FEATURES[i]);
            size += 2;
        }
    }
    reply_set_text(command, reply_add(command), span_of(list, size));
}

/* ---------------------------------------------------------------- who the client is */

void handle_sasl_list(struct command *command)
{
    static const char mechanisms[] = SASL_MECHANISM_LIST;
    reply_set_text(command, reply_add(command), span_of(mechanisms, strlen(mechanisms)));
}

static void reply_sasl(struct command *command, enum sasl_status status, struct span message)
{
    switch (status) {
    case SASL_OK:
    case SASL_CONTINUE: {
        struct kvr_response *response = reply_add(command);
        response->status = status == SASL_OK ? MCBP_STATUS_SUCCESS : MCBP_STATUS_AUTH_CONTINUE;
        reply_set_text(command, response, message);
        break;
    }
    case SASL_MALFORMED:
    case SASL_OUT_OF_ORDER:
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, NULL);
        break;
    default:
        reply_error(command, MCBP_STATUS_AUTH_ERROR, NULL);
        break;
    }
}

/* Whoever fails to log in again is nobody. */
void handle_sasl(struct command *command)
{
    struct couchbase_session *session = command->session;
    const struct mcbp_frame *frame = command->frame;
    struct span message = {0};
    if (session->sasl == NULL) {
        session->sasl = sasl_server_create(command->node->users);
    }
    if (session->sasl == NULL) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    enum sasl_status status =
        frame->header.opcode == MCBP_SASL_AUTH
            ? sasl_server_start(session->sasl, frame->key, frame->value, &message)
            : sasl_server_step(session->sasl, frame->value, &message);
    session->authenticated = status == SASL_OK;
    session->has_bucket = session->has_bucket && session->authenticated;
    reply_sasl(command, status, message);
}

/* Users may use this node's bucket, and learn nothing of others; without users, everybody is an
 * administrator. Source: daemon/protocol/mcbp/select_bucket_executor.cc. */
void handle_select_bucket(struct command *command)
{
    static const char none[] = "@no bucket@";
    struct span name = command->frame->key;
    const char *bucket = command->node->bucket;
    bool leaves = span_equal(name, span_of(none, strlen(none)));
    if (!leaves && !span_equal(name, span_of(bucket, strlen(bucket)))) {
        bool anything = command->node->users == NULL;
        reply_error(command, anything ? MCBP_STATUS_KEY_NOT_FOUND : MCBP_STATUS_NO_ACCESS, NULL);
        return;
    }
    command->session->told = CONFIG_NONE;
    command->session->has_bucket = !leaves;
    reply_add(command);
}

/* ---------------------------------------------------------------- small ones */

void handle_noop(struct command *command)
{
    reply_add(command);
}

void handle_version(struct command *command)
{
    static const char version[] = "kvreplay " KVREPLAY_VERSION;
    reply_set_text(command, reply_add(command), span_of(version, strlen(version)));
}

void handle_quit(struct command *command)
{
    reply_done(command);
    command->answer->close = true;
}

void handle_error_map(struct command *command)
{
    if (command->frame->value.size != 2) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "The version has 2 bytes");
        return;
    }
    struct kvr_response *response = reply_add(command);
    response->datatype = session_has(command->session, MCBP_FEATURE_JSON) ? MCBP_DATATYPE_JSON : 0;
    reply_give(command, response, blob_hold(command->node->error_map));
}
