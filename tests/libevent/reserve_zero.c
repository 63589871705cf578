/*
 * evbuffer_reserve_space of no bytes, with two extents, where the last chunk is full. There is
 * nothing to reserve, and no extents or one of no bytes would do; evbuffer_read_setup_vecs_ asserts
 * that there is a chunk with room, which ends the process unless libevent was built with NDEBUG
 * (libevent issue 1440).
 */
#include "report.h"

#include <event2/buffer.h>

static enum outcome try_it(void)
{
    struct evbuffer *buffer = evbuffer_new();
    struct evbuffer_iovec extents[2];

    /* All that one chunk has room for. */
    NEED(evbuffer_reserve_space(buffer, 1, extents, 1) == 1);
    memset(extents[0].iov_base, 'x', extents[0].iov_len);
    NEED(evbuffer_commit_space(buffer, extents, 1) == 0);

    int count = evbuffer_reserve_space(buffer, 0, extents, 2);
    return count >= 0 ? RIGHT : FAULTY;
}

int main(void)
{
    return report("evbuffer_reserve_space of 0 bytes after a full chunk", try_it);
}
