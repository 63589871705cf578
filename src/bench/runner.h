/*
 * One writer, one load, one sink: are the bytes right, what do they take, how long does it take.
 */
#ifndef KVREPLAY_BENCH_RUNNER_H
#define KVREPLAY_BENCH_RUNNER_H

#include "bench/bench.h"
#include "bench/load.h"
#include "bench/sink.h"

struct runner {
    const struct bench_writer *writer;
    enum bench_sink which;
    kvr_write write;
    void *state;
    uint8_t *flat; /* room for the longest batch, encoded flat */
    struct load load;
    struct sink sink;
};

/* False: no memory or no sockets. */
bool runner_init(struct runner *runner, const struct bench_writer *writer, enum bench_sink sink,
                 const struct mix *mix, const struct bench_options *options);
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
