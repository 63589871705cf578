#include "allocator.h"

#include <event2/event.h>
#include <stdlib.h>

static size_t live;
static size_t until_refusal; /* 0: none is due */
static bool refuse_rest;
static bool refused;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void __real_free(void *block);
void __wrap_free(void *block);

static bool refuse(void)
{
    if (until_refusal == 0 || --until_refusal > 0) {
        return false;
    }
    until_refusal = refuse_rest ? 1 : 0;
    refused = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    void *block = refuse() ? NULL : __real_malloc(size);
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
    void *again = refuse() ? NULL : realloc(block, size);
    live += block == NULL && again != NULL;
    return again;
}

void allocator_begin(void)
{
    event_set_mem_functions(__wrap_malloc, take_again, __wrap_free);
}

void allocator_refuse(size_t nth, bool rest)
{
    until_refusal = nth;
    refuse_rest = rest;
    refused = false;
}

bool allocator_allow(void)
{
    until_refusal = 0;
    return refused;
}

size_t allocator_live(void)
{
    return live;
}
