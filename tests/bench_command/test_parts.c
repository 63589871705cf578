/*
 * The small parts of bench: TLS records in any cut of a stream, quantiles, and the mix of a
 * capture.
 */
#include "bench/load.h"
#include "bench/statistics.h"
#include "bench/tls_records.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_records_in_any_cut(void **state)
{
    (void)state;
    static const uint8_t stream[] = {23, 3, 3, 0, 2, 'a', 'b', /* two bytes */
                                     23, 3, 3, 0, 0,           /* none */
                                     23, 3, 3, 0, 1, 23};      /* one that looks like a header's */
    for (size_t cut = 1; cut <= sizeof(stream); cut++) {
        struct tls_records records = {0};
        for (size_t at = 0; at < sizeof(stream); at += cut) {
            size_t left = sizeof(stream) - at;
            tls_records_feed(&records, stream + at, left < cut ? left : cut);
        }
        assert_int_equal(records.count, 3);
        assert_int_equal(records.rest, 0);
        assert_int_equal(records.header_size, 0);
    }
}

static void test_quantiles(void **state)
{
    (void)state;
    double samples[] = {5, 1, 4, 2, 3};
    statistics_sort(samples, 5);
    assert_true(statistics_quantile(samples, 5, 0) == 1);
    assert_true(statistics_quantile(samples, 5, 0.5) == 3);
    assert_true(statistics_quantile(samples, 5, 0.625) == 3.5);
    assert_true(statistics_quantile(samples, 5, 1) == 5);
    assert_true(statistics_quantile(samples, 1, 0.9) == 1);
    assert_true(isnan(statistics_quantile(samples, 0, 0.5)));
}

static void test_load_of_one_size(void **state)
{
    (void)state;
    struct mix mix;
    struct load load;
    assert_true(mix_init_uniform(&mix, 100, 3));
    assert_true(load_init(&load, &mix, false, 1));
    assert_int_equal(load.batches_count, 1);
    assert_int_equal(load.batches[0].count, 3);
    assert_int_equal(load.bytes, 3 * (24 + 4 + 100));
    assert_int_equal(load.longest, load.bytes);
    assert_null(load.responses[0].value_owner);
    assert_memory_not_equal(load.responses[0].value, load.responses[1].value, 100);
    load_deinit(&load);
    mix_deinit(&mix);
}

static void test_owners_are_counted(void **state)
{
    (void)state;
    struct mix mix;
    struct load load;
    assert_true(mix_init_uniform(&mix, 100, 2));
    assert_true(load_init(&load, &mix, true, 1));
    struct kvr_value_owner *owner = load.responses[1].value_owner;
    owner->retain(owner);
    assert_int_equal(load_references(&load), 1);
    owner->release(owner);
    assert_int_equal(load_references(&load), 0);
    load_deinit(&load);
    mix_deinit(&mix);
}

/* The answers to a pipeline are one batch, whatever segments they came in. */
static void test_mix_of_a_capture(void **state)
{
    (void)state;
    struct mix mix;
    struct dissect_options options;
    char *problem;
    size_t responses = 0;
    size_t deepest = 0;
    dissect_options_init(&options);
    assert_int_equal(mix_init_capture(&mix, CAPTURES "/memcaslap.pcap", &options, 1, &problem),
                     VERIFY_IDENTICAL);
    for (size_t i = 0; i < mix.batches_count; i++) {
        responses += mix.depths[i];
        deepest = mix.depths[i] > deepest ? mix.depths[i] : deepest;
    }
    assert_int_equal(responses, mix.responses_count);
    assert_int_equal(mix.batches_seen, mix.batches_count);
    assert_true(deepest > 1);
    mix_deinit(&mix);
}

static void test_no_mix_of_a_capture(void **state)
{
    (void)state;
    struct mix mix;
    struct dissect_options options;
    char *problem;
    dissect_options_init(&options);
    assert_int_equal(mix_init_capture(&mix, "/nowhere.pcap", &options, 1, &problem),
                     VERIFY_UNREADABLE);
    assert_non_null(problem);
    free(problem);
    assert_int_equal(mix_init_capture(&mix, CAPTURES "/udp.pcap", &options, 1, &problem),
                     VERIFY_NO_EVIDENCE);
    free(problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_in_any_cut), cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_load_of_one_size),   cmocka_unit_test(test_owners_are_counted),
        cmocka_unit_test(test_mix_of_a_capture),   cmocka_unit_test(test_no_mix_of_a_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
