/*
 * Encoding responses into the extents of a reservation. Inline: this is the writers' inner loop.
 */
#ifndef KVREPLAY_WRITER_FILL_H
#define KVREPLAY_WRITER_FILL_H

#include "response/encode.h"

#include <event2/buffer.h>

/* Where the next byte goes. The caller has reserved room for all it puts. */
struct fill {
    uint8_t *at;
    size_t room;                 /* left in the extent that `at` is in */
    struct evbuffer_iovec *next; /* the extent after it */
};

static inline struct fill fill_begin(struct evbuffer_iovec *extents)
{
    return (struct fill){extents[0].iov_base, extents[0].iov_len, extents + 1};
}

/* Two moves of `width` bytes that overlap unless size is 2 * width; width <= size <= 2 * width. */
#define FILL_MOVE_TWICE(type, at, from, size)                                                      \
    do {                                                                                           \
        type head, tail;                                                                           \
        memcpy(&head, (from), sizeof(type));                                                       \
        memcpy(&tail, (from) + (size) - sizeof(type), sizeof(type));                               \
        memcpy((at), &head, sizeof(type));                                                         \
        memcpy((at) + (size) - sizeof(type), &tail, sizeof(type));                                 \
    } while (0)

/*
 * Copies a part and returns the place after it. Extras, framing extras and many keys are a few
 * bytes long: a call of memcpy for each would cost more than the whole header.
 */
static inline uint8_t *fill_copy(uint8_t *at, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    if (size > 16) {
        memcpy(at, from, size);
    } else if (size >= 8) {
        FILL_MOVE_TWICE(uint64_t, at, from, size);
    } else if (size >= 4) {
        FILL_MOVE_TWICE(uint32_t, at, from, size);
    } else if (size > 0) {
        at[0] = from[0];
        at[size / 2] = from[size / 2];
        at[size - 1] = from[size - 1];
    }
    return at + size;
}

/* Puts bytes that may not fit what is left of the extent: the rest goes to the next one. */
static inline void fill_bytes(struct fill *fill, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (size > fill->room) {
        fill_copy(fill->at, from, fill->room);
        from += fill->room;
        size -= fill->room;
        fill->at = fill->next->iov_base;
        fill->room = fill->next->iov_len;
        fill->next++;
    }
    fill->at = fill_copy(fill->at, from, size);
    fill->room -= size;
}

/* Puts what precedes the value. */
static inline void fill_prefix(struct fill *fill, const struct kvr_response *response)
{
    uint8_t header[KVR_HEADER_SIZE];
    response_encode_header(response, header);
    fill_bytes(fill, header, sizeof(header));
    fill_bytes(fill, response->framing_extras, response->framing_extras_size);
    fill_bytes(fill, response->extras, response->extras_size);
    fill_bytes(fill, response->key, response->key_size);
}

/* Puts one whole frame of `size` bytes. */
static inline void fill_response(struct fill *fill, const struct kvr_response *response,
                                 size_t size)
{
    if (size > fill->room) {
        fill_prefix(fill, response);
        fill_bytes(fill, response->value, response->value_size);
        return;
    }
    uint8_t *at = fill->at;
    response_encode_header(response, at);
    at = fill_copy(at + KVR_HEADER_SIZE, response->framing_extras, response->framing_extras_size);
    at = fill_copy(at, response->extras, response->extras_size);
    at = fill_copy(at, response->key, response->key_size);
    fill->at = fill_copy(at, response->value, response->value_size);
    fill->room -= size;
}

/* Cuts the extents to the `total` bytes written and returns how many of them hold any. */
static inline int fill_trim(struct evbuffer_iovec *extents, size_t total)
{
    int used = 0;
    while (total > 0) {
        if (extents[used].iov_len > total) {
            extents[used].iov_len = total;
        }
        total -= extents[used].iov_len;
        used++;
    }
    return used;
}

#endif
