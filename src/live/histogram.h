/*
 * How often each duration was seen, in buckets that are as wide as their values are large: 64 to
 * every power of two. What is read from it is at most 1/64 (1.6 %) above the true value, never
 * below it. Durations are nanoseconds; what is longer than 2^40 - 1 (18 minutes) counts as that.
 * Adding costs no allocation and no search.
 *
 * The form is that of HdrHistogram (http://hdrhistogram.org), whose library for C is not in Debian
 * 12; with it this would be hdr_init(1, 2^40, 2).
 */
#ifndef KVREPLAY_LIVE_HISTOGRAM_H
#define KVREPLAY_LIVE_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 6, /* of a value that count, beside its highest */
    HISTOGRAM_RANGE = 40,
    HISTOGRAM_BUCKETS = (HISTOGRAM_RANGE - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS,
};

struct histogram { /* all zero to begin with */
    uint64_t count;
    uint64_t largest; /* the exact one */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t nanoseconds);
void histogram_add_all(struct histogram *histogram, const struct histogram *other);

/*
 * The value that `per_100000` hundred-thousandths of all are at most: 50000 for the median, 99990
 * for p99.99. It is one that was seen, but for the width of a bucket; 0 if none was.
 */
uint64_t histogram_at(const struct histogram *histogram, uint32_t per_100000);

#endif
