/* Commands about server and connection, and wrong lengths: the bytes of requests and answers, the
 * header's fields first. */
#include "engine/answers.h"
#include "engine/asking.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

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

static void what_is_unknown_swallows_as_much_as_its_extras_and_key(void **state)
{
    struct asking *asking = *state;
    ask(asking, "80 1b 0002 04 00 0000 00000006 00000002 0000000000000000 00000001 'ab'",
        "81 1b" UNKNOWN);
    assert_int_equal(asking->answer.overread, 6);
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
        TEST(quitq_closes_without_a_word),
        TEST(quit_answers_and_closes),
        TEST(stat_reset_is_answered_by_the_terminator_alone),
        TEST(stat_of_something_else_says_not_found),
        TEST(stat_sizes_enable_has_no_terminator),
        TEST(stat_lists_rows_and_a_terminator),
        TEST(verbosity_is_unknown_and_swallows_four_bytes_of_the_next_request),
        TEST(what_is_unknown_swallows_as_much_as_its_extras_and_key),
        TEST(sasl_is_answered_as_unknown),
        TEST(wrong_lengths_are_refused_and_close_the_connection),
        TEST(key_and_extras_beyond_the_body_are_an_unknown_command),
        TEST(a_key_of_251_bytes_is_refused),
        TEST(a_key_that_overflows_the_read_buffer_closes_without_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
