/*
 * A writer in a process of its own, that measures when it is told to.
 */
#ifndef KVREPLAY_BENCH_WORKER_H
#define KVREPLAY_BENCH_WORKER_H

#include "bench/bench.h"

#include <sys/types.h>

struct worker {
    const struct bench_writer *writer;
    pid_t process; /* -1: none */
    int socket;    /* to it */
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

/* Ends it, whatever it does. */
void worker_end(struct worker *worker);

#endif
