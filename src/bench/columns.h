/*
 * The names of what is measured and where, shared by the reports and by --assert.
 */
#ifndef KVREPLAY_BENCH_COLUMNS_H
#define KVREPLAY_BENCH_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

enum bench_sink {
    BENCH_MEMORY, /* a thread-safe bufferevent, emptied after each batch */
    BENCH_SOCKET, /* the same over a socket pair */
    BENCH_TLS,    /* TLS 1.3 over a socket pair */
    BENCH_SINKS
};

enum bench_column {
    BENCH_CPU,          /* ns, user and system, of the sending side */
    BENCH_RESERVATIONS, /* calls of evbuffer_reserve_space */
    BENCH_ALLOCATIONS,  /* by libevent and the writer */
    BENCH_BYTES,        /* allocated per byte sent */
    BENCH_CHUNKS,       /* in the buffer when the batch is written */
    BENCH_WRITEV,       /* calls of writev or write that sent something */
    BENCH_RECORDS,      /* TLS records */
    BENCH_COLUMNS
};

struct bench_sink_name {
    const char *name;
    const char *title;
};

struct bench_column_name {
    const char *name;  /* in --assert and in JSON */
    const char *title; /* above the column */
    bool sinks[BENCH_SINKS];
};

extern const struct bench_sink_name bench_sink_names[BENCH_SINKS];
extern const struct bench_column_name bench_column_names[BENCH_COLUMNS];

#endif
