/*
 * evbuffer_commit_space of what evbuffer_reserve_space has just returned, after two reservations of
 * up to three extents that nobody committed. Those leave two chunks without data behind the last
 * one with data. A reservation of one extent then may be in the first of them;
 * evbuffer_commit_space looks for it at the end of the last chunk with data, and in the very last
 * chunk.
 */
#include "report.h"

#include <event2/buffer.h>

static enum outcome try_it(void)
{
    struct evbuffer *buffer = evbuffer_new();
    struct evbuffer_iovec extents[3];
    size_t filled;

    /* One chunk, full but for a byte, so that making it larger is not worth it. */
    NEED(evbuffer_reserve_space(buffer, 1, extents, 1) == 1);
    filled = --extents[0].iov_len;
    memset(extents[0].iov_base, 'x', filled);
    NEED(evbuffer_commit_space(buffer, extents, 1) == 0);

    NEED(evbuffer_reserve_space(buffer, 100, extents, 3) == 2);
    NEED(evbuffer_reserve_space(buffer, 2000, extents, 3) == 3);

    NEED(evbuffer_reserve_space(buffer, 500, extents, 1) == 1);
    memset(extents[0].iov_base, 'y', 500);
    extents[0].iov_len = 500;
    if (evbuffer_commit_space(buffer, extents, 1) != 0) {
        return FAULTY;
    }
    return evbuffer_get_length(buffer) == filled + 500 ? RIGHT : FAULTY;
}

int main(void)
{
    return report("a valid reservation is refused at commit after two abandoned ones", try_it);
}
