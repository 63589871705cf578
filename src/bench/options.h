/*
 * What is to be measured, and how a measurement ends.
 */
#ifndef KVREPLAY_BENCH_OPTIONS_H
#define KVREPLAY_BENCH_OPTIONS_H

#include "bench/columns.h"
#include "bench/mix.h"
#include "kvresponse/plugin.h"

struct bench_writer {
    const char *name;
    const struct kvr_writer_type *writer; /* NULL: flat, which is no writer but the limit */
    const char *plugin; /* the shared object that it is in, which is loaded in its own
                           process alone; NULL: it is one of this program's */
    bool by_reference;  /* values have owners, and may be sent without a copy */
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
    unsigned writer_timeout;    /* seconds that a call of a plug-in may take */
    bool trim;                  /* the heap gives back to the system what is freed, as by default */
    /* For showing progress; may be NULL. */
    void (*progress)(void *context, size_t cells_done, size_t cells);
    void *progress_context;
};

enum bench_status {
    BENCH_DONE,
    BENCH_WRONG,  /* a writer wrote other bytes than the flat encoder, refused, hung, crashed */
    BENCH_FAILED, /* no memory, no sockets, no process */
    BENCH_INTERRUPTED, /* the result has the cells that were measured */
};

enum { BENCH_MESSAGE_SIZE = 400 };

#endif
