/*
 * A run over captures and its reports, as all commands that compare have them.
 */
#ifndef KVREPLAY_CLI_REPORTING_H
#define KVREPLAY_CLI_REPORTING_H

#include "cli/inputs.h"
#include "cli/report_arguments.h"
#include "report/report.h"

/* What is done with the captures. */
struct reporting_task {
    void *context;
    /* Runs one; the next of result->captures gets what it found. */
    void (*capture)(void *context, const char *path, struct verify_result *result);
    /* Called when all have been run, before the reports; may be NULL. */
    void (*finish)(void *context, struct verify_result *result);
};

/* Opens the outputs, runs the task over all inputs, showing progress unless --quiet, and writes the
 * reports; of `report` options and result are set here. Returns the exit status. */
int reporting_run(const struct report_arguments *arguments, const struct inputs *inputs,
                  const struct reporting_task *task, struct report report);

#endif
