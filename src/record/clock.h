/*
 * The time that packets are given.
 */
#ifndef KVREPLAY_RECORD_CLOCK_H
#define KVREPLAY_RECORD_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Unix time in nanoseconds. */
static inline int64_t clock_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

#endif
