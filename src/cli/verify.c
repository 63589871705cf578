/*
 * kvreplay verify: runs the captures one after the other and reports.
 */
#include "cli/command.h"
#include "cli/reporting.h"
#include "cli/verify_arguments.h"

static void verify_run_capture(void *context, const char *path, struct verify_result *result)
{
    const struct verify_arguments *arguments = context;
    verify_capture(path, &arguments->options, result);
}

int command_verify(int argc, char **argv)
{
    struct verify_arguments arguments;
    verify_arguments_init(&arguments, argc, argv);
    struct reporting_task task = {.context = &arguments, .capture = verify_run_capture};
    int status =
        reporting_run(&arguments.report, &arguments.inputs, &task, (struct report){.live = NULL});
    verify_arguments_deinit(&arguments);
    return status;
}
