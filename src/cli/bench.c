/*
 * kvreplay bench: measures, reports, and looks whether the assertions hold.
 */
#include "base/interrupt.h"
#include "base/memory.h"
#include "bench/bench_report.h"
#include "bench/gnuplot.h"
#include "cli/bench_arguments.h"
#include "cli/command.h"
#include "cli/diagnose.h"
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
    if (outputs->plot.file != NULL && !gnuplot_start(&outputs->gnuplot)) {
        diagnose("--plot: gnuplot can't be started: %s%s", strerror(errno),
                 errno == ENOENT ? " (is it installed?)" : "");
        return false;
    }
    return true;
}

/* `whole`: all reports have been written. A plot would not show that it is of a part. */
static bool bench_close_outputs(struct outputs *outputs, bool whole, bool whole_plot)
{
    bool drawn =
        outputs->gnuplot.script == NULL || gnuplot_finish(&outputs->gnuplot, outputs->plot.file);
    if (!drawn) {
        diagnose("%s: gnuplot failed", outputs->plot.path);
    }
    bool json = output_close(&outputs->json, whole);
    bool plot = output_close(&outputs->plot, whole_plot && drawn);
    return drawn && json && plot;
}

static bool bench_write_reports(const struct bench_report *report, struct outputs *outputs)
{
    bool written = outputs->json.file == NULL || bench_json(outputs->json.file, report);
    if (outputs->gnuplot.script != NULL && !report->result->interrupted) {
        bench_plot(outputs->gnuplot.script, report);
    }
    if (outputs->json.file != stdout && outputs->plot.file != stdout) {
        bench_text(stdout, report);
    }
    return written && memory_failures() == 0;
}

static void bench_on_progress(void *context, size_t done, size_t all)
{
    fprintf(context, "\r\033[K%zu of %zu cells", done, all);
    fflush(context);
}

static enum bench_status bench_measure(const struct bench_arguments *arguments,
                                       struct bench_result *result)
{
    struct bench_options options = arguments->options;
    char message[BENCH_MESSAGE_SIZE];
    bool terminal = isatty(STDERR_FILENO) != 0;
    if (interrupted()) { /* while the capture was read */
        *result = (struct bench_result){.interrupted = true};
        return BENCH_INTERRUPTED;
    }
    if (terminal) {
        options.progress = bench_on_progress;
        options.progress_context = stderr;
    }
    enum bench_status status = bench_run(&options, result, message);
    fputs(terminal ? "\r\033[K" : "", stderr);
    if (status != BENCH_DONE) {
        diagnose("%s", message);
    }
    return status;
}

static int bench_run_and_report(const struct bench_arguments *arguments, struct outputs *outputs)
{
    struct bench_result result;
    struct bench_report report = {
        .options = &arguments->options,
        .result = &result,
        .capture = arguments->capture,
        .conditions = arguments->conditions,
        .conditions_count = arguments->conditions_count,
    };
    enum bench_status measured = bench_measure(arguments, &result);
    int status = measured == BENCH_WRONG ? VERIFY_DIFFERENT : VERIFY_INTERNAL;
    if (measured == BENCH_DONE || measured == BENCH_INTERRUPTED) {
        bool written = bench_write_reports(&report, outputs);
        fflush(stdout);
        status = bench_text_broken(stderr, &report) > 0 ? VERIFY_DIFFERENT : VERIFY_IDENTICAL;
        status = measured == BENCH_INTERRUPTED ? VERIFY_NO_EVIDENCE : status;
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
        diagnose("%s", problem == NULL ? strerror(ENOMEM) : problem);
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
    if (status == VERIFY_IDENTICAL || (status == VERIFY_NO_EVIDENCE && interrupted())) {
        status = VERIFY_INTERNAL;
        if (open_outputs(&outputs, &arguments)) {
            status = bench_run_and_report(&arguments, &outputs);
        }
        bool whole = status != VERIFY_INTERNAL;
        bool whole_plot = whole && status != VERIFY_NO_EVIDENCE;
        status = bench_close_outputs(&outputs, whole, whole_plot) ? status : VERIFY_INTERNAL;
    }
    mix_deinit(&mix);
    bench_arguments_deinit(&arguments);
    return status;
}
