#include "anonymise/compressed.h"

#include <snappy-c.h>
#include <stdlib.h>

enum { TAG_LITERAL, TAG_COPY_1, TAG_COPY_2, TAG_COPY_4 }; /* bytes of the distance */

bool compressed_begin(struct span stream, size_t *at)
{
    enum { LENGTH_MAX = 5 }; /* a varint of 32 bits */
    *at = 0;
    while (*at < stream.size && *at < LENGTH_MAX) {
        if ((stream.data[(*at)++] & 0x80) == 0) {
            return true;
        }
    }
    return false;
}

/* Reads a number of `size` bytes, the lowest first, behind the place `at`. */
static bool read_number(struct span stream, size_t *at, size_t size, size_t *number)
{
    if (stream.size - *at < size) {
        return false;
    }
    *number = 0;
    for (size_t i = 0; i < size; i++) {
        *number |= (size_t)stream.data[*at + i] << 8 * i;
    }
    *at += size;
    return true;
}

static bool next_literal(struct span stream, size_t *at, uint8_t tag, struct compressed_part *part)
{
    enum { SHORT_MAX = 60 };
    size_t size = tag >> 2;
    if (size >= SHORT_MAX && !read_number(stream, at, size - SHORT_MAX + 1, &size)) {
        return false;
    }
    if (stream.size - *at <= size) {
        return false;
    }
    *part = (struct compressed_part){.literal = true, .at = *at, .size = size + 1};
    *at += part->size;
    return true;
}

bool compressed_next(struct span stream, size_t *at, struct compressed_part *part)
{
    if (*at >= stream.size) {
        return false;
    }
    uint8_t tag = stream.data[(*at)++];
    *part = (struct compressed_part){.size = (size_t)(tag >> 2) + 1};
    switch (tag & 3) {
    case TAG_LITERAL:
        return next_literal(stream, at, tag, part);
    case TAG_COPY_1:
        part->size = (size_t)(tag >> 2 & 7) + 4;
        if (!read_number(stream, at, 1, &part->before)) {
            return false;
        }
        part->before |= (size_t)(tag >> 5) << 8;
        return true;
    default:
        return read_number(stream, at, (tag & 3) == TAG_COPY_2 ? 2 : 4, &part->before);
    }
}

uint8_t *compressed_inflate(struct span stream, size_t *size, bool *no_memory)
{
    const char *bytes = (const char *)stream.data;
    if (stream.size == 0 || snappy_uncompressed_length(bytes, stream.size, size) != SNAPPY_OK ||
        *size > COMPRESSED_INFLATED_MAX ||
        snappy_validate_compressed_buffer(bytes, stream.size) != SNAPPY_OK) {
        return NULL;
    }
    char *inflated = malloc(*size + 1); /* nothing is a value, too */
    *no_memory |= inflated == NULL;
    if (inflated != NULL && snappy_uncompress(bytes, stream.size, inflated, size) != SNAPPY_OK) {
        free(inflated);
        inflated = NULL;
    }
    return (uint8_t *)inflated;
}
