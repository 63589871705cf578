#include "bench/statistics.h"

#include <math.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

void statistics_sort(double *samples, size_t count)
{
    qsort(samples, count, sizeof(*samples), by_size);
}

double statistics_quantile(const double *sorted, size_t count, double fraction)
{
    if (count == 0) {
        return NAN;
    }
    double place = fraction * (double)(count - 1);
    size_t below = (size_t)place;
    size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}
