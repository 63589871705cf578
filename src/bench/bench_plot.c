/*
 * The plot: a row of panels per sink. Of sizes and depths, a panel per depth with a line per writer
 * over the sizes, both axes logarithmic in effect; of a capture's mix, a bar per writer.
 */
#include "bench/bench_report.h"

#include <math.h>

enum { PANEL_WIDTH = 400, PANEL_HEIGHT = 320, MARGIN = 90, BARS_WIDTH = 640 };

/* On a logarithmic axis: 1, 2, 5 and their tenfolds, as far as times may go. */
static const double TICS_FIRST = 1;
static const double TICS_LAST = 1e9;

/* Told apart by people who don't see all colours, too (Okabe and Ito). The first one is flat. */
static const char *const colors[] = {"#7f7f7f", "#0072b2", "#d55e00", "#009e73",
                                     "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
enum { COLORS = sizeof(colors) / sizeof(colors[0]) };

/* A string for gnuplot; in names and paths anything may occur. */
static void put_string(FILE *out, const char *text)
{
    putc('\'', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '\'') {
            fputs("''", out);
        } else {
            putc(byte < 0x20 || byte == 0x7f ? '?' : byte, out);
        }
    }
    putc('\'', out);
}

static size_t sinks_count(const struct bench_options *options)
{
    size_t count = 0;
    for (int i = 0; i < BENCH_SINKS; i++) {
        count += options->sinks[i];
    }
    return count;
}

static double page_height(const struct bench_options *options)
{
    return (double)(sinks_count(options) * PANEL_HEIGHT + MARGIN);
}

static void put_beginning(FILE *out, const struct bench_options *options, size_t width)
{
    double height = page_height(options);
    fprintf(out,
            "set terminal svg size %zu,%.0f dynamic noenhanced font 'sans-serif,13' "
            "background '#ffffff'\n"
            "set multiplot\n"
            "set label 1 'CPU time per response, lower is better' at screen 0.5,%.4f center "
            "font ',16'\n",
            width, height, 1 - 22 / height);
}

/* What all panels have in common. */
static void put_frame(FILE *out, const struct bench_options *options, size_t columns)
{
    fprintf(out,
            "set border 3\nset xtics out nomirror\nset ytics out nomirror\nset grid ytics lt 1 lw "
            "0.5 lc rgb '#cccccc'\n"
            "set lmargin 10\nset rmargin 2\nset size %.5f,%.5f\n",
            1.0 / (double)columns, (double)PANEL_HEIGHT / page_height(options));
}

static void put_origin(FILE *out, const struct bench_options *options, size_t row, size_t columns,
                       size_t column)
{
    size_t below = sinks_count(options) - 1 - row;
    fprintf(out, "set origin %.5f,%.5f\n", (double)column / (double)columns,
            (double)(below * PANEL_HEIGHT) / page_height(options));
}

/* -------------------------------------------------------------------------- sizes and depths */

static void put_range(FILE *out, const struct bench_report *report, enum bench_sink sink)
{
    double least = INFINITY;
    double most = 0;
    for (size_t i = 0; i < report->result->cells_count; i++) {
        const struct bench_cell *cell = &report->result->cells[i];
        for (size_t j = 0; cell->sink == sink && j < report->options->writers_count; j++) {
            least = fmin(least, cell->figures[j].cpu_p10);
            most = fmax(most, cell->figures[j].cpu_p90);
        }
    }
    fprintf(out, "set yrange [%g:%g]\nset ytics (", least / 1.25, most * 1.25);
    for (double power = TICS_FIRST; power < TICS_LAST; power *= 10) {
        fprintf(out, "%s%g, %g, %g", power > TICS_FIRST ? ", " : "", power, 2 * power, 5 * power);
    }
    fputs(")\n", out);
}

/* The cells of one depth, a line each: size, then median, p10 and p90 of every writer. */
static void put_data(FILE *out, const struct bench_report *report, enum bench_sink sink,
                     size_t depth)
{
    fputs("$cells << END\n", out);
    for (size_t i = 0; i < report->result->cells_count; i++) {
        const struct bench_cell *cell = &report->result->cells[i];
        char size[SIZE_TEXT_SIZE];
        if (cell->sink != sink || cell->depth != depth) {
            continue;
        }
        fprintf(out, "%s", bench_size_text(cell->value_size, size));
        for (size_t j = 0; j < report->options->writers_count; j++) {
            const struct bench_figures *figures = &cell->figures[j];
            fprintf(out, " %g %g %g", figures->values[BENCH_CPU], figures->cpu_p10,
                    figures->cpu_p90);
        }
        putc('\n', out);
    }
    fputs("END\n", out);
}

/* How a writer's line looks, and its name in the legend. */
static void put_line_style(FILE *out, size_t writer)
{
    fprintf(out, "lw 2 pt %zu ps 0.6 dt %d lc rgb '%s'", writer + 4, writer == 0 ? 2 : 1,
            colors[writer % COLORS]);
}

/* One for all panels, in a plot of its own: a key has no more room than its plot. */
static void put_legend(FILE *out, const struct bench_options *options, double height)
{
    fprintf(out,
            "set origin 0,%.4f\nset size 1,%.4f\nunset border\nunset tics\n"
            "set key center center horizontal maxrows 1\nplot [0:1] [0:1] ",
            1 - 76 / height, 44 / height);
    for (size_t i = 0; i < options->writers_count; i++) {
        fputs(i == 0 ? "NaN with linespoints " : ", NaN with linespoints ", out);
        put_line_style(out, i);
        fputs(" title ", out);
        put_string(out, options->writers[i].name);
    }
    fputs("\nunset key\nunset label 1\n", out);
}

static void put_lines(FILE *out, const struct bench_options *options)
{
    fputs("plot ", out);
    for (size_t i = 0; i < options->writers_count; i++) {
        fprintf(out, "%s$cells using 0:%zu:%zu:%zu:xtic(1) with yerrorlines ", i == 0 ? "" : ", ",
                3 * i + 2, 3 * i + 3, 3 * i + 4);
        put_line_style(out, i);
    }
    putc('\n', out);
}

static void put_panel(FILE *out, const struct bench_report *report, enum bench_sink sink,
                      size_t column)
{
    size_t depth = report->options->depths[column];
    fprintf(out, "set title '%s, %zu response%s in a batch'\n", bench_sink_names[sink].name, depth,
            depth == 1 ? "" : "s");
    fprintf(out, "set ylabel '%s'\n", column == 0 ? "CPU time, ns per response" : "");
    put_data(out, report, sink, depth);
    put_lines(out, report->options);
}

static void put_panels(FILE *out, const struct bench_report *report)
{
    const struct bench_options *options = report->options;
    size_t columns = options->depths_count;
    size_t row = 0;
    put_beginning(out, options, columns * PANEL_WIDTH);
    put_legend(out, options, page_height(options));
    put_frame(out, options, columns);
    fputs("set logscale y\nset xlabel 'value, bytes'\nset offsets 0.3,0.3,0,0\n", out);
    for (int sink = 0; sink < BENCH_SINKS; sink++) {
        if (!options->sinks[sink]) {
            continue;
        }
        put_range(out, report, (enum bench_sink)sink);
        for (size_t column = 0; column < columns; column++) {
            put_origin(out, options, row, columns, column);
            put_panel(out, report, (enum bench_sink)sink, column);
        }
        row++;
    }
}

/* ------------------------------------------------------------------------------ a capture's mix */

static void put_bars(FILE *out, const struct bench_report *report, const struct bench_cell *cell)
{
    fputs("$bars << END\n", out);
    for (size_t i = 0; i < report->options->writers_count; i++) {
        const struct bench_figures *figures = &cell->figures[i];
        fprintf(out, "%zu %g %g %g\n", i, figures->values[BENCH_CPU], figures->cpu_p10,
                figures->cpu_p90);
    }
    fputs("END\nset xtics (", out);
    for (size_t i = 0; i < report->options->writers_count; i++) {
        fputs(i == 0 ? "" : ", ", out);
        put_string(out, report->options->writers[i].name);
        fprintf(out, " %zu", i);
    }
    fprintf(out, ")\nset title '%s'\n", bench_sink_names[cell->sink].name);
    fprintf(out,
            "plot $bars using 1:2 with boxes fs solid 0.8 noborder lc rgb '%s' notitle, "
            "'' using 1:3:(0):($4-$3) with vectors nohead lw 2 lc rgb '#000000' notitle, "
            "'' using 1:4:(sprintf('%%.4g', $2)) with labels offset 0,0.8 notitle\n"
            "unset label 1\nunset label 2\n",
            colors[1]);
}

static void put_mix(FILE *out, const struct bench_report *report)
{
    const struct bench_options *options = report->options;
    put_beginning(out, options, BARS_WIDTH);
    put_frame(out, options, 1);
    fputs("set label 2 ", out);
    put_string(out, report->capture);
    fprintf(out,
            " at screen 0.5,%.4f center\n"
            "unset key\nset boxwidth 0.6\nset yrange [0:*]\n"
            "set ylabel 'CPU time, ns per response'\nset xlabel 'writer'\n"
            "set offsets 0.6,0.6,graph 0.15,0\n",
            1 - 50 / page_height(options));
    for (size_t i = 0; i < report->result->cells_count; i++) {
        put_origin(out, options, i, 1, 0);
        put_bars(out, report, &report->result->cells[i]);
    }
}

void bench_plot(FILE *out, const struct bench_report *report)
{
    if (report->options->mix != NULL) {
        put_mix(out, report);
    } else {
        put_panels(out, report);
    }
    fputs("unset multiplot\n", out);
}
