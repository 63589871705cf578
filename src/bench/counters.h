/*
 * Counts what a writer asks of libevent and of the heap, exactly and without changing it.
 *
 * Off, this costs a branch per call; timed and counted rounds are different ones. Counted are
 * libevent's allocations and those of this program's own code; a plug-in's own calls of malloc are
 * not, its calls of libevent are.
 */
#ifndef KVREPLAY_BENCH_COUNTERS_H
#define KVREPLAY_BENCH_COUNTERS_H

#include <stdint.h>

struct counters {
    uint64_t reservations;
    uint64_t allocations;
    uint64_t bytes; /* allocated */
};

/* What happens until counters_end is added to `counters`. */
void counters_begin(struct counters *counters);
void counters_end(void);

#endif
