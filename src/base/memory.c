#include "base/memory.h"

#include <errno.h>
#include <stdatomic.h>

/* malloc has no context, so these have to be global. */
static atomic_uint_fast64_t failures;
static void (*watching)(size_t size);

uint64_t memory_failures(void)
{
    return atomic_load_explicit(&failures, memory_order_relaxed);
}

void memory_note_failure(void)
{
    atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
}

void memory_note_errno(void)
{
    if (errno == ENOMEM) {
        memory_note_failure();
    }
}

void memory_watch(void (*watcher)(size_t size))
{
    watching = watcher;
}

void memory_note_allocation(size_t size)
{
    if (watching != NULL) {
        watching(size);
    }
}
