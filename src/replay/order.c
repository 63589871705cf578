#include "replay/order.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

enum {
    UNORDERED_EXECUTION = 0x0e, /* cb::mcbp::Feature in couchbase/kv_engine's protocol */
    FEATURE_SIZE = 2,
    TAP_CONNECT = 0x40, /* of Couchbase before DCP, as are those up to the last one */
    TAP_LAST = 0x47,
};

void order_note_request(struct connection *connection, const struct mcbp_header *request)
{
    connection->streams |= request->opcode == MCBP_DCP_OPEN || request->opcode == TAP_CONNECT;
}

void order_note_hello(struct connection *connection, const struct mcbp_frame *response)
{
    struct span features = response->value;
    if (response->header.vbucket_or_status != MCBP_STATUS_SUCCESS) {
        return;
    }
    connection->features_negotiated = true;
    connection->unordered = false;
    for (; features.size >= FEATURE_SIZE; features = span_skip(features, FEATURE_SIZE)) {
        connection->unordered |= read_be16(features.data) == UNORDERED_EXECUTION;
    }
}

static bool waits_for_hello(const struct connection *connection)
{
    for (size_t i = 0; i < connection->queue.count; i++) {
        if (pending_queue_at(&connection->queue, i)->opcode == MCBP_HELLO) {
            return true;
        }
    }
    return false;
}

void order_note_loss(struct connection *connection, enum dissect_role role)
{
    connection->hello_unseen |= role == FROM_CLIENT || waits_for_hello(connection);
}

bool order_is_kept(const struct connection *connection)
{
    return connection->conversation->from_start && !connection->hello_unseen &&
           !connection->unordered && !connection->desynchronised;
}

/* Success is not answered. */
static bool is_stream_message(const struct connection *connection, uint8_t opcode)
{
    return connection->streams &&
           (mcbp_opcode_family(opcode) == MCBP_FAMILY_DCP_PRODUCER ||
            opcode == MCBP_DCP_BUFFER_ACKNOWLEDGEMENT || opcode == MCBP_DCP_SEQNO_ACKNOWLEDGED ||
            (opcode >= TAP_CONNECT && opcode <= TAP_LAST));
}

bool order_is_violated_by(const struct connection *connection, const struct pending *overtaken)
{
    bool request =
        overtaken->magic == MCBP_CLIENT_REQUEST || overtaken->magic == MCBP_FLEX_CLIENT_REQUEST;
    return overtaken->overtaken && request && overtaken->request_id < 0 && !overtaken->lost_ok &&
           !pending_is_quiet(overtaken) && order_is_kept(connection) &&
           !is_stream_message(connection, overtaken->opcode);
}
