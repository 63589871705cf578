/*
 * Which writers bench measures.
 */
#include "cli/bench_arguments.h"
#include "writer/plugin.h"

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
static bool is_single(const struct kvr_writer *writer)
{
    return strcmp(writer->name, "batch") != 0;
}

static const struct bench_writer *by_reference(void)
{
    static struct bench_writer reference = {.name = "reference", .by_reference = true};
    reference.writer = kvr_writer_find("batch");
    return &reference;
}

void bench_add_writer(const struct argp_state *state, const char *option, const char *part)
{
    struct bench_writer found = {0};
    char problem[PLUGIN_PROBLEM_SIZE];
    if (strcmp(part, by_reference()->name) == 0) {
        found = *by_reference();
    } else if (plugin_is_path(part)) {
        found.writer = plugin_load(part, problem);
        if (found.writer == NULL) {
            argp_error(state, "%s: %s", option, problem);
        }
        found.name = found.writer->name;
    } else if ((found.writer = kvr_writer_find(part)) != NULL) {
        found.name = found.writer->name;
        found.single = is_single(found.writer);
    } else {
        argp_error(state, "%s: there is no writer '%s'; --help lists them", option, part);
    }
    push_writer(state, option, &found);
}

void bench_add_all_writers(const struct argp_state *state)
{
    for (const struct kvr_writer *writer = kvr_writers; writer->name != NULL; writer++) {
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
