/*
 * What can be a secret, and what cannot: the bound on its randomness.
 */
#include "anonymise/strength.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// cmocka needs the three before it
#include <cmocka.h>

static bool is_enough(const char *text)
{
    return strength_at_most(span_of(text, strlen(text))) >= STRENGTH_MIN;
}

static void test_what_is_repeated_or_counted_is_not_enough(void **state)
{
    (void)state;
    uint8_t zeros[4096] = {0};
    uint8_t counted[256];
    for (size_t i = 0; i < sizeof(counted); i++) {
        counted[i] = (uint8_t)(3 * i);
    }
    assert_true(strength_at_most(span_of(zeros, sizeof(zeros))) < STRENGTH_MIN);
    assert_true(strength_at_most(span_of(counted, sizeof(counted))) < STRENGTH_MIN);
    assert_false(is_enough("passwordpasswordpasswordpasswordpassword"));
    assert_false(is_enough("0123456789abcdefghijklmnopqrstuvwxyz"));
    assert_false(is_enough("abcabcabcabcabcabcabcabcabcabcabcabcabcabc"));
}

static void test_too_few_kinds_of_bytes_are_not_enough(void **state)
{
    (void)state;
    assert_false(is_enough("4058273916480273\n"));
    assert_false(is_enough("9f3ac27be01d5846\n"));
    assert_false(is_enough("mysecretpassword"));
}

static void test_random_digits_letters_and_bytes_are_enough(void **state)
{
    (void)state;
    assert_true(is_enough("\x9e\x41\xd7\x0b\xf2\x88\x3c\x65\xaa\x17\xe9\x50\xc4\x2d\xb6\x73"));
    assert_true(is_enough("9f3ac27be01d58466b0e91f7d2c8a435\n"));
    assert_true(is_enough("nkHXC/JlqhfpUMQttg==aB3x\n"));
    assert_true(is_enough("40582739164802739518402637495106283\n"));
}

/* Each size by a generator of its own, so the same bytes every time. */
static void test_random_bytes_of_all_sizes_are_enough(void **state)
{
    (void)state;
    uint64_t random = 1;
    uint8_t bytes[4096];
    for (size_t size = 16; size <= sizeof(bytes); size = size * 3 / 2) {
        for (size_t i = 0; i < size; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            bytes[i] = (uint8_t)(random >> 56);
        }
        assert_true(strength_at_most(span_of(bytes, size)) >= STRENGTH_MIN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_repeated_or_counted_is_not_enough),
        cmocka_unit_test(test_too_few_kinds_of_bytes_are_not_enough),
        cmocka_unit_test(test_random_digits_letters_and_bytes_are_enough),
        cmocka_unit_test(test_random_bytes_of_all_sizes_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
