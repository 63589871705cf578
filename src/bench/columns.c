#include "bench/columns.h"

#define EVERYWHERE                                                                                 \
    {                                                                                              \
        true, true, true                                                                           \
    }

const struct bench_sink_name bench_sink_names[BENCH_SINKS] = {
    [BENCH_MEMORY] = {"memory", "memory: a thread-safe bufferevent, emptied after each batch"},
    [BENCH_SOCKET] = {"socket", "socket: a thread-safe bufferevent over a socket pair"},
    [BENCH_TLS] = {"tls", "tls: a thread-safe bufferevent_openssl over a socket pair, TLS 1.3"},
};

const struct bench_column_name bench_column_names[BENCH_COLUMNS] = {
    [BENCH_CPU] = {"cpu", "CPU ns", EVERYWHERE},
    [BENCH_RESERVATIONS] = {"reservations", "reserv", EVERYWHERE},
    [BENCH_ALLOCATIONS] = {"allocations", "alloc", EVERYWHERE},
    [BENCH_BYTES] = {"bytes", "B/B", EVERYWHERE},
    [BENCH_CHUNKS] = {"chunks", "chunks", EVERYWHERE},
    [BENCH_WRITEV] = {"writev", "writev", {false, true, true}},
    [BENCH_RECORDS] = {"records", "records", {false, false, true}},
};
