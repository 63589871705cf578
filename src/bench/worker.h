/*
 * A writer in a process of its own, that measures when it is told to.
 */
#ifndef KVREPLAY_BENCH_WORKER_H
#define KVREPLAY_BENCH_WORKER_H

#include "bench/options.h"

#include <stdatomic.h>
#include <sys/types.h>

struct worker {
    const struct bench_writer *writer;
    unsigned timeout;        /* seconds that a call may take; 0: any time, the writer is ours */
    pid_t process;           /* -1: none */
    int socket;              /* to it */
    _Atomic uint64_t *calls; /* of the writer that have returned, counted by the process */
};

/* Starts it. False: `message` says why not. */
bool worker_start(struct worker *worker, const struct bench_writer *writer, enum bench_sink sink,
                  const struct mix *mix, const struct bench_options *options,
                  char message[BENCH_MESSAGE_SIZE]);

/* Waits for what it has found before measuring: are the bytes right, and the counts. */
enum bench_status worker_prepare(struct worker *worker, double values[BENCH_COLUMNS],
                                 char message[BENCH_MESSAGE_SIZE]);

/* One measurement: CPU ns per response. */
enum bench_status worker_sample(struct worker *worker, double *nanoseconds,
                                char message[BENCH_MESSAGE_SIZE]);

/* Ends it, whatever it does. False: it did not end well, `message` says how. */
bool worker_end(struct worker *worker, char message[BENCH_MESSAGE_SIZE]);

#endif
