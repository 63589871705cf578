/*
 * evbuffer_add_buffer_reference to a buffer that has no data, but a chunk, as after a reservation
 * that was not committed or evbuffer_expand. It frees the chunk, and goes on to use it: buf->first,
 * buf->last and buf->last_with_datap keep pointing there.
 *
 * Memory that is freed is overwritten here, so that its use shows without a sanitizer.
 */
#include "report.h"

#include <event2/buffer.h>

enum { SIZE_BEFORE = 16 }; /* of a block, kept before it; as much as alignment asks for */

static void *allocate(size_t size)
{
    char *block = malloc(SIZE_BEFORE + size);
    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &size, sizeof(size));
    return block + SIZE_BEFORE;
}

static void *reallocate(void *old, size_t size)
{
    size_t old_size = 0;
    void *block = allocate(size);
    if (old != NULL && block != NULL) {
        memcpy(&old_size, (char *)old - SIZE_BEFORE, sizeof(old_size));
        memcpy(block, old, old_size < size ? old_size : size);
    }
    return block;
}

/* Nothing gets it again. */
static void overwrite(void *block)
{
    size_t size;
    if (block != NULL) {
        memcpy(&size, (char *)block - SIZE_BEFORE, sizeof(size));
        memset(block, 0xDD, size);
    }
}

static enum outcome try_it(void)
{
    event_set_mem_functions(allocate, reallocate, overwrite);
    struct evbuffer *shared = evbuffer_new();
    struct evbuffer *buffer = evbuffer_new();
    struct evbuffer_iovec extents[2];
    char content[4] = "";

    NEED(evbuffer_add(shared, "abc", 3) == 0);
    NEED(evbuffer_reserve_space(buffer, 10, extents, 2) > 0);

    NEED(evbuffer_add_buffer_reference(buffer, shared) == 0);
    return evbuffer_copyout(buffer, content, 3) == 3 && strcmp(content, "abc") == 0 ? RIGHT
                                                                                    : FAULTY;
}

int main(void)
{
    return report("evbuffer_add_buffer_reference uses chunks that it has freed", try_it);
}
