/*
 * Which writers bench measures.
 */
#include "baseline/all_writers.h"
#include "cli/bench_arguments.h"
#include "cli/diagnose.h"
#include "writer/plugin_process.h"

#include <argp.h>
#include <string.h>

void bench_check_room(const struct argp_state *state, const char *option, size_t count, size_t most)
{
    if (count == most) {
        argp_error(state, "%s: more than %zu", option, most);
    }
}

static void push_writer(const struct argp_state *state, const char *option,
                        const struct bench_writer *writer)
{
    struct bench_arguments *arguments = state->input;
    size_t *count = &arguments->options.writers_count;
    bench_check_room(state, option, *count, BENCH_WRITERS_MAX);
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(arguments->writers[i].name, writer->name) == 0) {
            argp_error(state, "%s: '%s' twice", option, writer->name);
        }
    }
    arguments->writers[(*count)++] = *writer;
}

/* Only batch makes something of getting all responses at once; a plug-in may, too. */
static bool is_single(const struct kvr_writer_type *writer)
{
    return strcmp(writer->name, "batch") != 0;
}

static const struct bench_writer *by_reference(void)
{
    static struct bench_writer reference = {.name = "reference", .by_reference = true};
    reference.writer = all_writers_find("batch");
    return &reference;
}

/* It is loaded in the processes that measure it, so as to survive whatever it does there. */
static struct bench_writer find_plugin(const struct argp_state *state, const char *option,
                                       const char *path)
{
    struct bench_arguments *arguments = state->input;
    size_t count = arguments->options.writers_count;
    bench_check_room(state, option, count, BENCH_WRITERS_MAX);
    char problem[PLUGIN_PROBLEM_SIZE];
    char *copy = arguments->plugins[count] = strdup(path);
    struct bench_writer found = {.name = arguments->plugin_names[count], .plugin = copy};
    if (copy == NULL) {
        diagnose_and_exit(VERIFY_INTERNAL, "out of memory");
    }
    switch (plugin_process_probe(path, CHILD_TIMEOUT, arguments->plugin_names[count], problem)) {
    case PLUGIN_DONE:
        break;
    case PLUGIN_INTERRUPTED:
        diagnose_and_exit(VERIFY_NO_EVIDENCE, "%s: %s", option, problem);
    case PLUGIN_FAILED:
        diagnose_and_exit(VERIFY_INTERNAL, "%s: %s", option, problem);
    default:
        argp_error(state, "%s: %s", option, problem);
    }
    return found;
}

void bench_add_writer(const struct argp_state *state, const char *option, const char *part)
{
    struct bench_writer found = {0};
    if (strcmp(part, by_reference()->name) == 0) {
        found = *by_reference();
    } else if (plugin_is_path(part)) {
        found = find_plugin(state, option, part);
    } else if ((found.writer = all_writers_find(part)) != NULL) {
        found.name = found.writer->name;
        found.single = is_single(found.writer);
    } else {
        argp_error(state, "%s: there is no writer '%s'; --help lists them", option, part);
    }
    push_writer(state, option, &found);
}

void bench_add_all_writers(const struct argp_state *state)
{
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        struct bench_writer one = {
            .name = writer->name, .writer = writer, .single = is_single(writer)};
        push_writer(state, "--writers", &one);
    }
    push_writer(state, "--writers", by_reference());
}

void bench_set_baseline(const struct argp_state *state, struct bench_arguments *arguments)
{
    const char *name = arguments->baseline == NULL ? "legacy" : arguments->baseline;
    for (size_t i = 0; i < arguments->options.writers_count; i++) {
        if (strcmp(arguments->writers[i].name, name) == 0) {
            arguments->options.baseline = i;
            return;
        }
    }
    if (arguments->baseline != NULL) {
        argp_error(state, "--baseline: '%s' is none of the writers that are measured", name);
    }
    arguments->options.baseline = 1;
}
