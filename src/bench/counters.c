#include "bench/counters.h"

#include <dlfcn.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>

/* The functions below are called as malloc is, so this, and `reserve`, have to be global. NULL: not
 * counting. */
static struct counters *current;

/* ---------------------------------------------------------------- this program's calls (--wrap) */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static void count_allocation(size_t size)
{
    if (current != NULL) {
        current->allocations++;
        current->bytes += size;
    }
}

void *__wrap_malloc(size_t size)
{
    count_allocation(size);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    count_allocation(count * size);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    count_allocation(size);
    return __real_realloc(block, size);
}

/* ---------------------------------------------------------------------------- calls of libevent */

typedef int reserve_function(struct evbuffer *, ev_ssize_t, struct evbuffer_iovec *, int);

static reserve_function
    *reserve; /* libevent's or the one below, so that not counting costs nothing */
static reserve_function *reserve_of_libevent;

/* Before there are threads. */
__attribute__((constructor)) static void find_reserve(void)
{
    *(void **)&reserve_of_libevent = dlsym(RTLD_NEXT, "evbuffer_reserve_space");
    reserve = reserve_of_libevent;
}

static int reserve_counting(struct evbuffer *buffer, ev_ssize_t size,
                            struct evbuffer_iovec *extents, int count)
{
    current->reservations++;
    return reserve_of_libevent(buffer, size, extents, count);
}

/* Also a plug-in's: the program's definition of a symbol comes before a shared library's. */
int evbuffer_reserve_space(struct evbuffer *buffer, ev_ssize_t size, struct evbuffer_iovec *extents,
                           int count)
{
    return reserve(buffer, size, extents, count);
}

void counters_begin(struct counters *counters)
{
    /* All three do what libevent's own would, so a block may be of either. */
    event_set_mem_functions(__wrap_malloc, __wrap_realloc, free);
    current = counters;
    reserve = reserve_counting;
}

void counters_end(void)
{
    current = NULL;
    reserve = reserve_of_libevent;
    event_set_mem_functions(__real_malloc, __real_realloc, free);
}
