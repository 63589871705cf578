#include "anonymise/extras.h"

#include "mcbp/opcode.h"

enum {
    CLUSTERMAP_CHANGE = 0x01, /* of a server's requests: two numbers of the map, 8 bytes each */
    CLUSTERMAP_EXTRAS = 16,
};

struct sizes {
    uint8_t opcode; /* the loud one */
    uint8_t request;
    uint8_t response; /* of what changes something: a vBucket's UUID and a sequence number, 16 */
};

static const struct sizes SIZES[] = {
    {MCBP_GET, 0, 4},
    {MCBP_SET, 8, 16},
    {MCBP_ADD, 8, 16},
    {MCBP_REPLACE, 8, 16},
    {MCBP_DELETE, 0, 16},
    {MCBP_INCREMENT, 20, 16},
    {MCBP_DECREMENT, 20, 16},
    {MCBP_FLUSH, 4, 0},
    {MCBP_GETK, 0, 4},
    {MCBP_APPEND, 0, 16},
    {MCBP_PREPEND, 0, 16},
    {MCBP_VERBOSITY, 4, 0},
    {MCBP_TOUCH, 4, 4},
    {MCBP_GAT, 4, 4},
    {MCBP_GATK, 4, 4},
    {MCBP_SET_VBUCKET, 4, 0},
    {MCBP_GET_ALL_VB_SEQNOS, 8, 0},
    {MCBP_DCP_OPEN, 8, 0},
    {MCBP_DCP_ADD_STREAM, 4, 4},
    {MCBP_DCP_STREAM_REQ, 48, 0},
    {MCBP_DCP_STREAM_END, 4, 0},
    {MCBP_DCP_SNAPSHOT_MARKER, 20, 0},
    {MCBP_DCP_MUTATION, 31, 0},
    {MCBP_DCP_DELETION, 21, 0},
    {MCBP_DCP_EXPIRATION, 20, 0},
    {MCBP_DCP_SET_VBUCKET_STATE, 1, 0},
    {MCBP_DCP_BUFFER_ACKNOWLEDGEMENT, 4, 0},
    {MCBP_DCP_SYSTEM_EVENT, 13, 0},
    {MCBP_DCP_PREPARE, 31, 0},
    {MCBP_DCP_SEQNO_ACKNOWLEDGED, 8, 0},
    {MCBP_DCP_COMMIT, 16, 0},
    {MCBP_DCP_ABORT, 16, 0},
    {MCBP_DCP_SEQNO_ADVANCED, 8, 0},
    {MCBP_DCP_OSO_SNAPSHOT, 4, 0},
    {MCBP_SET_PARAM, 4, 0},
    {MCBP_GET_REPLICA, 0, 4},
    {MCBP_GET_LOCKED, 4, 4},
    {MCBP_GET_META, 1, 21},
    {MCBP_SET_WITH_META, 30, 16},
    {MCBP_ADD_WITH_META, 30, 16},
    {MCBP_DELETE_WITH_META, 30, 16},
    {MCBP_GET_RANDOM_KEY, 4, 4},
    {MCBP_SEQNO_PERSISTENCE, 8, 0},
    {MCBP_GET_KEYS, 4, 0},
    {MCBP_COLLECTIONS_GET_ID, 0, 12},
    {MCBP_COLLECTIONS_GET_SCOPE_ID, 0, 12},
    {MCBP_RANGE_SCAN_CONTINUE, 28, 4},
    {MCBP_RANGE_SCAN_CANCEL, 16, 0},
};

/* One path: its length, flags, expiry time and flags of the document; several: the last two. */
static const struct sizes SUBDOC = {MCBP_SUBDOC_GET, 8, 16};

static const struct sizes *sizes_of(uint8_t opcode)
{
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        if (SIZES[i].opcode == opcode) {
            return &SIZES[i];
        }
    }
    return opcode >= MCBP_SUBDOC_GET && opcode <= MCBP_SUBDOC_GET_COUNT ? &SUBDOC : NULL;
}

size_t extras_longest(const struct mcbp_header *header)
{
    if (header->magic == MCBP_SERVER_REQUEST) {
        return header->opcode == CLUSTERMAP_CHANGE ? CLUSTERMAP_EXTRAS : 0;
    }
    const struct sizes *sizes = sizes_of(mcbp_opcode_loud(header->opcode));
    if (header->magic == MCBP_SERVER_RESPONSE || sizes == NULL) {
        return 0;
    }
    return mcbp_magic_is_response(header->magic) ? sizes->response : sizes->request;
}
