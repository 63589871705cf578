/*
 * The system's clocks.
 */
#ifndef KVREPLAY_BASE_CLOCK_H
#define KVREPLAY_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { CLOCK_MILLISECOND = 1000000 };

/* What that clock says, in nanoseconds: of CLOCK_REALTIME, Unix time. */
static inline int64_t clock_now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

#endif
