/*
 * Bytes that are added at the end and taken from the beginning, in memory that grows with what is
 * there.
 */
#ifndef KVREPLAY_BASE_BUFFER_H
#define KVREPLAY_BASE_BUFFER_H

#include "base/span.h"

/* Zeroed: empty. */
struct buffer {
    uint8_t *bytes;
    size_t begin;
    size_t end;
    size_t room;
};

void buffer_deinit(struct buffer *buffer);

/* Adds so many bytes, which are the caller's to write. NULL: no memory; nothing has changed. */
uint8_t *buffer_extend(struct buffer *buffer, size_t size);

/* Adds those bytes. False: no memory; nothing has changed. */
bool buffer_append(struct buffer *buffer, struct span bytes);

/* Takes the first `size` bytes. */
void buffer_take(struct buffer *buffer, size_t size);

/* What is there, until something is added or taken. */
static inline struct span buffer_span(const struct buffer *buffer)
{
    return span_skip(span_of(buffer->bytes, buffer->end), buffer->begin);
}

#endif
