#include "replay/dialect.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/couchbase_ask.h"

enum {
    FIRST_OF_COUCHBASE = 0x80, /* memcached has no opcode from here on */
    TOKEN_SIZE = 16,           /* vbucket UUID and sequence number, behind a change */
};

/* memcached's clients leave datatype and vbucket 0, both "reserved" in its doc/protocol-binary.txt.
 */
bool dialect_is_couchbases_request(const struct mcbp_header *header)
{
    return header->magic == MCBP_FLEX_CLIENT_REQUEST || header->magic == MCBP_SERVER_RESPONSE ||
           header->datatype != 0 || header->vbucket_or_status != 0;
}

/* memcached writes a text to each error; Couchbase leaves it to codes, unless JSON was agreed on.
 */
bool dialect_is_couchbases_answer(const struct mcbp_header *header)
{
    bool wordless = header->body_length == 0 && header->vbucket_or_status != MCBP_STATUS_SUCCESS &&
                    header->vbucket_or_status != MCBP_STATUS_AUTH_CONTINUE;
    bool flagless = header->opcode == MCBP_TOUCH && header->body_length == 0 &&
                    header->vbucket_or_status == MCBP_STATUS_SUCCESS;
    bool token = header->vbucket_or_status == MCBP_STATUS_SUCCESS &&
                 header->extras_length == TOKEN_SIZE && mcbp_opcode_changes(header->opcode);
    return header->magic == MCBP_FLEX_CLIENT_RESPONSE || header->magic == MCBP_SERVER_REQUEST ||
           token || wordless || flagless;
}

static bool waits_for_hello(const struct connection *connection, uint32_t opaque)
{
    for (size_t i = 0; i < connection->queue.count; i++) {
        const struct pending *request = pending_queue_at(&connection->queue, i);
        if (request->opcode == MCBP_HELLO && request->opaque == opaque) {
            return true;
        }
    }
    return false;
}

static bool is_hello_granted(const struct connection *connection, const struct dissect_frame *frame)
{
    const struct mcbp_header *header = &frame->frame.header;
    return frame->role == FROM_SERVER && header->opcode == MCBP_HELLO &&
           mcbp_magic_is_response(header->magic) &&
           header->vbucket_or_status == MCBP_STATUS_SUCCESS &&
           waits_for_hello(connection, header->opaque);
}

static bool is_granted_attempt(const struct connection *connection,
                               const struct mcbp_header *answer)
{
    return connection->features_negotiated && answer->opcode >= FIRST_OF_COUCHBASE &&
           answer->vbucket_or_status == MCBP_STATUS_SUCCESS;
}

static bool shows_couchbase(struct connection *connection, const struct dissect_frame *frame)
{
    if (is_hello_granted(connection, frame)) {
        return true;
    }
    if (connection->conversation->from_start && !connection->hello_unseen) {
        return false;
    }
    if (connection->model->shadow != NULL) {
        return true; /* its server speaks it with others */
    }
    if (frame->role == FROM_CLIENT) {
        /* What was lost is hardly a HELLO: a request of Couchbase's may have been an attempt. */
        return !connection->conversation->from_start &&
               dialect_is_couchbases_request(&frame->frame.header);
    }
    return is_granted_attempt(connection, &frame->frame.header) ||
           (connection->answers_seen++ < DIALECT_ANSWERS &&
            dialect_is_couchbases_answer(&frame->frame.header));
}

/* Clients may try whether a server knows an opcode. Until it has said so, nothing is executed. */
static bool is_attempt(const struct connection *connection, const struct dissect_frame *frame)
{
    return frame->role == FROM_CLIENT && !connection->conversation->from_start &&
           frame->frame.header.opcode >= FIRST_OF_COUCHBASE;
}

void dialect_note(struct run *run, struct connection *connection, const struct dissect_frame *frame)
{
    enum verify_dialect given = run->options->dialect;
    if (connection->client == NULL && connection->conversation->protocol == NET_TCP &&
        !frame->bad_lengths &&
        (given == DIALECT_AUTO ? shows_couchbase(connection, frame) : given == DIALECT_COUCHBASE)) {
        couchbase_begin(run, connection);
    } else if (given == DIALECT_AUTO && !frame->bad_lengths && is_attempt(connection, frame)) {
        connection->features_negotiated = true;
    }
}
