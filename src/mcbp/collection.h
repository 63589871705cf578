/*
 * The key of a document (mcbp_opcode_has_collection) on a connection with the feature COLLECTIONS:
 * the number of the collection in LEB128, and the key that the client's user knows.
 */
#ifndef KVREPLAY_MCBP_COLLECTION_H
#define KVREPLAY_MCBP_COLLECTION_H

#include "mcbp/leb128.h"

enum {
    MCBP_DEFAULT_COLLECTION = 0,
    MCBP_COLLECTION_RESERVED_MAX = 7, /* no collection has a number from 1 to this */
};

struct mcbp_collection_key {
    uint32_t collection;
    struct span key; /* may be empty, which no server accepts */
};

/* False: the key begins with no such number. */
static inline bool mcbp_collection_key_read(struct span key, struct mcbp_collection_key *out)
{
    out->key = key;
    return mcbp_leb128_take(&out->key, &out->collection) == MCBP_LEB128_OK;
}

#endif
