/*
 * Bytes that a document and answers share: a blob lives until nobody holds it. It does not change.
 */
#ifndef KVREPLAY_COUCHBASE_BLOB_H
#define KVREPLAY_COUCHBASE_BLOB_H

#include "base/span.h"
#include "kvresponse/kvresponse.h"

#include <stdatomic.h>

struct blob {
    struct kvr_value_owner owner; /* the first member: the owner's functions are given it */
    atomic_uint holders;
    size_t size;
    uint8_t bytes[];
};

/* `size` bytes, not set, held by the caller. NULL: no memory. */
struct blob *blob_create(size_t size);

/* The two spans one behind the other. NULL: no memory. */
struct blob *blob_join(struct span first, struct span second);

static inline struct blob *blob_copy(struct span bytes)
{
    return blob_join(bytes, span_of(NULL, 0));
}

struct blob *blob_hold(struct blob *blob);

/* NULL is allowed. */
void blob_drop(struct blob *blob);

static inline struct span blob_span(const struct blob *blob)
{
    return blob == NULL ? span_of(NULL, 0) : span_of(blob->bytes, blob->size);
}

#endif
