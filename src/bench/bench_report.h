/*
 * What bench measured, for a person (text, a plot) and for a program (JSON).
 */
#ifndef KVREPLAY_BENCH_BENCH_REPORT_H
#define KVREPLAY_BENCH_BENCH_REPORT_H

#include "bench/condition.h"

#include <stdio.h>

struct bench_report {
    const struct bench_options *options;
    const struct bench_result *result;
    const char *capture; /* path of the capture that the mix is of; NULL: none */
    const struct condition *conditions;
    size_t conditions_count;
};

/* The tables, and what became of the conditions. */
void bench_text(FILE *out, const struct bench_report *report);

/* The cells that break a condition, each in a line. Returns how many. */
size_t bench_text_broken(FILE *out, const struct bench_report *report);

/* Schema "kvreplay-bench-1", described in kvreplay(1). False: no memory. */
bool bench_json(FILE *out, const struct bench_report *report);

/* A script for gnuplot that draws an SVG to its standard output. */
void bench_plot(FILE *out, const struct bench_report *report);

/* "0", "16", "1k". Returns `text`. */
enum { SIZE_TEXT_SIZE = 24 };
const char *bench_size_text(size_t size, char text[SIZE_TEXT_SIZE]);

#endif
