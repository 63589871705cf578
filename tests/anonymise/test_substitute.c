/*
 * Replacements: as long, of the same kind, never the same for two.
 */
#include "anonymise/substitute.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// cmocka needs the three before it
#include <cmocka.h>

static const char SECRET[] = "sixteen bytes and more";

static int create(void **state)
{
    *state = secret_create(span_of(SECRET, sizeof(SECRET)));
    return *state == NULL ? -1 : 0;
}

static int destroy(void **state)
{
    assert_false(secret_failed(*state));
    secret_destroy(*state);
    return 0;
}

typedef void substitute(struct secret *secret, uint8_t *bytes, size_t size);

/* All strings of that many bytes come out, each once. */
static void check_permutation(struct secret *secret, substitute *replace, size_t size)
{
    size_t count = (size_t)1 << 8 * size;
    uint8_t *seen = calloc(count, 1);
    size_t unchanged = 0;
    assert_non_null(seen);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        replace(secret, bytes, size);
        size_t number = bytes[0] + (size > 1 ? (size_t)bytes[1] << 8 : 0);
        assert_int_equal(seen[number], 0);
        seen[number] = 1;
        unchanged += number == i;
    }
    assert_true(unchanged < count / 16);
    free(seen);
}

static void one_and_two_bytes_are_permuted(void **state)
{
    check_permutation(*state, substitute_key, 1);
    check_permutation(*state, substitute_value, 1);
    check_permutation(*state, substitute_key, 2);
    check_permutation(*state, substitute_value, 2);
}

static void text_stays_text_and_digits_stay_digits(void **state)
{
    for (size_t size = 1; size < 300; size++) {
        uint8_t key[300];
        uint8_t value[300];
        memset(key, 'k', size);
        memset(value, '7', size);
        substitute_key(*state, key, size);
        substitute_value(*state, value, size);
        for (size_t i = 0; i < size; i++) {
            assert_true(isgraph(key[i]));
            assert_true(size > SUBSTITUTE_VALUE_EXACT ? isprint(value[i]) : isdigit(value[i]));
        }
    }
}

static void one_byte_more_or_another_changes_all(void **state)
{
    uint8_t first[100];
    uint8_t second[100];
    memset(first, 'v', sizeof(first));
    memset(second, 'v', sizeof(second));
    second[99] = 'w';
    substitute_value(*state, first, sizeof(first));
    substitute_value(*state, second, sizeof(second));
    size_t same = 0;
    for (size_t i = 0; i < sizeof(first); i++) {
        same += first[i] == second[i];
    }
    assert_true(same < 20);
}

static void a_key_and_an_equal_value_are_not_replaced_alike(void **state)
{
    uint8_t key[] = "the same text";
    uint8_t value[] = "the same text";
    substitute_key(*state, key, sizeof(key) - 1);
    substitute_value(*state, value, sizeof(value) - 1);
    assert_memory_not_equal(key, value, sizeof(key) - 1);
}

static void what_is_unknown_follows_from_its_place(void **state)
{
    uint8_t whole[500];
    uint8_t part[100];
    substitute_unknown(*state, 7, 1000, whole, sizeof(whole));
    for (size_t at = 0; at + sizeof(part) <= sizeof(whole); at += 13) {
        substitute_unknown(*state, 7, 1000 + at, part, sizeof(part));
        assert_memory_equal(part, whole + at, sizeof(part));
    }
    substitute_unknown(*state, 8, 1000, part, sizeof(part));
    assert_memory_not_equal(part, whole, sizeof(part));
    for (size_t i = 0; i < sizeof(whole); i++) {
        assert_true(islower(whole[i]) || isdigit(whole[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_and_two_bytes_are_permuted, create, destroy),
        cmocka_unit_test_setup_teardown(text_stays_text_and_digits_stay_digits, create, destroy),
        cmocka_unit_test_setup_teardown(one_byte_more_or_another_changes_all, create, destroy),
        cmocka_unit_test_setup_teardown(a_key_and_an_equal_value_are_not_replaced_alike, create,
                                        destroy),
        cmocka_unit_test_setup_teardown(what_is_unknown_follows_from_its_place, create, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
