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

#include "bench/columns.h"
#include "bench/mix.h"
#include "response/kvresponse.h"

struct bench_writer {
    const char *name;
    const struct kvr_writer *writer; /* NULL: flat, which is no writer but the limit */
    bool by_reference;               /* values have owners, and may be sent without a copy */
    bool single; /* called for each response by itself, as in a server that knows no batches */
};

struct bench_options {
    const struct bench_writer *writers; /* the first one is flat */
    size_t writers_count;
    size_t baseline; /* of the writers */
    const size_t *sizes;
    size_t sizes_count;
    const size_t *depths;
    size_t depths_count;
    const struct mix *mix; /* instead of sizes and depths; NULL: those */
    bool sinks[BENCH_SINKS];
    unsigned repeat;
    unsigned milliseconds; /* of each writer in each cell, over all repetitions */
    uint64_t seed;
    size_t reference_threshold; /* as in kvr_options */
    bool trim;                  /* the heap gives back to the system what is freed, as by default */
    /* For showing progress; may be NULL. */
    void (*progress)(void *context, size_t cells_done, size_t cells);
    void *progress_context;
};

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
};

enum bench_status {
    BENCH_DONE,
    BENCH_WRONG,  /* a writer wrote other bytes than the flat encoder, refused, or crashed */
    BENCH_FAILED, /* no memory, no sockets, no process */
};

enum { BENCH_MESSAGE_SIZE = 400 };

/* Unless it is BENCH_DONE, `message` says which writer and what. */
enum bench_status bench_run(const struct bench_options *options, struct bench_result *result,
                            char message[BENCH_MESSAGE_SIZE]);
void bench_result_deinit(struct bench_result *result);

#endif
