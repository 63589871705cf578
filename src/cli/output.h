/*
 * Where a report goes: a file or standard output. Opened before the work begins, so that a name
 * that can't be written to is known at once; what could not be written is never silent.
 *
 * A file is there as a whole or not at all, whatever ends the program meanwhile. What stands under
 * its name is removed when it is opened, for nobody to take it for this run's. That can't be had of
 * what is no file (a pipe, a device), nor in a folder that may not be written to.
 */
#ifndef KVREPLAY_CLI_OUTPUT_H
#define KVREPLAY_CLI_OUTPUT_H

#include "base/whole_file.h"

#include <stdio.h>

struct output {
    const char *path; /* NULL: none is wanted */
    FILE *file;
    char *real_path; /* of a file; links are followed */
    struct whole_file whole;
};

/* `path` NULL: no output; "-": standard output. False: said on standard error. */
bool output_open(struct output *output, const char *path);

/* Publishes the file, or (`whole` false) drops it. False: something was not written, and said on
 * standard error. Standard output is left open; main looks at it at the very end. */
bool output_close(struct output *output, bool whole);

#endif
