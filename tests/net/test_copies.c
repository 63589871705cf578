/*
 * Bytes that come again: the same, spoilt on their way, or somebody else's.
 */
#include "telling.h"

static void assert_contradicting(const struct telling *telling, uint64_t bytes)
{
    assert_int_equal(net_flow_counters(telling->flow)->contradicting, bytes);
}

static void what_was_spoilt_waits_for_its_repetition(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "sXt", .sum = WRONG_SUM);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "set", .sum = RIGHT_SUM);
    assert_told(telling, "C set");
    server(telling, .at = 0, .bytes = "ok", .seen = 3, .sum = RIGHT_SUM);
    assert_told(telling, "S ok");
    assert_counted(telling, 5, 3, 0, 0);
    assert_contradicting(telling, 0);
}

static void what_is_spoilt_later_is_a_duplicate(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "set", .sum = RIGHT_SUM);
    client(telling, .at = 0, .bytes = "sXt", .sum = WRONG_SUM);
    assert_told(telling, "C set");
    assert_counted(telling, 3, 3, 0, 0);
    assert_contradicting(telling, 0);
}

static void a_repetition_may_have_other_boundaries(void **state)
{
    struct telling *telling = *state;
    telling->client.family = telling->server.family = 6;
    handshake(telling);
    client(telling, .at = 0, .bytes = "aXXXXXXh", .sum = WRONG_SUM);
    client(telling, .at = 2, .bytes = "cd", .sum = RIGHT_SUM);
    client(telling, .at = 6, .bytes = "ghij", .sum = RIGHT_SUM);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "abcdef", .sum = RIGHT_SUM);
    assert_told(telling, "C ab, C cd, C ef, C gh, C ij");
    assert_counted(telling, 10, 10, 0, 0);
    assert_contradicting(telling, 0);
}

static void the_server_is_listened_to_in_the_same_way(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "get", .sum = RIGHT_SUM);
    server(telling, .at = 0, .bytes = "vaXue", .seen = 3, .sum = WRONG_SUM);
    server(telling, .at = 5, .bytes = "more", .seen = 3, .sum = RIGHT_SUM);
    assert_told(telling, "C get");
    server(telling, .at = 0, .bytes = "value", .seen = 3, .sum = RIGHT_SUM);
    assert_told(telling, "S value, S more");
}

/* Hardware that merges segments leaves sums that are of no use. */
static void what_was_acknowledged_was_not_spoilt(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "set", .sum = RIGHT_SUM);
    client(telling, .at = 3, .bytes = "get", .sum = WRONG_SUM);
    assert_told(telling, "C set");
    server(telling, .at = 0, .bytes = "value", .seen = 6, .sum = RIGHT_SUM);
    assert_told(telling, "C get, S value");
    client(telling, .at = 6, .bytes = "add", .seen = 5, .sum = WRONG_SUM);
    assert_told(telling, "C add");
    assert_counted(telling, 14, 0, 0, 0);
}

static void what_nothing_better_comes_for_is_told_at_the_end(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "set", .sum = WRONG_SUM);
    client(telling, .at = 3, .bytes = "get", .sum = RIGHT_SUM);
    assert_told(telling, "");
    net_flow_finish(telling->flow);
    assert_told(telling, "C set, C get, closed");
    assert_counted(telling, 6, 0, 0, 0);
}

static void sums_left_to_the_network_card_say_nothing(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "set", .sum = SUM_LEFT_TO_CARD);
    assert_told(telling, "C set");
    client(telling, .at = 3, .bytes = "get", .sum = WRONG_SUM);
    assert_told(telling, "C get");
}

static void a_segment_queued_behind_a_loss_keeps_its_sum(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.keep_order = true});
    handshake(telling);
    client(telling, .at = 3, .bytes = "def", .sum = RIGHT_SUM);
    server(telling, .at = 0, .seen = 6, .sum = RIGHT_SUM);
    client(telling, .at = 6, .bytes = "XXX", .sum = WRONG_SUM);
    client(telling, .at = 6, .bytes = "ghi", .sum = RIGHT_SUM);
    net_flow_finish(telling->flow);
    assert_told(telling, "C -3, C def, C ghi, closed");
    assert_counted(telling, 6, 3, 0, 3);
    assert_contradicting(telling, 0);
}

static void other_bytes_at_the_same_place_are_no_duplicates(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "abcdef", .sum = RIGHT_SUM);
    client(telling, .at = 6, .bytes = "ghijkl", .sum = RIGHT_SUM);
    client(telling, .at = 3, .bytes = "defghi", .sum = RIGHT_SUM);
    assert_counted(telling, 12, 6, 0, 0);
    client(telling, .at = 3, .bytes = "defXXX", .sum = RIGHT_SUM);
    assert_counted(telling, 12, 9, 3, 0);
    assert_contradicting(telling, 3);
    client(telling, .at = 12, .fin = true);
    server(telling, .at = 0, .fin = true, .seen = 13);
    client(telling, .at = 0, .bytes = "abcXXX", .sum = RIGHT_SUM); /* after all is over */
    assert_contradicting(telling, 3 + 6);
}

static void other_bytes_at_a_place_that_waits_are_no_duplicates(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .bytes = "def");
    client(telling, .at = 3, .bytes = "def");
    client(telling, .at = 3, .bytes = "XXX");
    client(telling, .at = 0, .bytes = "abc");
    assert_told(telling, "C abc, C def");
    assert_counted(telling, 6, 3, 3, 0);
    assert_contradicting(telling, 3);
}

static void what_comes_before_the_beginning_is_another_conversations(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "abc");
    client(telling, .at = -900000, .bytes = "other");
    server(telling, .at = -5, .bytes = "other", .seen = 3);
    assert_told(telling, "C abc");
    assert_counted(telling, 3, 0, 10, 0);
    assert_contradicting(telling, 10);
}

static void the_byte_of_a_keep_alive_may_be_any(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = -1, .bytes = "?");
    client(telling, .at = 0, .bytes = "abc");
    client(telling, .at = 2, .bytes = "?");
    assert_counted(telling, 3, 2, 0, 0);
    assert_contradicting(telling, 0);
}

/* Without a SYN it may have been sent before the capture began. */
static void what_comes_before_a_guessed_beginning_is_late(void **state)
{
    struct telling *telling = *state;
    client(telling, .at = 10, .bytes = "abc");
    server(telling, .at = 0, .bytes = "ok", .seen = 13);
    client(telling, .at = 5, .bytes = "early");
    assert_counted(telling, 5, 0, 5, 0);
    assert_contradicting(telling, 0);
}

/* What is remembered is bounded: then it is taken for the same. */
static void what_was_sent_long_ago_is_not_remembered(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    telling->quiet = true;
    client(telling, .at = 0, .bytes = "abc");
    for (int i = 0; i < 30000; i++) {
        server(telling, .at = 40L * i, .bytes = "0123456789012345678901234567890123456789",
               .seen = 3);
    }
    client(telling, .at = 0, .bytes = "XXX", .seen = 0);
    assert_contradicting(telling, 0);
    server(telling, .at = 40L * 29999, .bytes = "X12345678901234567890123456789012345678X",
           .seen = 3);
    assert_contradicting(telling, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        telling_test(what_was_spoilt_waits_for_its_repetition),
        telling_test(what_is_spoilt_later_is_a_duplicate),
        telling_test(a_repetition_may_have_other_boundaries),
        telling_test(the_server_is_listened_to_in_the_same_way),
        telling_test(what_was_acknowledged_was_not_spoilt),
        telling_test(what_nothing_better_comes_for_is_told_at_the_end),
        telling_test(sums_left_to_the_network_card_say_nothing),
        telling_test(a_segment_queued_behind_a_loss_keeps_its_sum),
        telling_test(other_bytes_at_the_same_place_are_no_duplicates),
        telling_test(other_bytes_at_a_place_that_waits_are_no_duplicates),
        telling_test(what_comes_before_the_beginning_is_another_conversations),
        telling_test(the_byte_of_a_keep_alive_may_be_any),
        telling_test(what_comes_before_a_guessed_beginning_is_late),
        telling_test(what_was_sent_long_ago_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
