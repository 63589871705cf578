#include "bench/counters.h"

#include "base/memory.h"

#include <dlfcn.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>

/* The functions below are called as malloc is, so this, and `reserve`, have to be global. NULL: not
 * counting. */
static struct counters *current;

static void count_allocation(size_t size)
{
    current->allocations++;
    current->bytes += size;
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
    /* This program's malloc is counted; all three do what libevent's own would, so a block may be
     * of either. */
    event_set_mem_functions(malloc, realloc, free);
    current = counters;
    memory_watch(count_allocation);
    reserve = reserve_counting;
}

void counters_end(void)
{
    memory_watch(NULL);
    current = NULL;
    reserve = reserve_of_libevent;
}
