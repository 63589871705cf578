/*
 * evbuffer_pullup of a buffer that refers to another one's content (evbuffer_add_buffer_reference).
 * The chunk is shared and immutable, but evbuffer_pullup takes the room behind its data for its
 * own: of two buffers that refer to one, each overwrites what the other has pulled up.
 */
#include "report.h"

#include <event2/buffer.h>

static enum outcome try_it(void)
{
    struct evbuffer *shared = evbuffer_new();
    struct evbuffer *one = evbuffer_new();
    struct evbuffer *other = evbuffer_new();
    char content[7] = "";

    NEED(evbuffer_add(shared, "abc", 3) == 0);
    NEED(evbuffer_add_buffer_reference(one, shared) == 0);
    NEED(evbuffer_add_buffer_reference(other, shared) == 0);
    NEED(evbuffer_add(one, "111", 3) == 0);
    NEED(evbuffer_add(other, "222", 3) == 0);

    NEED(evbuffer_pullup(one, -1) != NULL);
    NEED(evbuffer_pullup(other, -1) != NULL);
    NEED(evbuffer_copyout(one, content, 6) == 6);
    return strcmp(content, "abc111") == 0 ? RIGHT : FAULTY;
}

int main(void)
{
    return report("evbuffer_pullup writes to a chunk that other buffers refer to", try_it);
}
