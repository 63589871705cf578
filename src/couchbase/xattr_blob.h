/*
 * Extended attributes as they stand before the body in a value with the datatype XATTR: the size of
 * all, and of each its size, name and value, both with a NUL behind them. Source: docs/Document.md
 * in couchbase/kv_engine.
 */
#ifndef KVREPLAY_COUCHBASE_XATTR_BLOB_H
#define KVREPLAY_COUCHBASE_XATTR_BLOB_H

#include "couchbase/blob.h"

#include <stdbool.h>

/* Names that attributes may have, each once, and values that are JSON. Source: xattr/utils.cc,
 * validate1. */
bool xattr_blob_is_valid(struct span value);

/* The body behind them. */
struct span xattr_blob_body(struct span value);

/* The attributes as a JSON object, an empty one if there is room for none. *object NULL: these are
 * no attributes. False: no memory. */
bool xattr_blob_to_object(struct span value, struct blob **object);

/* An attribute in such an object. */
struct xattr_member {
    struct span whole; /* name, colon and value */
    struct span name;  /* a JSON string */
    struct span value;
};

/* Takes the next one off `rest`, the object's text at first. False: there is none. */
bool xattr_member_next(struct span *rest, struct xattr_member *member);

/* The other way round: the attributes of such an object, and the body behind them. NULL: no memory.
 */
struct blob *xattr_blob_from_object(struct span object, struct span body);

#endif
