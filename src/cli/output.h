/*
 * Where a report goes: a file or standard output. Opened before the work begins, so that a name
 * that can't be written to is known at once; what could not be written is never silent.
 */
#ifndef KVREPLAY_CLI_OUTPUT_H
#define KVREPLAY_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
    const char *path; /* NULL: none is wanted */
    FILE *file;
};

/* `path` NULL: no output; "-": standard output. False: said on standard error. */
bool output_open(struct output *output, const char *path);

/* False: something was not written, and said on standard error. Standard output is left open; main
 * looks at it at the very end. */
bool output_close(struct output *output);

#endif
