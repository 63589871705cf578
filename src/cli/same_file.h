/*
 * Whether two names stand for one file, however they are spelled, and whether it is there or is yet
 * to be made.
 */
#ifndef KVREPLAY_CLI_SAME_FILE_H
#define KVREPLAY_CLI_SAME_FILE_H

#include <stdbool.h>

/* What is written to the null device takes nothing's place, so that it is not one file with itself.
 */
bool same_file(const char *a, const char *b);
bool same_file_as_standard_output(const char *path);

/* Whether `output` would take the place of the file `input` ("-": standard input). */
bool same_file_as_input(const char *output, const char *input);

#endif
