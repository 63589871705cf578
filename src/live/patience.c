#include "live/patience.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>

enum { POLL_MILLISECONDS = 100 };

static int64_t milliseconds(void)
{
    return clock_now(CLOCK_MONOTONIC) / CLOCK_MILLISECOND;
}

void patience_begin(struct patience *patience, int timeout)
{
    patience->deadline = milliseconds() + timeout;
}

/* A signal may come just before poll, so that never lasts long. */
bool patience_wait(const struct patience *patience, int fd, short events)
{
    struct pollfd polled = {.fd = fd, .events = events};
    for (;;) {
        int64_t left = patience->deadline - milliseconds();
        int slice = left < POLL_MILLISECONDS ? (int)left : POLL_MILLISECONDS;
        int ready = poll(&polled, 1, left > 0 ? slice : 0);
        if (ready > 0) {
            return true;
        }
        if (patience->interrupted != NULL && *patience->interrupted != 0) {
            errno = EINTR;
            return false;
        }
        if (left <= 0 || (ready < 0 && errno != EINTR)) {
            errno = ETIMEDOUT;
            return false;
        }
    }
}
