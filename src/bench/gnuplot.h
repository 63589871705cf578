/*
 * A gnuplot process that draws to a file.
 */
#ifndef KVREPLAY_BENCH_GNUPLOT_H
#define KVREPLAY_BENCH_GNUPLOT_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct gnuplot {
    FILE *script; /* its standard input */
    pid_t process;
    struct sigaction before; /* of SIGPIPE: gnuplot may end before it has read everything */
};

/* Starts it, its standard output going to `out`. False, with errno set: it can't be; ENOENT if it
 * is not installed. */
bool gnuplot_start(struct gnuplot *gnuplot, int out);

/* Lets it draw, and waits. False: it, or writing the script, failed. */
bool gnuplot_finish(struct gnuplot *gnuplot);

#endif
