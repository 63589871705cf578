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

static void counter_without_size(struct secret *secret, uint8_t *bytes, size_t size)
{
    substitute_counter(secret, bytes, size);
}

static void one_and_two_bytes_are_permuted(void **state)
{
    check_permutation(*state, substitute_key, 1);
    check_permutation(*state, substitute_value, 1);
    check_permutation(*state, substitute_key, 2);
    check_permutation(*state, substitute_value, 2);
    check_permutation(*state, counter_without_size, 2);
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

static void check_counter(struct secret *secret, const char *text, const char *kept)
{
    uint8_t bytes[64];
    size_t size = strlen(text);
    memcpy(bytes, text, size);
    assert_int_equal(substitute_counter(secret, bytes, size), strlen(kept));
    assert_memory_equal(bytes, kept, strlen(kept));
    assert_true(strcmp(text, kept) == 0 || memcmp(bytes, text, size) != 0);
}

static void what_memcached_reads_for_a_number_is_kept(void **state)
{
    check_counter(*state, "12", "12");
    check_counter(*state, " +12  ", " +12  ");
    check_counter(*state, "12 months", "12 ");
    check_counter(*state, "12months", "12");
    check_counter(*state, "-12-months", "-12-");
    check_counter(*state, "months 12", "");
    check_counter(*state, "   ", "   ");
}

static uint64_t number_of(const uint8_t *bytes, size_t size, const char **end)
{
    static char text[64];
    memcpy(text, bytes, size);
    text[size] = '\0';
    char *behind;
    uint64_t number = strtoull(text, &behind, 10);
    *end = behind == text || (*behind != '\0' && !isspace((unsigned char)*behind)) ? NULL : behind;
    return number;
}

static void what_is_no_number_becomes_none_and_a_number_stays_the_same(void **state)
{
    static const char often[] = "0123456789 \t+-x";
    unsigned numbers = 0;
    unsigned others = 0;
    srand(1);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t bytes[6];
        size_t size = 1 + (size_t)rand() % sizeof(bytes);
        for (size_t j = 0; j < size; j++) {
            bytes[j] = (uint8_t)often[(size_t)rand() % (sizeof(often) - 1)];
        }
        const char *before;
        const char *after;
        uint64_t number = number_of(bytes, size, &before);
        substitute_counter(*state, bytes, size);
        assert_int_equal(number_of(bytes, size, &after), number);
        assert_ptr_equal(after, before);
        *(before == NULL ? &others : &numbers) += 1;
    }
    assert_true(numbers > 250 && others > 250);
}

static void behind_a_large_number_there_is_a_minus_if_there_was_one(void **state)
{
    static const char number[] = "18446744073709551614 ";
    enum { LONG = 80, SHORT = 30, AT = 25 };
    for (unsigned i = 0; i < 400; i++) {
        uint8_t bytes[LONG];
        size_t size = i % 2 == 0 ? LONG : SHORT;
        bool minus = i % 4 < 2;
        memset(bytes, 'a' + (int)(i % 26), size);
        memcpy(bytes, number, strlen(number));
        bytes[AT - 1] = (uint8_t)('a' + i / 26);
        bytes[AT] = minus ? '-' : 'z';
        substitute_counter(*state, bytes, size);
        assert_int_equal(memchr(bytes, '-', size) != NULL, minus);
    }
}

/* As memcached reads the item that APPEND makes of the two. */
static void a_number_in_two_parts_stays_the_same(void **state)
{
    static const char often[] = "07 +-x";
    srand(2);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t bytes[6];
        for (size_t j = 0; j < sizeof(bytes); j++) {
            bytes[j] = (uint8_t)often[(size_t)rand() % (sizeof(often) - 1)];
        }
        size_t first = 1 + (size_t)rand() % (sizeof(bytes) - 1);
        const char *before;
        const char *after;
        uint64_t number = number_of(bytes, sizeof(bytes), &before);
        substitute_counter(*state, bytes, first);
        substitute_counter(*state, bytes + first, sizeof(bytes) - first);
        uint64_t replaced = number_of(bytes, sizeof(bytes), &after);
        assert_ptr_equal(after, before);
        assert_true(before == NULL || replaced == number);
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
        cmocka_unit_test_setup_teardown(what_memcached_reads_for_a_number_is_kept, create, destroy),
        cmocka_unit_test_setup_teardown(what_is_no_number_becomes_none_and_a_number_stays_the_same,
                                        create, destroy),
        cmocka_unit_test_setup_teardown(behind_a_large_number_there_is_a_minus_if_there_was_one,
                                        create, destroy),
        cmocka_unit_test_setup_teardown(a_number_in_two_parts_stays_the_same, create, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
