#include "dissect/side.h"

enum { ROOM_KEPT = 64 * 1024 };

void side_deinit(struct side *side)
{
    buffer_deinit(&side->carry);
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

bool side_carry(struct side *side, struct span bytes, const struct net_origin *origin)
{
    if (bytes.size == 0) {
        return true;
    }
    bool first = side_size(side) == 0;
    if (!buffer_append(&side->carry, bytes)) {
        return false;
    }
    if (first) {
        side->origin = *origin;
    }
    side->latest = *origin;
    return true;
}

void side_drop(struct side *side, size_t size)
{
    if (size == 0) {
        return;
    }
    buffer_take(&side->carry, size);
    side->taken += size;
    if (side_size(side) > 0) {
        side->origin = side->latest;
    } else if (side->carry.room > ROOM_KEPT) {
        side_deinit(
            side); /* one large frame must not be paid for as long as its connection lives */
    }
}
