#include "live/histogram.h"

#include <assert.h>

static const uint64_t LONGEST = (UINT64_C(1) << HISTOGRAM_RANGE) - 1;

/* Small values have a bucket each; then the highest bits of a value number it, those behind its
 * first within its power of two. */
static unsigned histogram_bucket(uint64_t value)
{
    if (value < UINT64_C(1) << HISTOGRAM_BITS) {
        return (unsigned)value;
    }
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
    return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t upper_end(unsigned bucket)
{
    if (bucket < 2u << HISTOGRAM_BITS) {
        return bucket;
    }
    unsigned shift = (bucket >> HISTOGRAM_BITS) - 1;
    uint64_t highest = bucket - (shift << HISTOGRAM_BITS);
    return ((highest + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t nanoseconds)
{
    uint64_t value = nanoseconds < LONGEST ? nanoseconds : LONGEST;
    histogram->count++;
    histogram->largest = value > histogram->largest ? value : histogram->largest;
    histogram->buckets[histogram_bucket(value)]++;
}

void histogram_add_all(struct histogram *histogram, const struct histogram *other)
{
    histogram->count += other->count;
    histogram->largest = other->largest > histogram->largest ? other->largest : histogram->largest;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram->buckets[i] += other->buckets[i];
    }
}

uint64_t histogram_at(const struct histogram *histogram, uint32_t per_100000)
{
    assert(per_100000 <= 100000);
    /* Rounded up, so that at least as many are at most that; the product stays below 2^64 for more
     * values than can be counted in a lifetime. */
    uint64_t wanted = histogram->count / 100000 * per_100000 +
                      (histogram->count % 100000 * per_100000 + 99999) / 100000;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (histogram->buckets[i] > 0 && seen >= wanted) {
            uint64_t end = upper_end(i);
            return end < histogram->largest ? end : histogram->largest;
        }
    }
    return 0;
}
