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

/* The attributes as a JSON object, *object NULL: none. False: no memory. */
bool xattr_blob_to_object(struct span value, struct blob **object);

#endif
