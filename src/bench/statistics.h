/*
 * What many measurements of one thing come to.
 */
#ifndef KVREPLAY_BENCH_STATISTICS_H
#define KVREPLAY_BENCH_STATISTICS_H

#include <stddef.h>

/* Sorts the samples, for the function below. */
void statistics_sort(double *samples, size_t count);

/* The value that the `fraction` (0 to 1) of sorted samples lies below, interpolated. NAN of none.
 */
double statistics_quantile(const double *sorted, size_t count, double fraction);

#endif
