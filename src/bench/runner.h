/*
 * One writer, one load, one sink: are the bytes right (runner.c), what do they take
 * (runner_count.c), how long does it take (runner_time.c).
 */
#ifndef KVREPLAY_BENCH_RUNNER_H
#define KVREPLAY_BENCH_RUNNER_H

#include "bench/load.h"
#include "bench/options.h"
#include "bench/sink.h"

#include <stdatomic.h>

struct runner {
    const struct bench_writer *writer;
    enum bench_sink which;
    kvr_write_function write;
    void *state;
    _Atomic uint64_t *calls; /* that have returned: whoever waits sees that there is progress */
    uint8_t *flat;           /* room for the longest batch, encoded flat */
    struct load load;
    struct sink sink;
};

/* The far end has so many turns to make room before sending counts as stuck. */
enum { RUNNER_STUCK_TURNS = 100 };

/* One batch, in one call or in one for each response. */
static inline enum kvr_error runner_write(struct runner *runner, const struct load_batch *batch)
{
    struct bufferevent *bufferevent = runner->sink.bufferevent;
    enum kvr_error error = KVR_OK;
    if (!runner->writer->single) {
        error = runner->write(runner->state, bufferevent, batch->responses, batch->count);
        uint64_t calls = atomic_load_explicit(runner->calls, memory_order_relaxed);
        atomic_store_explicit(runner->calls, calls + 1, memory_order_relaxed);
        return error;
    }
    for (size_t i = 0; i < batch->count && error == KVR_OK; i++) {
        error = runner->write(runner->state, bufferevent, &batch->responses[i], 1);
    }
    return error;
}

/* False: no memory or no sockets. *calls belongs to the caller. */
bool runner_init(struct runner *runner, const struct bench_writer *writer, enum bench_sink sink,
                 const struct mix *mix, const struct bench_options *options,
                 _Atomic uint64_t *calls);
void runner_deinit(struct runner *runner);

/*
 * Writes each batch once and compares what arrives with the flat encoder's bytes. Before all other
 * rounds: they are not decrypted. False: `message` says what is wrong.
 */
bool runner_verify(struct runner *runner, char message[BENCH_MESSAGE_SIZE]);

/* One round, counted; sets all columns but the CPU's. False: `message` says what went wrong. */
bool runner_count(struct runner *runner, double values[BENCH_COLUMNS],
                  char message[BENCH_MESSAGE_SIZE]);

/* The sender's CPU time for so many rounds, in ns; UINT64_MAX: something went wrong. */
uint64_t runner_time(struct runner *runner, size_t rounds);

/* How many rounds take about so many ns. */
size_t runner_calibrate(struct runner *runner, uint64_t nanoseconds);

#endif
