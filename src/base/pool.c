#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST_SHIFT = 6 };

/* A free block begins with a pointer to the next one of its class. */
struct free_block {
    struct free_block *next;
};

static unsigned class_of(size_t size)
{
    if (size <= (size_t)1 << SMALLEST_SHIFT) {
        return 0;
    }
    return 64 - (unsigned)__builtin_clzl(size - 1) - SMALLEST_SHIFT;
}

void pool_init(struct pool *pool)
{
    memset(pool, 0, sizeof(*pool));
}

void pool_deinit(struct pool *pool)
{
    for (unsigned i = 0; i < POOL_CLASSES; i++) {
        for (struct free_block *block = pool->free[i]; block != NULL;) {
            struct free_block *next = block->next;
            free(block);
            block = next;
        }
        pool->free[i] = NULL;
    }
}

void *pool_take(struct pool *pool, size_t size)
{
    unsigned class = class_of(size);
    if (class >= POOL_CLASSES) {
        return malloc(size);
    }
    struct free_block *block = pool->free[class];
    if (block == NULL) {
        return malloc((size_t)1 << (class + SMALLEST_SHIFT));
    }
    pool->free[class] = block->next;
    return block;
}

void pool_give(struct pool *pool, void *block, size_t size)
{
    unsigned class = class_of(size);
    if (block == NULL || class >= POOL_CLASSES) {
        free(block);
        return;
    }
    struct free_block *freed = block;
    freed->next = pool->free[class];
    pool->free[class] = freed;
}
