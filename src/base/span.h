/*
 * A view of bytes that somebody else owns. It is valid only as long as its owner says.
 */
#ifndef KVREPLAY_BASE_SPAN_H
#define KVREPLAY_BASE_SPAN_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data;
    size_t size; /* bytes; data may be NULL only when this is 0 */
};

static inline struct span span_of(const void *data, size_t size)
{
    return (struct span){.data = data, .size = size};
}

/* The first `size` bytes; the caller has checked that there are as many. */
static inline struct span span_head(struct span span, size_t size)
{
    assert(size <= span.size);
    return span_of(span.data, size);
}

/* What follows the first `size` bytes; the caller has checked that there are as many. */
static inline struct span span_skip(struct span span, size_t size)
{
    assert(size <= span.size);
    return span_of(size == 0 ? span.data : span.data + size, span.size - size);
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#endif
