/*
 * The tables: one per sink, a group of rows per size and depth.
 */
#include "bench/bench_report.h"
#include "report/printable.h"

#include <inttypes.h>
#include <math.h>

enum { WRITER_WIDTH = 10 };

const char *bench_size_text(size_t size, char text[SIZE_TEXT_SIZE])
{
    if (size >= 1 << 20 && size % (1 << 20) == 0) {
        snprintf(text, SIZE_TEXT_SIZE, "%zum", size >> 20);
    } else if (size >= 1 << 10 && size % (1 << 10) == 0) {
        snprintf(text, SIZE_TEXT_SIZE, "%zuk", size >> 10);
    } else {
        snprintf(text, SIZE_TEXT_SIZE, "%zu", size);
    }
    return text;
}

/* Three figures that mean something, without an exponent. */
static void bench_text_put_number(FILE *out, int width, double number)
{
    int decimals = number >= 99.95 || number == 0 ? 0 : number >= 9.995 ? 1 : number < 0.1 ? 4 : 2;
    fprintf(out, "%*.*f", width, decimals, number);
}

static void put_heading(FILE *out, const struct bench_options *options, enum bench_sink sink)
{
    fprintf(out, "\n%s\n%6s %5s  %-*s %9s %17s %9s %10s", bench_sink_names[sink].title, "value",
            "depth", WRITER_WIDTH, "writer", bench_column_names[BENCH_CPU].title, "p10 - p90",
            "ratio", "per second");
    for (int i = BENCH_CPU + 1; i < BENCH_COLUMNS; i++) {
        if (bench_column_names[i].sinks[sink]) {
            fprintf(out, " %7s", bench_column_names[i].title);
        }
    }
    char baseline[32]; /* under the ratio, and to the left of it where it is long */
    snprintf(baseline, sizeof(baseline), "/%s", options->writers[options->baseline].name);
    fprintf(out, "\n%6s %5s  %-*s %9s %27s\n", "", "", WRITER_WIDTH, "", "", baseline);
}

static void put_place(FILE *out, const struct bench_cell *cell, bool first)
{
    char size[SIZE_TEXT_SIZE];
    if (!first) {
        fprintf(out, "%6s %5s  ", "", "");
    } else if (cell->depth == 0) {
        fprintf(out, "%6s %5s  ", "mix", "mix");
    } else {
        fprintf(out, "%6s %5zu  ", bench_size_text(cell->value_size, size), cell->depth);
    }
}

static void put_row(FILE *out, const struct bench_report *report, const struct bench_cell *cell,
                    size_t writer)
{
    const struct bench_figures *figures = &cell->figures[writer];
    const struct bench_figures *baseline = &cell->figures[report->options->baseline];
    char spread[64];
    double cpu = figures->values[BENCH_CPU];
    put_place(out, cell, writer == 0);
    fprintf(out, "%-*.*s ", WRITER_WIDTH, WRITER_WIDTH, report->options->writers[writer].name);
    bench_text_put_number(out, 9, cpu);
    snprintf(spread, sizeof(spread), "%.*f - %.*f", cpu < 99.95, figures->cpu_p10, cpu < 99.95,
             figures->cpu_p90);
    fprintf(out, " %17s ", spread);
    bench_text_put_number(out, 9, cpu / baseline->values[BENCH_CPU]);
    fprintf(out, " %10.0f", 1e9 / cpu);
    for (int i = BENCH_CPU + 1; i < BENCH_COLUMNS; i++) {
        if (!isnan(figures->values[i])) {
            putc(' ', out);
            bench_text_put_number(out, 7, figures->values[i]);
        }
    }
    putc('\n', out);
}

static void put_introduction(FILE *out, const struct bench_report *report)
{
    const struct bench_options *options = report->options;
    fprintf(out,
            "Per response: CPU time (user and system) of the sending side in ns, the median of %u "
            "and where the\nmiddle 80 %% lie; its ratio to %s; responses per second of CPU time; "
            "then counts. B/B is bytes\nallocated per byte sent. flat is no writer but the limit: "
            "the same bytes in plain memory, in one piece.\n",
            options->repeat, options->writers[options->baseline].name);
    if (options->mix != NULL) {
        const struct bench_cell *cell = report->result->cells;
        fprintf(out, "\nThe mix of ");
        printable_write_text(out, report->capture);
        fprintf(out, ": %zu responses in %zu batches", options->mix->responses_count,
                options->mix->batches_count);
        if (options->mix->batches_seen > options->mix->batches_count) {
            fprintf(out, ", a sample of %" PRIu64, options->mix->batches_seen);
        }
        fprintf(out, "; %.1f responses a batch, %.0f bytes a response\n",
                (double)cell->responses / (double)cell->batches,
                (double)cell->bytes / (double)cell->responses);
    }
}

/* ------------------------------------------------------------------------------------ conditions
 */

static void put_broken(FILE *out, const struct bench_report *report,
                       const struct condition *condition, const struct bench_cell *cell,
                       const struct condition_sides *sides)
{
    char size[SIZE_TEXT_SIZE];
    const struct condition_operand *left = &condition->left;
    if (cell->depth > 0) {
        fprintf(out, "  value %s, depth %zu: ", bench_size_text(cell->value_size, size),
                cell->depth);
    } else {
        fprintf(out, "  mix: ");
    }
    fprintf(out, "%s.%s.%s is %.6g, %s %.6g\n", report->options->writers[left->writer].name,
            bench_sink_names[left->sink].name, bench_column_names[left->column].name, sides->left,
            condition_opposite_text(condition->relation), sides->right);
}

size_t bench_text_broken(FILE *out, const struct bench_report *report)
{
    size_t broken = 0;
    size_t indices = condition_indices(report->options);
    for (size_t i = 0; i < report->conditions_count; i++) {
        const struct condition *condition = &report->conditions[i];
        bool named = false;
        for (size_t index = 0; index < indices; index++) {
            struct condition_sides sides;
            const struct bench_cell *cell;
            if (condition_holds(condition, report->result, index, &sides, &cell)) {
                continue;
            }
            if (!named) {
                fprintf(out, "does not hold: %s\n", condition->text);
            }
            named = true;
            put_broken(out, report, condition, cell, &sides);
            broken++;
        }
    }
    return broken;
}

void bench_text(FILE *out, const struct bench_report *report)
{
    const struct bench_result *result = report->result;
    put_introduction(out, report);
    for (size_t i = 0; i < result->cells_count; i++) {
        const struct bench_cell *cell = &result->cells[i];
        if (i == 0 || cell->sink != cell[-1].sink) {
            put_heading(out, report->options, cell->sink);
        }
        for (size_t writer = 0; writer < report->options->writers_count; writer++) {
            put_row(out, report, cell, writer);
        }
    }
    if (result->interrupted) {
        fprintf(out, "\ninterrupted after %zu cells\n", result->cells_count);
    }
}
