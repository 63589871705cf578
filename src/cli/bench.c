/*
 * kvreplay bench: measures, reports, and looks whether the assertions hold.
 */
#include "bench/bench_report.h"
#include "bench/gnuplot.h"
#include "cli/bench_arguments.h"
#include "cli/command.h"
#include "cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The reports that are not text. */
struct outputs {
    struct output json;
    struct output plot;
    struct gnuplot gnuplot;
};

/* Everything that can be missing is found to be before the measuring, not after it. */
static bool open_outputs(struct outputs *outputs, const struct bench_arguments *arguments)
{
    *outputs = (struct outputs){0};
    if (!output_open(&outputs->json, arguments->json) ||
        !output_open(&outputs->plot, arguments->plot)) {
        return false;
    }
    if (outputs->plot.file != NULL &&
        !gnuplot_start(&outputs->gnuplot, fileno(outputs->plot.file))) {
        fprintf(stderr, "kvreplay: --plot: gnuplot can't be started: %s%s\n", strerror(errno),
                errno == ENOENT ? " (is it installed?)" : "");
        return false;
    }
    return true;
}

static bool close_outputs(struct outputs *outputs)
{
    bool drawn = outputs->gnuplot.script == NULL || gnuplot_finish(&outputs->gnuplot);
    if (!drawn) {
        fprintf(stderr, "kvreplay: %s: gnuplot failed\n", outputs->plot.path);
    }
    bool json = output_close(&outputs->json);
    bool plot = output_close(&outputs->plot);
    return drawn && json && plot;
}

static bool write_reports(const struct bench_report *report, struct outputs *outputs)
{
    bool written = outputs->json.file == NULL || bench_json(outputs->json.file, report);
    if (!written) {
        fprintf(stderr, "kvreplay: %s\n", strerror(ENOMEM));
    }
    if (outputs->gnuplot.script != NULL) {
        bench_plot(outputs->gnuplot.script, report);
    }
    if (outputs->json.file != stdout) {
        bench_text(stdout, report);
    }
    return written;
}

static void on_progress(void *context, size_t done, size_t all)
{
    fprintf(context, "\r\033[K%zu of %zu cells", done, all);
    fflush(context);
}

static enum bench_status measure(const struct bench_arguments *arguments,
                                 struct bench_result *result)
{
    struct bench_options options = arguments->options;
    char message[BENCH_MESSAGE_SIZE];
    bool terminal = isatty(STDERR_FILENO) != 0;
    if (terminal) {
        options.progress = on_progress;
        options.progress_context = stderr;
    }
    enum bench_status status = bench_run(&options, result, message);
    fputs(terminal ? "\r\033[K" : "", stderr);
    if (status != BENCH_DONE) {
        fprintf(stderr, "kvreplay: %s\n", message);
    }
    return status;
}

static int run_and_report(const struct bench_arguments *arguments, struct outputs *outputs)
{
    struct bench_result result;
    struct bench_report report = {
        .options = &arguments->options,
        .result = &result,
        .capture = arguments->capture,
        .conditions = arguments->conditions,
        .conditions_count = arguments->conditions_count,
    };
    enum bench_status measured = measure(arguments, &result);
    int status = measured == BENCH_WRONG ? VERIFY_DIFFERENT : VERIFY_INTERNAL;
    if (measured == BENCH_DONE) {
        bool written = write_reports(&report, outputs);
        fflush(stdout);
        status = bench_text_broken(stderr, &report) > 0 ? VERIFY_DIFFERENT : VERIFY_IDENTICAL;
        status = written ? status : VERIFY_INTERNAL;
    }
    bench_result_deinit(&result);
    return status;
}

/* Exit status 0 if there is a mix to measure, or none is wanted. */
static int read_mix(struct bench_arguments *arguments, struct mix *mix)
{
    char *problem = NULL;
    if (arguments->capture == NULL) {
        return VERIFY_IDENTICAL;
    }
    enum verify_status status = mix_init_capture(mix, arguments->capture, &arguments->dissect,
                                                 arguments->options.seed, &problem);
    if (status == VERIFY_IDENTICAL) {
        arguments->options.mix = mix;
    } else {
        fprintf(stderr, "kvreplay: %s\n", problem == NULL ? strerror(ENOMEM) : problem);
    }
    free(problem);
    return (int)status;
}

int command_bench(int argc, char **argv)
{
    struct bench_arguments arguments;
    struct outputs outputs;
    struct mix mix = {0};
    bench_arguments_init(&arguments, argc, argv);
    int status = read_mix(&arguments, &mix);
    if (status == VERIFY_IDENTICAL) {
        status = VERIFY_INTERNAL;
        if (open_outputs(&outputs, &arguments)) {
            status = run_and_report(&arguments, &outputs);
        }
        status = close_outputs(&outputs) ? status : VERIFY_INTERNAL;
    }
    mix_deinit(&mix);
    return status;
}
