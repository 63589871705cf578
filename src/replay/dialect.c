#include "replay/dialect.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"

enum {
    FIRST_OF_COUCHBASE = 0x80, /* memcached has no opcode from here on */
    TOKEN_SIZE = 16,           /* vbucket UUID and sequence number, behind a change */
};

/* memcached's clients leave datatype and vbucket 0, both "reserved" in its doc/protocol-binary.txt.
 */
static bool is_couchbases_request(const struct mcbp_header *header)
{
    return header->magic == MCBP_FLEX_CLIENT_REQUEST || header->magic == MCBP_SERVER_RESPONSE ||
           header->opcode >= FIRST_OF_COUCHBASE || header->datatype != 0 ||
           header->vbucket_or_status != 0;
}

static bool is_couchbases_answer(const struct mcbp_header *header)
{
    bool token = header->vbucket_or_status == MCBP_STATUS_SUCCESS &&
                 header->extras_length == TOKEN_SIZE && mcbp_opcode_makes_version(header->opcode);
    return header->magic == MCBP_FLEX_CLIENT_RESPONSE || header->magic == MCBP_SERVER_REQUEST ||
           token;
}

void dialect_note(struct connection *connection, const struct dissect_frame *frame)
{
    const struct dissect_conversation *conversation = connection->conversation;
    if (conversation->from_start || conversation->protocol != NET_TCP ||
        connection->features_negotiated || frame->bad_lengths) {
        return;
    }
    if (frame->role == FROM_CLIENT) {
        connection->features_negotiated = is_couchbases_request(&frame->frame.header);
    } else if (connection->answers_seen < DIALECT_ANSWERS) {
        connection->answers_seen++;
        connection->features_negotiated = is_couchbases_answer(&frame->frame.header);
    }
}
