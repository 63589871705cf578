/*
 * bench: what the writers cost, side by side.
 *
 * A cell is one load (values of one size in batches of one depth, or the mix of a capture) into one
 * sink. In each cell every writer runs in a process of its own, so that none finds the heap as
 * another has left it, and none can take another down; they take turns, in an order that rotates
 * with each repetition, so that all of them meet the same machine.
 */
#ifndef KVREPLAY_BENCH_BENCH_H
#define KVREPLAY_BENCH_BENCH_H

#include "bench/options.h"

/* One writer in one cell: NAN for what the sink does not have. All but bytes are per response. */
struct bench_figures {
    double values[BENCH_COLUMNS]; /* cpu: the median, in ns */
    double cpu_p10;
    double cpu_p90;
};

struct bench_cell {
    enum bench_sink sink;
    size_t value_size; /* of every response, or 0 for a capture's mix */
    size_t depth;      /* responses in a batch, or 0 for a capture's mix */
    size_t batches;    /* written one after the other, then again */
    size_t responses;  /* in them */
    size_t bytes;
    struct bench_figures *figures; /* by writer */
};

struct bench_result {
    struct bench_cell *cells;
    size_t cells_count; /* those that are whole */
    bool interrupted;   /* there are fewer cells than were wanted */
};

/* Unless it is BENCH_DONE, `message` says which writer and what. */
enum bench_status bench_run(const struct bench_options *options, struct bench_result *result,
                            char message[BENCH_MESSAGE_SIZE]);
void bench_result_deinit(struct bench_result *result);

#endif
