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

/* Whether the key begins as no text does, but as one with the number of a collection: with a
 * control character, or half of a character in UTF-8. Numbers from 32 to 127 begin as text does. */
static inline bool mcbp_collection_is_evident(struct span key)
{
    enum { FIRST_PRINTABLE = 0x20, BEYOND_ASCII = 0x80 };
    struct mcbp_collection_key parts;
    bool half = key.size >= 2 && key.data[0] >= BEYOND_ASCII && key.data[1] < BEYOND_ASCII;
    return mcbp_collection_key_read(key, &parts) && (key.data[0] < FIRST_PRINTABLE || half) &&
           (parts.collection == MCBP_DEFAULT_COLLECTION ||
            parts.collection > MCBP_COLLECTION_RESERVED_MAX);
}

#endif
