/*
 * The command line of bench.
 */
#ifndef KVREPLAY_CLI_BENCH_ARGUMENTS_H
#define KVREPLAY_CLI_BENCH_ARGUMENTS_H

#include "bench/condition.h"
#include "replay/dissect.h"

enum { BENCH_WRITERS_MAX = 16, BENCH_LIST_MAX = 64, BENCH_ASSERTS_MAX = 64 };

struct bench_arguments {
    struct bench_options options;
    struct bench_writer writers[BENCH_WRITERS_MAX];
    size_t sizes[BENCH_LIST_MAX];
    size_t depths[BENCH_LIST_MAX];
    struct condition conditions[BENCH_ASSERTS_MAX];
    size_t conditions_count;
    const char *asserts[BENCH_ASSERTS_MAX]; /* the conditions before they are parsed */
    size_t asserts_count;
    const char *baseline; /* NULL: legacy, or else the first writer */
    struct dissect_options dissect;
    const char *capture; /* path; NULL: sizes and depths */
    const char *json;    /* path, "-" for standard output; NULL: none */
    const char *plot;    /* path; NULL: none */
    bool own_load;       /* --sizes or --depths were given */
};

/* Exits on --help and wrong usage. */
void bench_arguments_init(struct bench_arguments *arguments, int argc, char **argv);

#endif
