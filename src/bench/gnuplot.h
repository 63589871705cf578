/*
 * A gnuplot process that draws to a file. It would not say that it could not write all of it, so
 * the file is written here.
 */
#ifndef KVREPLAY_BENCH_GNUPLOT_H
#define KVREPLAY_BENCH_GNUPLOT_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct gnuplot {
    FILE *script; /* its standard input */
    int drawing;  /* its standard output: a file in memory, which can't be full */
    pid_t process;
    struct sigaction before; /* of SIGPIPE: gnuplot may end before it has read everything */
};

/* Starts it. False, with errno set: it can't be; ENOENT if it is not installed. */
bool gnuplot_start(struct gnuplot *gnuplot);

/* Lets it draw, waits, and copies the drawing to `out`, which keeps errors of writing (ferror).
 * False: gnuplot, or writing the script, failed. */
bool gnuplot_finish(struct gnuplot *gnuplot, FILE *out);

#endif
