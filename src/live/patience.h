/*
 * Waiting for a socket while a connection is being made.
 */
#ifndef KVREPLAY_LIVE_PATIENCE_H
#define KVREPLAY_LIVE_PATIENCE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* How long may be waited. */
struct patience {
    int64_t deadline;                         /* monotonic milliseconds */
    const volatile sig_atomic_t *interrupted; /* not 0: no longer; may be NULL */
};

/* From now on, for so many milliseconds. */
void patience_begin(struct patience *patience, int timeout);

/* Waits for poll's `events`. False: not in time, with errno: ETIMEDOUT, or EINTR if interrupted. */
bool patience_wait(const struct patience *patience, int fd, short events);

#endif
