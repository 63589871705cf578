#include "base/buffer.h"

#include <stdlib.h>

enum { ROOM_MIN = 512 };

void buffer_deinit(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

/* Moves what is there to the beginning of memory with that much room. */
static bool move(struct buffer *buffer, size_t room)
{
    struct span there = buffer_span(buffer);
    uint8_t *bytes = malloc(room);
    if (bytes == NULL) {
        return false;
    }
    if (there.size > 0) {
        memcpy(bytes, there.data, there.size);
    }
    free(buffer->bytes);
    *buffer = (struct buffer){.bytes = bytes, .end = there.size, .room = room};
    return true;
}

/* Bytes move only if they take no more than half of the room, so that each moves a few times at
 * most, however many are added and taken. */
static bool buffer_make_room(struct buffer *buffer, size_t more)
{
    struct span there = buffer_span(buffer);
    size_t wanted;
    size_t twice;
    if (__builtin_add_overflow(there.size, more, &wanted) ||
        __builtin_mul_overflow(wanted, (size_t)2, &twice)) {
        return false;
    }
    if (buffer->room - buffer->end >= more) {
        return true;
    }
    if (twice > buffer->room) {
        return move(buffer, twice < ROOM_MIN ? ROOM_MIN : twice);
    }
    memmove(buffer->bytes, there.data, there.size);
    buffer->begin = 0;
    buffer->end = there.size;
    return true;
}

uint8_t *buffer_extend(struct buffer *buffer, size_t size)
{
    if (!buffer_make_room(buffer, size)) {
        return NULL;
    }
    uint8_t *place = buffer->bytes + buffer->end;
    buffer->end += size;
    return place;
}

bool buffer_append(struct buffer *buffer, struct span bytes)
{
    if (bytes.size == 0) {
        return true;
    }
    uint8_t *place = buffer_extend(buffer, bytes.size);
    if (place != NULL) {
        memcpy(place, bytes.data, bytes.size);
    }
    return place != NULL;
}

void buffer_take(struct buffer *buffer, size_t size)
{
    assert(size <= buffer->end - buffer->begin);
    buffer->begin += size;
    if (buffer->begin == buffer->end) {
        buffer->begin = buffer->end = 0;
    }
}
