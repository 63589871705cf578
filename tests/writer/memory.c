#include "memory.h"

#include <event2/event.h>
#include <stdlib.h>

static size_t allocations;
static size_t bytes;
static size_t live;
static size_t until_refusal; /* 0: no refusal is due */
static bool refuse_rest;
static bool refusing;

static bool refused(size_t size)
{
    allocations++;
    bytes += size;
    if (refusing) {
        return true;
    }
    if (until_refusal > 0 && --until_refusal == 0) {
        refusing = refuse_rest;
        return true;
    }
    return false;
}

/* The library's own calls of malloc and free come here too (--wrap). */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void __real_free(void *block);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size)
{
    void *block = refused(size) ? NULL : __real_malloc(size);
    live += block != NULL;
    return block;
}

void __wrap_free(void *block)
{
    live -= block != NULL;
    __real_free(block);
}

static void *take_again(void *block, size_t size)
{
    void *again = refused(size) ? NULL : realloc(block, size);
    live += block == NULL && again != NULL;
    return again;
}

void memory_control(void)
{
    event_set_mem_functions(__wrap_malloc, take_again, __wrap_free);
}

void memory_refuse(size_t nth, bool rest)
{
    until_refusal = nth;
    refuse_rest = rest;
    refusing = false;
}

void memory_allow(void)
{
    memory_refuse(0, false);
}

void memory_count_begin(void)
{
    allocations = 0;
    bytes = 0;
}

size_t memory_allocations(void)
{
    return allocations;
}

size_t memory_bytes(void)
{
    return bytes;
}

size_t memory_live(void)
{
    return live;
}
