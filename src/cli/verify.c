/*
 * kvreplay verify: runs the captures one after the other and reports.
 */
#include "cli/command.h"
#include "cli/verify_arguments.h"
#include "report/progress.h"
#include "report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 100, WIDTH_MIN = 60 };

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

static void run(const struct verify_arguments *arguments, struct verify_result *result)
{
    struct verify_options options = arguments->options;
    struct progress progress;
    progress_init(&progress, stderr);
    if (!arguments->quiet) {
        options.progress = on_progress;
        options.progress_context = &progress;
    }
    for (size_t i = 0; i < arguments->inputs.count; i++) {
        const struct input *input = &arguments->inputs.inputs[i];
        if (input->status == VERIFY_IDENTICAL) {
            verify_capture(input->path, &options, result);
        } else {
            add_unusable(result, input);
        }
        progress_next(&progress);
    }
    progress_end(&progress);
    verify_result_total(result);
}

static struct report_style style_of(const struct verify_arguments *arguments)
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

int command_verify(int argc, char **argv)
{
    struct verify_arguments arguments;
    struct verify_result result;
    verify_arguments_init(&arguments, argc, argv);
    if (!verify_result_init(&result, arguments.inputs.count, arguments.show,
                            arguments.options.masks.count)) {
        fprintf(stderr, "%s: %s\n", argv[0], strerror(ENOMEM));
        return VERIFY_INTERNAL;
    }
    run(&arguments, &result);
    struct report report = {.options = &arguments.options, .result = &result};
    struct report_style style = style_of(&arguments);
    report_text(stdout, &report, &style);
    int status = (int)result.status;
    verify_result_deinit(&result);
    verify_arguments_deinit(&arguments);
    return status;
}
