/*
 * Blocks of memory that are given back and taken again at a high rate: free lists by size class, so
 * that a steady state allocates nothing. Not thread safe.
 */
#ifndef KVREPLAY_BASE_POOL_H
#define KVREPLAY_BASE_POOL_H

#include <stddef.h>

/* Classes are powers of two from 64 bytes to 64 KiB; larger blocks come from malloc each time. */
enum { POOL_CLASSES = 11 };

struct pool {
    void *free[POOL_CLASSES];
};

void pool_init(struct pool *pool);
/* Frees what was given back; blocks still taken are the caller's to give back first. */
void pool_deinit(struct pool *pool);

/* At least `size` bytes, aligned for any type; NULL if there is no memory. */
void *pool_take(struct pool *pool, size_t size);
/* `size` is what pool_take was called with. `block` may be NULL. */
void pool_give(struct pool *pool, void *block, size_t size);

#endif
