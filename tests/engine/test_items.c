/* What reads, writes and deletes an item: the bytes of requests and answers, the header's fields
 * first. */
#include "engine/answers.h"
#include "engine/asking.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- GET and TOUCH */

static void get_of_a_missing_key_says_not_found(void **state)
{
    ask(*state, GET_K, "81 00" NOT_FOUND);
}

static void get_shows_flags_cas_and_value(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, GET_K, "81 00 0000 04 00 0000 00000009 00000002 0000000000000ca5 deadbeef 'value'");
}

static void getk_shows_the_key_too(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, "80 0c 0001 00 00 0000 00000001 00000002 0000000000000000 'k'",
        "81 0c 0001 04 00 0000 0000000a 00000002 0000000000000ca5 deadbeef 'k' 'value'");
}

static void getk_of_a_missing_key_names_the_key_instead_of_the_error(void **state)
{
    ask(*state, "80 0c 0001 00 00 0000 00000001 00000002 0000000000000000 'k'",
        "81 0c 0001 00 00 0001 00000001 00000002 0000000000000000 'k'");
}

static void quiet_reads_are_silent_on_a_miss(void **state)
{
    ask(*state, "80 09 0001 00 00 0000 00000001 00000002 0000000000000000 'k'", "");
    ask(*state, "80 0d 0001 00 00 0000 00000001 00000002 0000000000000000 'k'", "");
    ask(*state, "80 1e 0001 04 00 0000 00000005 00000002 0000000000000000 00000000 'k'", "");
    ask(*state, "80 24 0001 04 00 0000 00000005 00000002 0000000000000000 00000000 'k'", "");
}

static void quiet_reads_answer_a_hit_with_their_own_opcode(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, "80 09 0001 00 00 0000 00000001 00000002 0000000000000000 'k'",
        "81 09 0000 04 00 0000 00000009 00000002 0000000000000ca5 deadbeef 'value'");
    ask(*state, "80 24 0001 04 00 0000 00000005 00000002 0000000000000000 00000000 'k'",
        "81 24 0001 04 00 0000 0000000a 00000002 0000000000000ca5 deadbeef 'k' 'value'");
}

static void touch_shows_flags_and_cas_and_sets_the_expiry_time(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, "80 1c 0001 04 00 0000 00000005 00000002 0000000000000000 0000000a 'k'",
        "81 1c 0000 04 00 0000 00000004 00000002 0000000000000ca5 deadbeef");
    assert_int_equal(know(*state, "k").expires, 1000010);
}

static void touch_leaves_its_value_to_be_the_next_request(void **state)
{
    struct asking *asking = *state;
    ask(asking, "80 1c 0001 04 00 0000 00000008 00000002 0000000000000000 00000000 'k' 'abc'",
        "81 1c" NOT_FOUND);
    assert_int_equal(asking->answer.unread, 3);
    assert_false(asking->answer.close);
}

/* ---------------------------------------------------------------- SET, ADD, REPLACE, DELETE */

static void add_of_a_key_that_is_there_says_exists(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, "80 02 0001 08 00 0000 00000009 00000002 0000000000000000 00000000 00000000 'k'",
        "81 02" EXISTS);
}

static void add_with_a_cas_is_a_compare_and_swap(void **state)
{
    const char *add =
        "80 02 0001 08 00 0000 00000009 00000002 0000000000000ca5 00000000 00000000 'k'";
    ask(*state, add, "81 02" NOT_FOUND);
    tell(*state, SET_K_VALUE);
    ask(*state, add, "81 02" STORED);
}

static void replace_of_a_missing_key_says_not_found(void **state)
{
    ask(*state, "80 03 0001 08 00 0000 00000009 00000002 0000000000000000 00000000 00000000 'k'",
        "81 03" NOT_FOUND);
}

static void set_with_another_cas_says_exists_and_changes_nothing(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, "80 01 0001 08 00 0000 00000009 00000002 0000000000000007 00000000 00000000 'k'",
        "81 01" EXISTS);
    assert_int_equal(know(*state, "k").value.size, 5);
}

static void quiet_mutations_answer_only_their_errors(void **state)
{
    const char *addq =
        "80 12 0001 08 00 0000 00000009 00000002 0000000000000000 00000000 00000000 'k'";
    ask(*state, addq, "");
    ask(*state, addq, "81 12" EXISTS);
    ask(*state, "80 14 0001 00 00 0000 00000001 00000002 0000000000000000 'k'", "");
    ask(*state, "80 14 0001 00 00 0000 00000001 00000002 0000000000000000 'k'", "81 14" NOT_FOUND);
}

static void delete_shows_no_cas(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, "80 04 0001 00 00 0000 00000001 00000002 0000000000000ca5 'k'",
        "81 04 0000 00 00 0000 00000000 00000002 0000000000000000");
}

static void a_request_with_a_datatype_gets_an_item_without_one(void **state)
{
    tell(*state,
         "80 01 0001 08 01 0000 0000000b 00000001 0000000000000000 00000000 00000000 'k' '{}'");
    ask(*state, GET_K, "81 00 0000 04 00 0000 00000006 00000002 0000000000000ca5 00000000 '{}'");
}

/* ---------------------------------------------------------------- sizes */

static uint16_t status_of_set(struct asking *asking, uint32_t flags, size_t size)
{
    static const uint8_t zeros[1 << 20];
    uint8_t extras[8] = {0, 0, 0, (uint8_t)flags};
    struct request set = {
        .opcode = 1,
        .extras = span_of(extras, 8),
        .key = span_of("k", 1),
        .value = span_of(zeros, size),
    };
    ask_request(asking, &set);
    return asking->answer.responses[0].status;
}

static void an_item_takes_its_limit_less_59_bytes_and_the_key(void **state)
{
    assert_int_equal(status_of_set(*state, 0, (1 << 20) - 59 - 1), MCBP_STATUS_SUCCESS);
    assert_int_equal(status_of_set(*state, 0, (1 << 20) - 59), MCBP_STATUS_TOO_LARGE);
}

static void flags_take_four_bytes_of_an_item(void **state)
{
    assert_int_equal(status_of_set(*state, 1, (1 << 20) - 63 - 1), MCBP_STATUS_SUCCESS);
    assert_int_equal(status_of_set(*state, 1, (1 << 20) - 63), MCBP_STATUS_TOO_LARGE);
}

static void a_set_that_is_too_large_removes_what_it_meant_to_replace(void **state)
{
    tell(*state, SET_K_VALUE);
    status_of_set(*state, 0, 1 << 20);
    assert_int_equal(know(*state, "k").knowledge, ENGINE_ABSENT);
}

static void an_append_that_makes_the_item_too_large_is_not_stored(void **state)
{
    status_of_set(*state, 0, (1 << 20) - 59 - 1);
    ask(*state, "80 0e 0001 00 00 0000 00000002 00000002 0000000000000000 'k' 'x'",
        "81 0e" NOT_STORED);
}

/* ---------------------------------------------------------------- APPEND and PREPEND */

static void append_and_prepend_keep_flags(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, "80 0e 0001 00 00 0000 00000002 00000002 0000000000000000 'k' '>'", "81 0e" STORED);
    ask(*state, "80 0f 0001 00 00 0000 00000002 00000002 0000000000000000 'k' '<'", "81 0f" STORED);
    ask(*state, GET_K,
        "81 00 0000 04 00 0000 0000000b 00000002 0000000000000ca5 deadbeef '<value>'");
}

static void append_to_a_missing_key_is_not_stored(void **state)
{
    ask(*state, "80 0e 0001 00 00 0000 00000002 00000002 0000000000000000 'k' '>'",
        "81 0e" NOT_STORED);
}

static void append_with_another_cas_says_exists(void **state)
{
    tell(*state, SET_K_VALUE);
    ask(*state, "80 0e 0001 00 00 0000 00000002 00000002 0000000000000007 'k' '>'", "81 0e" EXISTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, asking_begin, asking_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(get_of_a_missing_key_says_not_found),
        TEST(get_shows_flags_cas_and_value),
        TEST(getk_shows_the_key_too),
        TEST(getk_of_a_missing_key_names_the_key_instead_of_the_error),
        TEST(quiet_reads_are_silent_on_a_miss),
        TEST(quiet_reads_answer_a_hit_with_their_own_opcode),
        TEST(touch_shows_flags_and_cas_and_sets_the_expiry_time),
        TEST(touch_leaves_its_value_to_be_the_next_request),
        TEST(add_of_a_key_that_is_there_says_exists),
        TEST(add_with_a_cas_is_a_compare_and_swap),
        TEST(replace_of_a_missing_key_says_not_found),
        TEST(set_with_another_cas_says_exists_and_changes_nothing),
        TEST(quiet_mutations_answer_only_their_errors),
        TEST(delete_shows_no_cas),
        TEST(a_request_with_a_datatype_gets_an_item_without_one),
        TEST(an_item_takes_its_limit_less_59_bytes_and_the_key),
        TEST(flags_take_four_bytes_of_an_item),
        TEST(a_set_that_is_too_large_removes_what_it_meant_to_replace),
        TEST(an_append_that_makes_the_item_too_large_is_not_stored),
        TEST(append_and_prepend_keep_flags),
        TEST(append_to_a_missing_key_is_not_stored),
        TEST(append_with_another_cas_says_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
