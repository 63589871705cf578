/* INCREMENT and DECREMENT: the bytes of requests and answers, the header's fields first. */
#include "engine/answers.h"
#include "engine/asking.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- INCREMENT and DECREMENT */

/* By 1, 9 to begin with, to live for ever. */
#define COUNTING_K                                                                                 \
    "0001 14 00 0000 00000015 00000002 0000000000000000"                                           \
    "0000000000000001 0000000000000009 00000000 'k'"
#define NUMBER "0000 00 00 0000 00000008 00000002 0000000000000ca5"

static void set_k(struct asking *asking, const char *value, size_t size)
{
    struct request set = {
        .opcode = 1,
        .extras = span_of("\0\0\0\0\0\0\0", 8),
        .key = span_of("k", 1),
        .value = span_of(value, size),
    };
    ask_request(asking, &set);
}

static void assert_k_holds(struct asking *asking, const char *value)
{
    struct span held = know(asking, "k").value;
    assert_int_equal(held.size, strlen(value));
    assert_memory_equal(held.data, value, held.size);
}

static void increment_of_a_missing_key_begins_with_the_initial_value(void **state)
{
    ask(*state, "80 05" COUNTING_K, "81 05" NUMBER "0000000000000009");
    assert_k_holds(*state, "9");
}

static void increment_that_never_expires_by_all_ones_does_not_create(void **state)
{
    ask(*state,
        "80 05 0001 14 00 0000 00000015 00000002 0000000000000000"
        "0000000000000001 0000000000000009 ffffffff 'k'",
        "81 05" NOT_FOUND);
}

static void decrement_leaves_blanks_where_the_number_was_longer(void **state)
{
    tell(*state, SET_K_10);
    ask(*state, "80 06" COUNTING_K, "81 06" NUMBER "0000000000000009");
    assert_k_holds(*state, "9 ");
}

static void decrement_leaves_no_blanks_while_a_response_refers_to_the_item(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K_10);
    asking->referenced = true;
    ask(asking, "80 06" COUNTING_K, "81 06" NUMBER "0000000000000009");
    assert_k_holds(asking, "9");
}

static void decrement_stops_at_zero(void **state)
{
    set_k(*state, "0", 1);
    ask(*state, "80 06" COUNTING_K, "81 06" NUMBER "0000000000000000");
}

static void increment_wraps_around_after_64_bits(void **state)
{
    struct asking *asking = *state;
    set_k(asking, "18446744073709551615", 20);
    ask(asking, "80 05" COUNTING_K, "81 05" NUMBER "0000000000000000");
    assert_k_holds(asking, "0                   ");
    assert_true(asking->answer.number_doubtful);
}

static void what_follows_a_number_and_a_blank_is_not_looked_at(void **state)
{
    set_k(*state, " +12 monkeys", 12);
    ask(*state, "80 05" COUNTING_K, "81 05" NUMBER "000000000000000d");
    assert_k_holds(*state, "13          ");
}

static void what_follows_a_number_and_a_nul_is_not_looked_at(void **state)
{
    set_k(*state, "12\0ab", 5);
    ask(*state, "80 05" COUNTING_K, "81 05" NUMBER "000000000000000d");
}

static void a_negative_number_is_none_unless_it_is_very_negative(void **state)
{
    set_k(*state, "-5", 2);
    ask(*state, "80 05" COUNTING_K, "81 05" NON_NUMERIC);
    set_k(*state, "-18446744073709551615", 21);
    ask(*state, "80 05" COUNTING_K, "81 05" NUMBER "0000000000000002");
}

static void letters_and_nothing_and_too_many_digits_are_no_numbers(void **state)
{
    set_k(*state, "12x", 3);
    ask(*state, "80 05" COUNTING_K, "81 05" NON_NUMERIC);
    set_k(*state, "", 0);
    ask(*state, "80 15" COUNTING_K, "81 15" NON_NUMERIC);
    set_k(*state, "18446744073709551616", 20);
    ask(*state, "80 06" COUNTING_K, "81 06" NON_NUMERIC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, asking_begin, asking_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(increment_of_a_missing_key_begins_with_the_initial_value),
        TEST(increment_that_never_expires_by_all_ones_does_not_create),
        TEST(decrement_leaves_blanks_where_the_number_was_longer),
        TEST(decrement_leaves_no_blanks_while_a_response_refers_to_the_item),
        TEST(decrement_stops_at_zero),
        TEST(increment_wraps_around_after_64_bits),
        TEST(what_follows_a_number_and_a_blank_is_not_looked_at),
        TEST(what_follows_a_number_and_a_nul_is_not_looked_at),
        TEST(a_negative_number_is_none_unless_it_is_very_negative),
        TEST(letters_and_nothing_and_too_many_digits_are_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
