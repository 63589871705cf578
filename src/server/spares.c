#include "server/spares.h"

#include <event2/event.h>
#include <stdlib.h>

enum {
    SPARES = 8,             /* a bufferevent of TLS is 4: itself, two buffers, a callback */
    SPARE_SIZE = 16 * 1024, /* a buffer's piece for the largest TLS record's rest */
};

static _Thread_local void *spares[SPARES];
static _Thread_local unsigned count;

static void *spares_allocate(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL && size <= SPARE_SIZE && count > 0) {
        return spares[--count];
    }
    return memory;
}

void spares_install(void)
{
    event_set_mem_functions(spares_allocate, realloc, free);
}

bool spares_fill(void)
{
    while (count < SPARES) {
        void *spare = malloc(SPARE_SIZE);
        if (spare == NULL) {
            return false;
        }
        spares[count++] = spare;
    }
    return true;
}

void spares_free(void)
{
    while (count > 0) {
        free(spares[--count]);
    }
}
