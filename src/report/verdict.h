/*
 * The verdict in words, the same in every report.
 */
#ifndef KVREPLAY_REPORT_VERDICT_H
#define KVREPLAY_REPORT_VERDICT_H

#include "report/report.h"

/* "identical", "undecided", "different", "unreadable", ...: the verdict on a capture or the totals
 */
const char *verdict_name(const struct capture_result *capture);

/* "rebuilt", "executed" or "replayed". */
const char *verdict_check_name(enum difference_check check);

/* What the bytes had to equal: as --reference takes it, or the server that --against names. */
const char *verdict_reference(const struct report *report);

/* The frames that a capture's verdict rests on: those that --require-compared counts. */
uint64_t verdict_compared(const struct report *report, const struct capture_result *capture);

/* All that a capture is different in; more than what is kept in full. */
uint64_t verdict_differences(const struct capture_result *capture);

/* One line about the whole run, without a line end. */
void verdict_write(FILE *out, const struct report *report);

/* A capture's path and problem; the path is not repeated if the problem begins with it. */
void verdict_write_problem(FILE *out, const struct capture_result *capture);

#endif
