#include "cli/reporting.h"

#include "cli/output.h"
#include "report/progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 120, WIDTH_MIN = 60 };

static void on_progress(void *context, const char *path, uint64_t bytes_read, uint64_t bytes_total,
                        uint64_t server_frames)
{
    progress_show(context, path, bytes_read, bytes_total, server_frames);
}

/* A row for what could not even be looked at. */
static void add_unusable(struct verify_result *result, const struct input *input)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    *capture = (struct capture_result){
        .path = strdup(input->path),
        .status = input->status,
        .problem = strdup(input->problem),
    };
}

static void run(const struct report_arguments *arguments, const struct inputs *inputs,
                const struct reporting_task *task, struct verify_result *result)
{
    struct progress progress;
    progress_init(&progress, stderr);
    if (!arguments->quiet) {
        arguments->options->progress = on_progress;
        arguments->options->progress_context = &progress;
    }
    for (size_t i = 0; i < inputs->count; i++) {
        const struct input *input = &inputs->inputs[i];
        if (input->status == VERIFY_IDENTICAL) {
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
    struct output json;
    struct output junit;
};

static bool is_standard_output(const struct output *output)
{
    return output->file == stdout;
}

/* Text goes to standard output unless another report does. */
static bool write_reports(const struct report_arguments *arguments, struct outputs *outputs,
                          const struct report *report)
{
    struct report_style style = style_of(arguments);
    bool written = (outputs->json.file == NULL || report_json(outputs->json.file, report)) &&
                   (outputs->junit.file == NULL || report_junit(outputs->junit.file, report));
    if (!written) {
        fprintf(stderr, "kvreplay: %s\n", strerror(ENOMEM));
    }
    if (!is_standard_output(&outputs->json) && !is_standard_output(&outputs->junit)) {
        report_text(stdout, report, &style);
    }
    return written;
}

static int run_and_report(const struct report_arguments *arguments, const struct inputs *inputs,
                          const struct reporting_task *task, struct report report,
                          struct outputs *outputs)
{
    struct verify_result result;
    if (!verify_result_init(&result, inputs->count, arguments->show,
                            arguments->options->masks.count)) {
        fprintf(stderr, "kvreplay: %s\n", strerror(ENOMEM));
        return VERIFY_INTERNAL;
    }
    run(arguments, inputs, task, &result);
    report.options = arguments->options;
    report.result = &result;
    bool written = write_reports(arguments, outputs, &report);
    int status = written ? (int)result.status : VERIFY_INTERNAL;
    verify_result_deinit(&result);
    return status;
}

int reporting_run(const struct report_arguments *arguments, const struct inputs *inputs,
                  const struct reporting_task *task, struct report report)
{
    struct outputs outputs = {0};
    int status = VERIFY_INTERNAL;
    if (output_open(&outputs.json, arguments->json) &&
        output_open(&outputs.junit, arguments->junit)) {
        status = run_and_report(arguments, inputs, task, report, &outputs);
    }
    bool json = output_close(&outputs.json);
    bool junit = output_close(&outputs.junit);
    return json && junit ? status : VERIFY_INTERNAL;
}
