#include "base/blocks.h"

#include <stdint.h>
#include <stdlib.h>

struct block {
    struct block *next;
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS_NOTHING 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define KEEPS_NOTHING 1
#endif
#ifndef KEEPS_NOTHING
#define KEEPS_NOTHING 0
#endif

enum { SMALLEST_SHIFT = 4 }; /* the smallest class has 2^4 bytes */
static const size_t ALWAYS_KEPT = 4 << 20;
static const size_t LARGEST = (size_t)1 << 32; /* larger than any frame, within BLOCK_CLASSES */

/* Even classes are powers of two, an odd one lies halfway between its neighbours. */
static size_t class_size(unsigned class)
{
    return ((class & 1) != 0 ? (size_t)3 << (SMALLEST_SHIFT - 1) : (size_t)1 << SMALLEST_SHIFT)
           << (class / 2);
}

static unsigned class_of(size_t size)
{
    if (size <= (size_t)1 << SMALLEST_SHIFT) {
        return 0;
    }
    unsigned below = 63 - (unsigned)__builtin_clzll(size - 1); /* 2^below < size */
    unsigned even = 2 * (below - SMALLEST_SHIFT);
    return size <= class_size(even + 1) ? even + 1 : even + 2;
}

size_t blocks_size(size_t size)
{
    return class_size(class_of(size));
}

void blocks_deinit(struct blocks *blocks)
{
    for (unsigned class = 0; class < BLOCK_CLASSES; class ++) {
        while (blocks->idle[class] != NULL) {
            struct block *block = blocks->idle[class];
            blocks->idle[class] = block->next;
            free(block);
        }
    }
    blocks->idle_bytes = 0;
}

void *blocks_take(struct blocks *blocks, size_t size)
{
    if (size > LARGEST) {
        return NULL;
    }
    unsigned class = class_of(size);
    struct block *block = blocks->idle[class];
    if (block != NULL) {
        blocks->idle[class] = block->next;
        blocks->idle_bytes -= class_size(class);
    } else {
        block = malloc(KEEPS_NOTHING ? size : class_size(class));
        if (block == NULL) {
            return NULL;
        }
    }
    blocks->taken_bytes += class_size(class);
    return block;
}

void blocks_give(struct blocks *blocks, void *memory, size_t size)
{
    if (memory == NULL) {
        return;
    }
    unsigned class = class_of(size);
    size_t bytes = class_size(class);
    blocks->taken_bytes -= bytes;
    size_t idle = blocks->idle_bytes + bytes;
    if (KEEPS_NOTHING || (idle > ALWAYS_KEPT && idle > blocks->taken_bytes / 2)) {
        free(memory);
        return;
    }
    struct block *block = memory;
    block->next = blocks->idle[class];
    blocks->idle[class] = block;
    blocks->idle_bytes = idle;
}
