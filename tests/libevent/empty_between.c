/*
 * evbuffer_remove_buffer of chunks among which one is empty, as after a reservation that was not
 * committed. Before 2.1.10 it took the chunk before that one for the last with data, and what was
 * added next came to lie before the chunks after it (libevent issue 778).
 */
#include "report.h"

#include <event2/buffer.h>

static enum outcome try_it(void)
{
    struct evbuffer *front = evbuffer_new();
    struct evbuffer *whole = evbuffer_new();
    struct evbuffer *moved = evbuffer_new();
    struct evbuffer_iovec extents[2];
    char content[6] = "";

    NEED(evbuffer_add(front, "ab", 2) == 0);
    NEED(evbuffer_reserve_space(front, 2000, extents, 2) == 2);
    NEED(evbuffer_add_reference(whole, "cd", 2, NULL, NULL) == 0);
    NEED(evbuffer_add_reference(whole, "ef", 2, NULL, NULL) == 0);
    NEED(evbuffer_prepend_buffer(whole, front) == 0);

    NEED(evbuffer_remove_buffer(whole, moved, 5) == 5);
    NEED(evbuffer_copyout(moved, content, 5) == 5);
    return strcmp(content, "abcde") == 0 ? RIGHT : FAULTY;
}

int main(void)
{
    return report("evbuffer_remove_buffer loses the order of chunks around an empty one", try_it);
}
