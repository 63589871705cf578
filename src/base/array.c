#include "base/array.h"

#include <stdlib.h>

enum { ROOM_MIN = 4 };

void *array_grow(void *items, size_t item_size, size_t count, size_t *room)
{
    if (count < *room) {
        return items;
    }
    size_t wanted = count + count / 2 + ROOM_MIN; /* no overflow: count items are in memory */
    void *grown = reallocarray(items, wanted, item_size);
    if (grown != NULL) {
        *room = wanted;
    }
    return grown;
}
