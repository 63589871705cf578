#include "couchbase/value.h"

#include "couchbase/couchbase.h"
#include "couchbase/documents.h"

#include <jansson.h>
#include <snappy-c.h>

struct blob *value_inflate(struct span compressed, size_t size_max, bool *too_large,
                           bool *no_memory)
{
    const char *bytes = (const char *)compressed.data;
    size_t size;
    *too_large = *no_memory = false;
    /* The length that it claims is only believed once the whole has been walked. */
    if (snappy_uncompressed_length(bytes, compressed.size, &size) != SNAPPY_OK ||
        snappy_validate_compressed_buffer(bytes, compressed.size) != SNAPPY_OK) {
        return NULL;
    }
    if (size > size_max) {
        *too_large = true;
        return NULL;
    }
    struct blob *blob = blob_create(size);
    *no_memory = blob == NULL;
    if (blob != NULL &&
        snappy_uncompress(bytes, compressed.size, (char *)blob->bytes, &size) != SNAPPY_OK) {
        blob_drop(blob);
        return NULL;
    }
    return blob;
}

struct blob *value_compress(struct span value)
{
    struct blob *blob = blob_create(snappy_max_compressed_length(value.size));
    if (blob != NULL && snappy_compress((const char *)value.data, value.size, (char *)blob->bytes,
                                        &blob->size) != SNAPPY_OK) {
        blob_drop(blob);
        return NULL;
    }
    return blob;
}

/* Most of what is not JSON can be told from its first byte. */
static bool begins_like_json(struct span value)
{
    while (value.size > 0 && strchr(" \t\r\n", value.data[0]) != NULL && value.data[0] != 0) {
        value = span_skip(value, 1);
    }
    return value.size > 0 && value.data[0] != 0 &&
           strchr("{[\"-0123456789tfn", value.data[0]) != NULL;
}

bool value_is_json(struct span value)
{
    json_error_t error;
    json_t *json = !begins_like_json(value)
                       ? NULL
                       : json_loadb((const char *)value.data, value.size,
                                    JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
                                    &error); /* numbers of any size are JSON */
    json_decref(json);
    return json != NULL;
}

bool value_is_worth_compressing(size_t inflated, size_t compressed)
{
    return 5 * (uint64_t)inflated >= 6 * (uint64_t)compressed; /* a ratio of 1.2 */
}

bool document_hold_inflated(const struct document *document, struct blob **value)
{
    bool too_large;
    bool no_memory;
    if ((document->datatype & MCBP_DATATYPE_SNAPPY) == 0) {
        *value = blob_hold(document->value);
        return true;
    }
    *value = value_inflate(blob_span(document->value), COUCHBASE_VALUE_MAX, &too_large, &no_memory);
    return *value != NULL;
}
