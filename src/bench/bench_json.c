#include "bench/bench_report.h"
#include "report/json_text.h"

#include <math.h>
#include <stdlib.h>

static const char schema[] = "kvreplay-bench-1";

static void bench_json_add_number(json_t *object, const char *key, double number, bool *ok)
{
    json_add(object, key, isnan(number) ? json_null() : json_real(number), ok);
}

static void add_count(json_t *object, const char *key, size_t count, bool *ok)
{
    json_add(object, key, json_integer((json_int_t)count), ok);
}

static void bench_json_append(json_t *array, json_t *value, bool *ok)
{
    *ok = json_array_append_new(array, value) == 0 && *ok;
}

static json_t *json_of_figures(const struct bench_report *report, const struct bench_cell *cell,
                               size_t writer, bool *ok)
{
    const struct bench_options *options = report->options;
    const struct bench_figures *figures = &cell->figures[writer];
    double cpu = figures->values[BENCH_CPU];
    json_t *object = json_object();
    json_add(object, "writer", json_of_text(options->writers[writer].name), ok);
    bench_json_add_number(object, "cpu", cpu, ok);
    bench_json_add_number(object, "cpu_p10", figures->cpu_p10, ok);
    bench_json_add_number(object, "cpu_p90", figures->cpu_p90, ok);
    bench_json_add_number(object, "ratio", cpu / cell->figures[options->baseline].values[BENCH_CPU],
                          ok);
    bench_json_add_number(object, "responses_per_second", 1e9 / cpu, ok);
    for (int i = BENCH_CPU + 1; i < BENCH_COLUMNS; i++) {
        bench_json_add_number(object, bench_column_names[i].name, figures->values[i], ok);
    }
    return object;
}

static json_t *json_of_cell(const struct bench_report *report, const struct bench_cell *cell,
                            bool *ok)
{
    json_t *object = json_object();
    json_t *writers = json_array();
    bool mix = cell->depth == 0;
    json_add(object, "sink", json_string(bench_sink_names[cell->sink].name), ok);
    json_add(object, "value_size", mix ? json_null() : json_integer((json_int_t)cell->value_size),
             ok);
    json_add(object, "depth", mix ? json_null() : json_integer((json_int_t)cell->depth), ok);
    add_count(object, "batches", cell->batches, ok);
    add_count(object, "responses", cell->responses, ok);
    add_count(object, "bytes", cell->bytes, ok);
    for (size_t i = 0; i < report->options->writers_count; i++) {
        bench_json_append(writers, json_of_figures(report, cell, i, ok), ok);
    }
    json_add(object, "writers", writers, ok);
    return object;
}

static json_t *json_of_condition(const struct bench_report *report,
                                 const struct condition *condition, bool *ok)
{
    json_t *object = json_object();
    json_t *broken = json_array();
    for (size_t index = 0; index < condition_indices(report->options); index++) {
        struct condition_sides sides;
        const struct bench_cell *cell;
        if (condition_holds(condition, report->result, index, &sides, &cell)) {
            continue;
        }
        json_t *one = json_object();
        bool mix = cell->depth == 0;
        json_add(one, "value_size", mix ? json_null() : json_integer((json_int_t)cell->value_size),
                 ok);
        json_add(one, "depth", mix ? json_null() : json_integer((json_int_t)cell->depth), ok);
        bench_json_add_number(one, "left", sides.left, ok);
        bench_json_add_number(one, "right", sides.right, ok);
        bench_json_append(broken, one, ok);
    }
    json_add(object, "assert", json_of_text(condition->text), ok);
    json_add(object, "holds", json_boolean(json_array_size(broken) == 0), ok);
    json_add(object, "broken", broken, ok);
    return object;
}

static json_t *bench_json_json_of_settings(const struct bench_report *report, bool *ok)
{
    const struct bench_options *options = report->options;
    json_t *object = json_object();
    json_add(object, "baseline", json_of_text(options->writers[options->baseline].name), ok);
    add_count(object, "repeat", options->repeat, ok);
    add_count(object, "time", options->milliseconds, ok);
    json_add(object, "heap", json_string(options->trim ? "trim" : "keep"), ok);
    add_count(object, "seed", options->seed, ok);
    json_add(object, "capture", json_of_text(report->capture), ok);
    if (options->mix != NULL) {
        add_count(object, "batches_seen", options->mix->batches_seen, ok);
    }
    return object;
}

static json_t *json_of_report(const struct bench_report *report, bool *ok)
{
    json_t *root = json_object();
    json_t *cells = json_array();
    json_t *conditions = json_array();
    json_add(root, "schema", json_string(schema), ok);
    json_add(root, "settings", bench_json_json_of_settings(report, ok), ok);
    for (size_t i = 0; i < report->result->cells_count; i++) {
        bench_json_append(cells, json_of_cell(report, &report->result->cells[i], ok), ok);
    }
    for (size_t i = 0; i < report->conditions_count; i++) {
        bench_json_append(conditions, json_of_condition(report, &report->conditions[i], ok), ok);
    }
    json_add(root, "cells", cells, ok);
    json_add(root, "asserts", conditions, ok);
    json_add(root, "interrupted", json_boolean(report->result->interrupted), ok);
    return root;
}

bool bench_json(FILE *out, const struct bench_report *report)
{
    bool ok = true;
    json_t *root = json_of_report(report, &ok);
    char *text = ok ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    if (text != NULL) {
        fprintf(out, "%s\n", text);
    }
    json_decref(root);
    ok = text != NULL;
    free(text);
    return ok;
}
