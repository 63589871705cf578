/* What each command answers, byte by byte: the header's fields in order, then extras, key, value.
 */
#include "engine/asking.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/*                  mg op klen el dt stat body     opaque   CAS                              */
#define SET_K_VALUE                                                                                \
    "80 01 0001 08 00 0000 0000000e 00000001 0000000000000000 deadbeef 00000000 'k' 'value'"
#define SET_K_10                                                                                   \
    "80 01 0001 08 00 0000 0000000b 00000001 0000000000000000 00000000 00000000 'k' '10'"
#define GET_K      "80 00 0001 00 00 0000 00000001 00000002 0000000000000000 'k'"
#define NOT_FOUND  "0000 00 00 0001 00000009 00000002 0000000000000000 'Not found'"
#define EXISTS     "0000 00 00 0002 00000014 00000002 0000000000000000 'Data exists for key.'"
#define INVALID    "0000 00 00 0004 00000011 00000002 0000000000000000 'Invalid arguments'"
#define NOT_STORED "0000 00 00 0005 0000000b 00000002 0000000000000000 'Not stored.'"
#define UNKNOWN    "0000 00 00 0081 0000000f 00000002 0000000000000000 'Unknown command'"
#define STORED     "0000 00 00 0000 00000000 00000002 0000000000000ca5"
#define NON_NUMERIC                                                                                \
    "0000 00 00 0006 0000002e 00000002 0000000000000000"                                           \
    "'Non-numeric server-side value for incr or decr'"

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

/* ---------------------------------------------------------------- the rest */

static void quitq_closes_without_a_word(void **state)
{
    struct asking *asking = *state;
    ask(asking, "80 17 0000 00 00 0000 00000000 00000002 0000000000000000", "");
    assert_true(asking->answer.close);
}

static void quit_answers_and_closes(void **state)
{
    struct asking *asking = *state;
    ask(asking, "80 07 0000 00 00 0000 00000000 00000002 0000000000000000",
        "81 07 0000 00 00 0000 00000000 00000002 0000000000000000");
    assert_true(asking->answer.close);
}

static void stat_reset_is_answered_by_the_terminator_alone(void **state)
{
    const char *end = "81 10 0000 00 00 0000 00000000 00000002 0000000000000000";
    ask(*state, "80 10 0005 00 00 0000 00000005 00000002 0000000000000000 'reset'", end);
    ask(*state, "80 10 0008 00 00 0000 00000008 00000002 0000000000000000 'resettle'", end);
}

static void stat_of_something_else_says_not_found(void **state)
{
    ask(*state, "80 10 0002 00 00 0000 00000002 00000002 0000000000000000 'no'", "81 10" NOT_FOUND);
    ask(*state, "80 10 0006 00 00 0000 00000006 00000002 0000000000000000 'detail'",
        "81 10" NOT_FOUND);
}

static void stat_sizes_enable_has_no_terminator(void **state)
{
    ask(*state, "80 10 000c 00 00 0000 0000000c 00000002 0000000000000000 'sizes_enable'",
        "81 10 000c 00 00 0000 00000013 00000002 0000000000000000 'sizes_status' 'enabled'");
}

static void stat_lists_rows_and_a_terminator(void **state)
{
    struct asking *asking = *state;
    tell(asking, "80 10 0000 00 00 0000 00000000 00000002 0000000000000000");
    assert_true(asking->answer.count > 2);
    assert_int_equal(asking->answer.responses[asking->answer.count - 1].key_size, 0);
}

static void verbosity_is_unknown_and_swallows_four_bytes_of_the_next_request(void **state)
{
    struct asking *asking = *state;
    ask(asking, "80 1b 0000 04 00 0000 00000004 00000002 0000000000000000 00000001",
        "81 1b" UNKNOWN);
    assert_int_equal(asking->answer.verdict, ENGINE_NO_SEMANTICS);
    assert_int_equal(asking->answer.overread, 4);
    assert_false(asking->answer.close);
}

static void sasl_is_answered_as_unknown(void **state)
{
    struct asking *asking = *state;
    ask(asking, "80 20 0000 00 00 0000 00000000 00000002 0000000000000000", "81 20" UNKNOWN);
    ask(asking, "80 21 0005 00 00 0000 00000008 00000002 0000000000000000 'PLAIN' 00 'a' 00",
        "81 21" UNKNOWN);
    assert_int_equal(asking->answer.verdict, ENGINE_ANSWERED);
    assert_int_equal(asking->answer.overread, 0);
}

/* ---------------------------------------------------------------- lengths */

static void assert_refused(struct asking *asking, const char *request, const char *answer)
{
    ask(asking, request, answer);
    assert_true(asking->answer.close);
}

static void wrong_lengths_are_refused_and_close_the_connection(void **state)
{
    assert_refused(*state, "80 00 0000 00 00 0000 00000000 00000002 0000000000000000",
                   "81 00" INVALID); /* GET without a key */
    assert_refused(*state, "80 09 0001 00 00 0000 00000002 00000002 0000000000000000 'k' 'v'",
                   "81 09" INVALID); /* GETQ with a value */
    assert_refused(*state, "80 01 0001 04 00 0000 00000005 00000002 0000000000000000 00000000 'k'",
                   "81 01" INVALID); /* SET with too few extras */
    assert_refused(*state, "80 0a 0001 00 00 0000 00000001 00000002 0000000000000000 'k'",
                   "81 0a" INVALID); /* NOOP with a key */
    assert_refused(*state, "80 08 0000 02 00 0000 00000002 00000002 0000000000000000 0000",
                   "81 08" INVALID); /* FLUSH with half a time */
}

static void key_and_extras_beyond_the_body_are_an_unknown_command(void **state)
{
    assert_refused(*state, "80 00 0002 00 00 0000 00000001 00000002 0000000000000000 'k'",
                   "81 00" UNKNOWN);
}

static void a_key_of_251_bytes_is_refused(void **state)
{
    struct asking *asking = *state;
    uint8_t key[251] = {0};
    ask_request(asking, &(struct request){.opcode = 0, .key = span_of(key, 250)});
    assert_int_equal(asking->answer.responses[0].status, MCBP_STATUS_KEY_NOT_FOUND);
    ask_request(asking, &(struct request){.opcode = 0, .key = span_of(key, 251)});
    assert_int_equal(asking->answer.responses[0].status, MCBP_STATUS_INVALID_ARGUMENTS);
    assert_true(asking->answer.close);
}

static void a_key_that_overflows_the_read_buffer_closes_without_a_word(void **state)
{
    static const uint8_t key[16361];
    struct asking *asking = *state;
    ask_request(asking, &(struct request){.opcode = 0, .key = span_of(key, 16360)});
    assert_int_equal(asking->answer.responses[0].status, MCBP_STATUS_INVALID_ARGUMENTS);
    ask_request(asking, &(struct request){.opcode = 0, .key = span_of(key, 16361)});
    assert_int_equal(asking->answer.verdict, ENGINE_SILENT);
    assert_true(asking->answer.close);
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
        TEST(quitq_closes_without_a_word),
        TEST(quit_answers_and_closes),
        TEST(stat_reset_is_answered_by_the_terminator_alone),
        TEST(stat_of_something_else_says_not_found),
        TEST(stat_sizes_enable_has_no_terminator),
        TEST(stat_lists_rows_and_a_terminator),
        TEST(verbosity_is_unknown_and_swallows_four_bytes_of_the_next_request),
        TEST(sasl_is_answered_as_unknown),
        TEST(wrong_lengths_are_refused_and_close_the_connection),
        TEST(key_and_extras_beyond_the_body_are_an_unknown_command),
        TEST(a_key_of_251_bytes_is_refused),
        TEST(a_key_that_overflows_the_read_buffer_closes_without_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
