/* The histogram beside a plain sort of the same values. */
#include "live/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { VALUES = 20000 };

static const uint32_t percentiles[] = {0, 1, 10000, 50000, 90000, 99000, 99900, 99990, 100000};
enum { PERCENTILES = sizeof(percentiles) / sizeof(percentiles[0]) };

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest value that enough others are at most as large as. */
static uint64_t by_sorting(const uint64_t *sorted, size_t count, uint32_t per_100000)
{
    size_t wanted = (count * per_100000 + 99999) / 100000;
    return sorted[wanted == 0 ? 0 : wanted - 1];
}

static void expect_as_sorted(uint64_t *values, size_t count)
{
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    assert_non_null(histogram);
    for (size_t i = 0; i < count; i++) {
        histogram_add(histogram, values[i]);
    }
    qsort(values, count, sizeof(*values), ascending);
    for (size_t i = 0; i < PERCENTILES; i++) {
        uint64_t exact = by_sorting(values, count, percentiles[i]);
        uint64_t told = histogram_at(histogram, percentiles[i]);
        assert_true(told >= exact);
        assert_true(told <= exact + exact / 64);
    }
    assert_int_equal(histogram->largest, values[count - 1]);
    assert_int_equal(histogram->count, count);
    free(histogram);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    uint64_t values[128];
    for (size_t i = 0; i < 128; i++) {
        values[i] = i;
    }
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    for (size_t i = 0; i < 128; i++) {
        histogram_add(histogram, values[i]);
    }
    for (uint32_t i = 1; i <= 128; i++) {
        assert_int_equal(histogram_at(histogram, i * 100000 / 128),
                         (i * 100000 / 128 * 128 + 99999) / 100000 - 1);
    }
    free(histogram);
}

static void percentiles_are_at_most_one_in_64_above_those_of_a_sort(void **state)
{
    (void)state;
    static uint64_t values[VALUES];
    const char *given = getenv("KVREPLAY_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("KVREPLAY_SEED=%u\n", seed);
    srand(seed);
    for (int round = 0; round < 20; round++) {
        size_t count = 1 + (size_t)rand() % VALUES;
        for (size_t i = 0; i < count; i++) {
            values[i] = ((uint64_t)rand() << 9 ^ (uint64_t)rand()) >> rand() % 40;
        }
        expect_as_sorted(values, count);
    }
}

static void all_powers_of_two_and_their_neighbours_are_in_range(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < HISTOGRAM_RANGE; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t one[1] = {((uint64_t)1 << bit) + (uint64_t)(int64_t)delta};
            if (one[0] < (uint64_t)1 << HISTOGRAM_RANGE) {
                expect_as_sorted(one, 1);
            }
        }
    }
}

static void what_is_too_long_counts_as_the_longest(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    histogram_add(histogram, UINT64_MAX);
    assert_int_equal(histogram_at(histogram, 100000), ((uint64_t)1 << HISTOGRAM_RANGE) - 1);
    free(histogram);
}

static void two_histograms_together_are_as_one(void **state)
{
    (void)state;
    struct histogram *histograms = calloc(3, sizeof(*histograms));
    for (uint64_t i = 0; i < 1000; i++) {
        histogram_add(&histograms[i % 2], i * i);
        histogram_add(&histograms[2], i * i);
    }
    histogram_add_all(&histograms[0], &histograms[1]);
    assert_memory_equal(&histograms[0], &histograms[2], sizeof(*histograms));
    free(histograms);
}

static void nothing_added_is_zero(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof(*histogram));
    assert_int_equal(histogram_at(histogram, 50000), 0);
    free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(percentiles_are_at_most_one_in_64_above_those_of_a_sort),
        cmocka_unit_test(all_powers_of_two_and_their_neighbours_are_in_range),
        cmocka_unit_test(what_is_too_long_counts_as_the_longest),
        cmocka_unit_test(two_histograms_together_are_as_one),
        cmocka_unit_test(nothing_added_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
