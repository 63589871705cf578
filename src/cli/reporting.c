#include "cli/reporting.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "cli/output.h"
#include "report/progress.h"
#include "report/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WIDTH = 120, WIDTH_MIN = 60 };

static void reporting_on_progress(void *context, const char *path, uint64_t bytes_read,
                                  uint64_t bytes_total, uint64_t server_frames)
{
    progress_show(context, path, bytes_read, bytes_total, server_frames);
}

/* A row for what could not even be looked at. */
static void add_unusable(struct verify_result *result, const struct input *input)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    capture->path = input->path; /* the rest is zero */
    capture->status = input->status;
    capture->problem = strdup(input->problem);
}

static void add_unread(struct verify_result *result, const struct input *input)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    capture->path = input->path;
    capture->status = VERIFY_NO_EVIDENCE;
    capture->problem = strdup("not read: interrupted before it");
    capture->interrupted = true;
}

static void run_captures(const struct report_arguments *arguments, const struct inputs *inputs,
                         const struct reporting_task *task, struct verify_result *result)
{
    struct progress progress;
    progress_init(&progress, stderr);
    if (!arguments->quiet) {
        arguments->options->progress = reporting_on_progress;
        arguments->options->progress_context = &progress;
    }
    for (size_t i = 0; i < inputs->count; i++) {
        const struct input *input = &inputs->inputs[i];
        if (interrupted()) {
            add_unread(result, input);
        } else if (input->status == VERIFY_IDENTICAL) {
            task->capture(task->context, input->path, result);
        } else {
            add_unusable(result, input);
        }
        progress_next(&progress);
    }
    if (task->finish != NULL) {
        task->finish(task->context, result);
    }
    progress_end(&progress);
    arguments->options->progress = NULL;
    verify_result_total(result);
}

static struct report_style style_of(const struct report_arguments *arguments)
{
    struct winsize window;
    bool terminal = isatty(STDOUT_FILENO);
    struct report_style style = {
        .color = arguments->color == COLOR_ALWAYS,
        .quiet = arguments->quiet,
        .verbose = arguments->verbose,
        .width = WIDTH,
    };
    if (arguments->color == COLOR_AUTO) {
        const char *no_color = getenv("NO_COLOR");
        style.color = terminal && (no_color == NULL || no_color[0] == '\0');
    }
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0) {
        style.width = window.ws_col < WIDTH_MIN ? WIDTH_MIN : window.ws_col;
    }
    return style;
}

struct outputs {
    struct output of[REPORT_FORMS];
};

static bool (*const form_writers[])(FILE *out, const struct report *report) = {
    [REPORT_JSON] = report_json,
    [REPORT_JUNIT] = report_junit,
};

_Static_assert(sizeof(form_writers) / sizeof(form_writers[0]) == REPORT_FORMS,
               "every form of a report is written");

static bool reporting_open_outputs(struct outputs *outputs,
                                   const struct report_arguments *arguments)
{
    for (int i = 0; i < REPORT_FORMS; i++) {
        if (!output_open(&outputs->of[i], arguments->files[i])) {
            return false;
        }
    }
    return true;
}

static bool take_standard_output(const struct outputs *outputs)
{
    bool taken = false;
    for (int i = 0; i < REPORT_FORMS; i++) {
        taken |= outputs->of[i].file == stdout;
    }
    return taken;
}

/* All files are whole, or none is there. */
static bool close_outputs(struct outputs *outputs, bool whole)
{
    bool closed = true;
    for (int i = 0; i < REPORT_FORMS; i++) {
        closed &= output_close(&outputs->of[i], whole);
    }
    return closed;
}

/* Jansson (2.14) says nothing of a name for which it has no memory: it is left out. */
static bool write_files(struct outputs *outputs, const struct report *report)
{
    uint64_t failures_before = memory_failures();
    bool written = true;
    for (int i = 0; written && i < REPORT_FORMS; i++) {
        FILE *file = outputs->of[i].file;
        written = file == NULL || form_writers[i](file, report);
    }
    written = written && memory_failures() == failures_before;
    return close_outputs(outputs, written) && written;
}

/* Text goes to standard output unless another report does, and comes last: its verdict is what the
 * program ends with. False: no memory for all of them, or no room. */
static bool reporting_write_reports(const struct report_arguments *arguments,
                                    struct outputs *outputs, const struct report *report,
                                    struct verify_result *result)
{
    struct report_style style = style_of(arguments);
    uint64_t failures_before = memory_failures();
    bool text = !take_standard_output(outputs);
    bool written = write_files(outputs, report);
    if (!written) {
        result->status = VERIFY_INTERNAL;
    }
    if (text) {
        report_text(stdout, report, &style);
    }
    return written && memory_failures() == failures_before;
}

static bool are_one_file(int a, int b)
{
    struct stat first;
    struct stat second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The report says so, too, but may go where nobody looks. */
static void diagnose_unreadable(const struct verify_result *result)
{
    for (size_t i = 0; i < result->captures_count; i++) {
        const struct capture_result *capture = &result->captures[i];
        if (capture->status == VERIFY_UNREADABLE) {
            fputs("kvreplay: ", stderr);
            verdict_write_problem(stderr, capture);
            fputc('\n', stderr);
        }
    }
}

static int reporting_run_and_report(const struct report_arguments *arguments,
                                    const struct inputs *inputs, const struct reporting_task *task,
                                    struct report report, struct outputs *outputs)
{
    struct verify_result *result = malloc(sizeof(*result)); /* too large for the stack */
    if (result == NULL || !verify_result_init(result, inputs->count, arguments->show,
                                              arguments->options->masks.count)) {
        free(result);
        return VERIFY_INTERNAL; /* main says why */
    }
    run_captures(arguments, inputs, task, result);
    report.options = arguments->options;
    report.result = result;
    bool written = reporting_write_reports(arguments, outputs, &report, result);
    if (!are_one_file(STDOUT_FILENO, STDERR_FILENO)) {
        diagnose_unreadable(result);
    }
    int status = written ? (int)result->status : VERIFY_INTERNAL;
    verify_result_deinit(result);
    free(result);
    return status;
}

int reporting_run(const struct report_arguments *arguments, const struct inputs *inputs,
                  const struct reporting_task *task, struct report report)
{
    struct outputs outputs = {0};
    int status = VERIFY_INTERNAL;
    if (reporting_open_outputs(&outputs, arguments)) {
        status = reporting_run_and_report(arguments, inputs, task, report, &outputs);
    }
    return close_outputs(&outputs, false) ? status : VERIFY_INTERNAL;
}
