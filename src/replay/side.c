#include "replay/side.h"

#include <stdlib.h>

enum { ROOM_MIN = 512, ROOM_KEPT = 64 * 1024 };

void side_deinit(struct side *side)
{
    free(side->carry);
    side->carry = NULL;
    side->size = side->room = 0;
}

void side_note_opening(struct side *side, struct span bytes)
{
    size_t size = sizeof(side->opening) - side->opening_size;
    if (size > bytes.size) {
        size = bytes.size;
    }
    if (size > 0) {
        memcpy(side->opening + side->opening_size, bytes.data, size);
        side->opening_size += size;
    }
}

static bool make_room(struct side *side, size_t more)
{
    size_t wanted;
    if (__builtin_add_overflow(side->size, more, &wanted)) {
        return false;
    }
    if (wanted <= side->room) {
        return true;
    }
    size_t room = side->room < ROOM_MIN ? ROOM_MIN : side->room;
    while (room < wanted) {
        if (__builtin_mul_overflow(room, (size_t)2, &room)) {
            return false;
        }
    }
    uint8_t *carry = realloc(side->carry, room);
    if (carry == NULL) {
        return false;
    }
    side->carry = carry;
    side->room = room;
    return true;
}

bool side_carry(struct side *side, struct span bytes, const struct net_origin *origin)
{
    if (bytes.size == 0) {
        return true;
    }
    if (!make_room(side, bytes.size)) {
        return false;
    }
    if (side->size == 0) {
        side->origin = *origin;
    }
    side->latest = *origin;
    memcpy(side->carry + side->size, bytes.data, bytes.size);
    side->size += bytes.size;
    return true;
}

void side_drop(struct side *side, size_t size)
{
    assert(size <= side->size);
    if (size == 0) {
        return; /* a large frame that arrives in small segments must not be moved each time */
    }
    side->size -= size;
    side->taken += size;
    if (side->size > 0) {
        memmove(side->carry, side->carry + size, side->size);
        side->origin = side->latest;
    } else if (side->room > ROOM_KEPT) {
        side_deinit(
            side); /* one large frame must not be paid for as long as its connection lives */
    }
}
