/*
 * The command line of bench.
 */
#ifndef KVREPLAY_CLI_BENCH_ARGUMENTS_H
#define KVREPLAY_CLI_BENCH_ARGUMENTS_H

#include "bench/condition.h"
#include "dissect/dissect.h"
#include "writer/plugin.h"

#include <argp.h>

enum { BENCH_WRITERS_MAX = 16, BENCH_LIST_MAX = 64, BENCH_ASSERTS_MAX = 64 };

struct bench_arguments {
    struct bench_options options;
    struct bench_writer writers[BENCH_WRITERS_MAX];
    char *plugins[BENCH_WRITERS_MAX]; /* paths and names of the writers that are plug-ins */
    char plugin_names[BENCH_WRITERS_MAX][PLUGIN_NAME_SIZE];
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
void bench_arguments_deinit(struct bench_arguments *arguments);

/* bench_writers.c, for the parser, whose input is a struct bench_arguments. */

/* Adds the writer of that name, or of the plug-in. */
void bench_add_writer(const struct argp_state *state, const char *option, const char *name);
void bench_add_all_writers(const struct argp_state *state);
/* Once the writers are there. */
void bench_set_baseline(const struct argp_state *state, struct bench_arguments *arguments);

/* Ends the program if there already are `most`. */
void bench_check_room(const struct argp_state *state, const char *option, size_t count,
                      size_t most);

#endif
