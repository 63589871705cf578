#include "cli/bench_arguments.h"

#include "baseline/all_writers.h"
#include "cli/arguments.h"
#include "cli/diagnose.h"
#include "cli/dissect_arguments.h"
#include "writer/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WRITERS = 0x300,
    SIZES,
    DEPTHS,
    FROM,
    SINKS,
    BASELINE,
    REFERENCE_THRESHOLD,
    HEAP,
    REPEAT,
    TIME,
    SEED,
    ASSERT,
    JSON,
    PLOT,
    WRITER_TIMEOUT,
};

enum { SIZE_MAX_VALUE = 64 << 20, DEPTH_MAX = 65536, BATCH_MAX = 1 << 30, REPEAT_MAX = 10000 };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is measured:", 1},
    {"writers", WRITERS, "LIST", 0,
     "Writers, separated by commas; one with a slash is a plug-in (default all)", 1},
    {"writer-timeout", WRITER_TIMEOUT, "SECONDS", 0,
     "How long a call of a plug-in may take (default 10)", 1},
    {"sinks", SINKS, "LIST", 0, "Of memory, socket, tls (default all)", 1},
    {"sizes", SIZES, "LIST", 0, "Value sizes (default 0,16,256,1k,4k,16k)", 1},
    {"depths", DEPTHS, "LIST", 0, "Responses in a batch (default 1,16,128)", 1},
    {"from", FROM, "CAPTURE", 0,
     "The sizes and depths of a capture's traffic, or a folder's, instead", 1},
    {"reference-threshold", REFERENCE_THRESHOLD, "SIZE", 0,
     "The writer reference sends values as large as that without a copy (default 16k)", 1},

    {NULL, 0, NULL, 0, "How:", 2},
    {"heap", HEAP, "WHICH", 0,
     "keep (default): what is freed stays in the heap, as in a server that has run for a while; "
     "trim: as malloc begins",
     2},
    {"repeat", REPEAT, "N", 0, "Measurements of each writer in each size and depth (default 21)",
     2},
    {"time", TIME, "MS", 0, "CPU time for all of them together (default 100)", 2},
    {"seed", SEED, "N", 0, "Of the bytes, and of the sample of a capture (default 1)", 2},

    {NULL, 0, NULL, 0, "What is shown:", 3},
    {"baseline", BASELINE, "WRITER", 0, "What ratios are to (default legacy)", 3},
    {"assert", ASSERT, "CONDITION", 0,
     "WRITER.SINK.COLUMN <= [NUMBER *] WRITER.SINK.COLUMN has to hold everywhere, or else the exit "
     "status is 1; may be repeated",
     3},
    {"json", JSON, "FILE", 0, "Write a report in JSON; - is standard output, instead of text", 3},
    {"plot", PLOT, "FILE", 0, "Draw an SVG, with gnuplot; - as above", 3},
    {0},
};

/* -------------------------------------------------------------------------------------- lists */

/* Calls `each` for every part of the list. */
static void for_each(const struct argp_state *state, const char *option, const char *list,
                     void (*each)(const struct argp_state *, const char *option, const char *part))
{
    char *copy = strdup(list);
    char *rest = copy;
    char *part;
    if (copy == NULL) {
        diagnose_and_exit(VERIFY_INTERNAL, "out of memory");
    }
    while ((part = strsep(&rest, ",")) != NULL) {
        if (*part == '\0') {
            argp_error(state, "%s: an empty part in '%s'", option, list);
        }
        each(state, option, part);
    }
    free(copy);
}

static void add_size(const struct argp_state *state, const char *option, const char *part)
{
    struct bench_arguments *arguments = state->input;
    bench_check_room(state, option, arguments->options.sizes_count, BENCH_LIST_MAX);
    arguments->sizes[arguments->options.sizes_count++] =
        argument_size(state, option, part, 0, SIZE_MAX_VALUE);
}

static void add_depth(const struct argp_state *state, const char *option, const char *part)
{
    struct bench_arguments *arguments = state->input;
    bench_check_room(state, option, arguments->options.depths_count, BENCH_LIST_MAX);
    arguments->depths[arguments->options.depths_count++] =
        argument_number(state, option, part, 1, DEPTH_MAX);
}

static void add_sink(const struct argp_state *state, const char *option, const char *part)
{
    struct bench_arguments *arguments = state->input;
    const char *words[BENCH_SINKS + 1] = {NULL};
    for (int i = 0; i < BENCH_SINKS; i++) {
        words[i] = bench_sink_names[i].name;
    }
    arguments->options.sinks[argument_word(state, option, part, words)] = true;
}

static bool is_trim(const struct argp_state *state, const char *text)
{
    static const char *const words[] = {"keep", "trim", NULL};
    return argument_word(state, "--heap", text, words) == 1;
}

/* ------------------------------------------------------------------------------------ the whole */

static void set_defaults(const struct argp_state *state, struct bench_arguments *arguments)
{
    const bool *sinks = arguments->options.sinks;
    if (!sinks[BENCH_MEMORY] && !sinks[BENCH_SOCKET] && !sinks[BENCH_TLS]) {
        for_each(state, "--sinks", "memory,socket,tls", add_sink);
    }
    if (arguments->options.sizes_count == 0) {
        for_each(state, "--sizes", "0,16,256,1k,4k,16k", add_size);
    }
    if (arguments->options.depths_count == 0) {
        for_each(state, "--depths", "1,16,128", add_depth);
    }
    if (arguments->options.writers_count == 1) {
        bench_add_all_writers(state);
    }
}

static void check_batches(const struct argp_state *state, const struct bench_arguments *arguments)
{
    for (size_t i = 0; i < arguments->options.sizes_count; i++) {
        for (size_t j = 0; j < arguments->options.depths_count; j++) {
            if (arguments->sizes[i] > BATCH_MAX / arguments->depths[j]) {
                argp_error(state, "%zu values of %zu bytes are more than 1 GiB",
                           arguments->depths[j], arguments->sizes[i]);
            }
        }
    }
}

static void parse_asserts(const struct argp_state *state, struct bench_arguments *arguments)
{
    for (size_t i = 0; i < arguments->asserts_count; i++) {
        struct condition_problem problem;
        if (!condition_parse(arguments->asserts[i], &arguments->options, &arguments->conditions[i],
                             &problem)) {
            argp_error(state, "--assert: %s\n  %s\n  %*s^", problem.message, arguments->asserts[i],
                       (int)problem.position, "");
        }
        arguments->conditions_count++;
    }
}

static void check_outputs(const struct argp_state *state, const struct bench_arguments *arguments)
{
    argument_keep_output(state, "--json", arguments->json, "--plot", arguments->plot);
    argument_keep_input(state, "--json", arguments->json, arguments->capture);
    argument_keep_input(state, "--plot", arguments->plot, arguments->capture);
    for (size_t i = 0; i < arguments->options.writers_count; i++) {
        argument_keep_input(state, "--json", arguments->json, arguments->plugins[i]);
        argument_keep_input(state, "--plot", arguments->plot, arguments->plugins[i]);
    }
}

static error_t bench_arguments_complete(const struct argp_state *state,
                                        struct bench_arguments *arguments)
{
    if (arguments->capture != NULL && arguments->own_load) {
        argp_error(state, "--from has its own sizes and depths");
    } else if (arguments->options.milliseconds * 1000 < arguments->options.repeat) {
        argp_error(state, "--time: less than a microsecond for each of %u measurements",
                   arguments->options.repeat);
    }
    check_outputs(state, arguments);
    set_defaults(state, arguments);
    bench_set_baseline(state, arguments);
    check_batches(state, arguments);
    parse_asserts(state, arguments);
    return 0;
}

/* What is measured, and how. */
static error_t parse_measuring(int key, char *argument, const struct argp_state *state,
                               struct bench_arguments *arguments)
{
    struct bench_options *bench = &arguments->options;
    switch (key) {
    case WRITERS:
        for_each(state, "--writers", argument, bench_add_writer);
        return 0;
    case WRITER_TIMEOUT:
        bench->writer_timeout =
            (unsigned)argument_number(state, "--writer-timeout", argument, 1, CHILD_TIMEOUT_MAX);
        return 0;
    case SINKS:
        for_each(state, "--sinks", argument, add_sink);
        return 0;
    case SIZES:
        arguments->own_load = true;
        for_each(state, "--sizes", argument, add_size);
        return 0;
    case DEPTHS:
        arguments->own_load = true;
        for_each(state, "--depths", argument, add_depth);
        return 0;
    case REFERENCE_THRESHOLD:
        bench->reference_threshold =
            argument_size(state, "--reference-threshold", argument, 1, SIZE_MAX_VALUE);
        return 0;
    case HEAP:
        bench->trim = is_trim(state, argument);
        return 0;
    case REPEAT:
        bench->repeat = (unsigned)argument_number(state, "--repeat", argument, 1, REPEAT_MAX);
        return 0;
    case TIME:
        bench->milliseconds = (unsigned)argument_number(state, "--time", argument, 1, 1000000);
        return 0;
    case SEED:
        bench->seed = argument_number(state, "--seed", argument, 0, INT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t bench_arguments_parse(int key, char *argument, struct argp_state *state)
{
    struct bench_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->dissect;
        return 0;
    case FROM:
        arguments->capture = argument_name(state, "--from", argument);
        return 0;
    case BASELINE:
        arguments->baseline = argument;
        return 0;
    case ASSERT:
        bench_check_room(state, "--assert", arguments->asserts_count, BENCH_ASSERTS_MAX);
        arguments->asserts[arguments->asserts_count++] = argument;
        return 0;
    case JSON:
        arguments->json = argument_report(state, "--json", argument);
        return 0;
    case PLOT:
        arguments->plot = argument_report(state, "--plot", argument);
        return 0;
    case ARGP_KEY_END:
        return bench_arguments_complete(state, arguments);
    default:
        return parse_measuring(key, argument, state, arguments);
    }
}

/* The writers and the columns there are, behind the options. */
static char *help_filter(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) {
        return (char *)text;
    }
    char *help = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&help, &size);
    if (out == NULL) {
        return NULL;
    }
    fputs("Writers:\n", out);
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        fprintf(out, "  %-10s %s\n", writer->name, writer->summary);
    }
    fputs("  reference  batch, with large values sent without a copy\n"
          "  flat       always measured: no writer, but the limit\n\nColumns:",
          out);
    for (int i = 0; i < BENCH_COLUMNS; i++) {
        fprintf(out, " %s", bench_column_names[i].name);
    }
    fputs("\n\nExit status: 0 measured, 1 an assertion does not hold or a writer is wrong, 2 wrong "
          "usage, 3 the capture can't be read, 4 no responses in it, 70 internal error or output "
          "that can't be written. kvreplay(1) has the rest.",
          out);
    fclose(out);
    return help;
}

void bench_arguments_init(struct bench_arguments *arguments, int argc, char **argv)
{
    static const struct argp_child children[] = {{&dissect_argp, 0, NULL, 4}, {0}};
    static const struct argp argp = {
        .options = options,
        .parser = bench_arguments_parse,
        .doc = "Measures what writers cost, side by side: CPU time, and what they ask of the heap, "
               "of libevent and of the network.\v-",
        .children = children,
        .help_filter = help_filter,
    };
    *arguments = (struct bench_arguments){
        .options = {.repeat = 21,
                    .milliseconds = 100,
                    .seed = 1,
                    .writers_count = 1,
                    .writer_timeout = CHILD_TIMEOUT},
        .writers = {{.name = "flat"}},
    };
    arguments->options.writers = arguments->writers;
    arguments->options.sizes = arguments->sizes;
    arguments->options.depths = arguments->depths;
    dissect_options_init(&arguments->dissect);
    diagnose_arguments(&argp, argc, argv, 0, arguments);
}

void bench_arguments_deinit(struct bench_arguments *arguments)
{
    for (size_t i = 0; i < arguments->options.writers_count; i++) {
        free(arguments->plugins[i]);
    }
}
