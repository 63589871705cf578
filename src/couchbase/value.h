/*
 * Values as clients send them and as they are kept: compressed or not, JSON or not.
 */
#ifndef KVREPLAY_COUCHBASE_VALUE_H
#define KVREPLAY_COUCHBASE_VALUE_H

#include "couchbase/blob.h"

#include <stdbool.h>

/* Inflates a Snappy value of at most `size_max` bytes. NULL: it is none, it is longer (*too_large),
 * or there is no memory (*no_memory). */
struct blob *value_inflate(struct span compressed, size_t size_max, bool *too_large,
                           bool *no_memory);

/* NULL: no memory. */
struct blob *value_compress(struct span value);

struct document;

/* Holds the document's value, inflated; *value NULL: it has none. False: no memory. */
bool document_hold_inflated(const struct document *document, struct blob **value);

/* Whether it is JSON, by which the server sets the datatype, whatever the client says. */
bool value_is_json(struct span value);

/* Whether a compressed value is kept so. Source: min_compression_ratio. */
bool value_is_worth_compressing(size_t inflated, size_t compressed);

#endif
