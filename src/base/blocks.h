/*
 * Memory in size classes: 16, 24, 32, 48, 64, 96, ... bytes (2^k and 1.5 * 2^k), so that a block is
 * less than half as large again as asked for. What is given back is kept for the next taker, within
 * bounds; a store in its steady state takes nothing from malloc.
 *
 * Under AddressSanitizer every block comes from malloc, so that it sees a use after giving back.
 */
#ifndef KVREPLAY_BASE_BLOCKS_H
#define KVREPLAY_BASE_BLOCKS_H

#include <stddef.h>

enum { BLOCK_CLASSES = 64 };

struct blocks {
    struct block *idle[BLOCK_CLASSES];
    size_t taken_bytes; /* in use, by size of the class */
    size_t idle_bytes;  /* waiting for a taker: at most half of taken_bytes, or 4 MiB */
};

/* What a block of that size adds to taken_bytes. */
size_t blocks_size(size_t size);

/* All-zero is without blocks. Blocks still taken are not freed by deinit. */
void blocks_deinit(struct blocks *blocks);

/* `size` bytes, not cleared; NULL if there is no memory. */
void *blocks_take(struct blocks *blocks, size_t size);

/* Gives back a block taken with the same size; NULL is allowed. */
void blocks_give(struct blocks *blocks, void *block, size_t size);

#endif
