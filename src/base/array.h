/*
 * Arrays that grow as items are added to them.
 */
#ifndef KVREPLAY_BASE_ARRAY_H
#define KVREPLAY_BASE_ARRAY_H

#include <stddef.h>

/*
 * The array (NULL to begin with) with room for one item behind the `count` in it: where there is
 * none, it grows by half, and *room with it. NULL: no memory; the array is as it was.
 */
void *array_grow(void *items, size_t item_size, size_t count, size_t *room);

#endif
