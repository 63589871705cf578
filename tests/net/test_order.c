/*
 * The order of bytes: within a stream, and between the two directions of a conversation.
 */
#include "telling.h"

static void bytes_in_order_are_told_at_once(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "get", .seen = 0);
    assert_told(telling, "C get");
    assert_int_equal(telling->last_origin, 4);
    server(telling, .at = 0, .bytes = "value", .seen = 3);
    client(telling, .at = 3, .bytes = "set", .seen = 5);
    assert_told(telling, "S value, C set");
    assert_counted(telling, 11, 0, 0, 0);
}

static void bytes_out_of_order_wait_for_those_before_them(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 6, .bytes = "ghi", .seen = 0);
    client(telling, .at = 3, .bytes = "def", .seen = 0);
    client(telling, .at = 9, .bytes = "jkl", .seen = 0);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "abc", .seen = 0);
    assert_told(telling, "C abc, C def, C ghi, C jkl");
    assert_int_equal(telling->last_origin, 6);
    assert_counted(telling, 12, 0, 0, 0);
}

static void retransmitted_bytes_are_duplicates(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "abc", .seen = 0);
    client(telling, .at = 0, .bytes = "abc", .seen = 0);
    client(telling, .at = 6, .bytes = "ghi", .seen = 0);
    client(telling, .at = 6, .bytes = "ghi", .seen = 0);
    client(telling, .at = 3, .bytes = "def", .seen = 0);
    assert_told(telling, "C abc, C def, C ghi");
    assert_counted(telling, 9, 6, 0, 0);
}

static void where_bytes_overlap_those_that_came_first_stay(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 2, .bytes = "cd", .seen = 0);
    client(telling, .at = 6, .bytes = "gh", .seen = 0);
    client(telling, .at = 1, .bytes = "XXXXXXXXX", .seen = 0);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "a", .seen = 0);
    assert_told(telling, "C a, C X, C cd, C XX, C gh, C XX");
    client(telling, .at = 8, .bytes = "YYYY", .seen = 0);
    assert_told(telling, "C YY");
    assert_counted(telling, 12, 0, 4 + 2, 0);
    assert_int_equal(net_flow_counters(telling->flow)->contradicting, 4 + 2);
}

static void a_keep_alive_probe_is_a_duplicate(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = -1, .bytes = "x", .seen = 0);
    client(telling, .at = 0, .bytes = "abc", .seen = 0);
    client(telling, .at = 2, .bytes = "x", .seen = 0);
    client(telling, .at = 2, .seen = 0);
    client(telling, .at = 3, .bytes = "def", .seen = 0);
    assert_told(telling, "C abc, C def");
    assert_counted(telling, 6, 2, 0, 0);
}

static void sequence_numbers_wrap_around(void **state)
{
    struct telling *telling = *state;
    telling->client_start = UINT32_MAX - 3;
    telling->server_start = UINT32_MAX;
    handshake(telling);
    client(telling, .at = 6, .bytes = "ghi", .seen = 0);
    client(telling, .at = 0, .bytes = "abcdef", .seen = 0);
    server(telling, .at = 2, .bytes = "cd", .seen = 9);
    server(telling, .at = 0, .bytes = "ab", .seen = 9);
    client(telling, .at = 4, .bytes = "ef", .seen = 4);
    client(telling, .at = 9, .bytes = "jkl", .seen = 4);
    assert_told(telling, "C abcdef, C ghi, S ab, S cd, C jkl");
    assert_counted(telling, 16, 2, 0, 0);
}

static void streams_are_longer_than_sequence_numbers(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    static char many[50001];
    memset(many, 'x', sizeof(many) - 1);
    int64_t at = 0;
    for (; at < INT64_C(5000000000); at += 50000) {
        client(telling, .at = at, .bytes = many, .seen = 0);
        telling->size = 0;
    }
    client(telling, .at = at - 50000, .bytes = many, .seen = 0);
    client(telling, .at = at + 3, .bytes = "def", .seen = 0);
    client(telling, .at = at, .bytes = "abc", .seen = 0);
    assert_told(telling, "C abc, C def");
    assert_counted(telling, (uint64_t)at + 6, 50000, 0, 0);
}

static void a_response_waits_for_the_request_that_it_acknowledges(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    server(telling, .at = 0, .bytes = "value", .seen = 3);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "get", .seen = 0);
    assert_told(telling, "C get, S value");
    assert_counted(telling, 8, 0, 0, 0);
}

static void a_response_to_an_earlier_request_does_not_wait(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "get", .seen = 0);
    client(telling, .at = 6, .bytes = "ghi", .seen = 0);
    server(telling, .at = 0, .bytes = "value", .seen = 3);
    assert_told(telling, "C get, S value");
    client(telling, .at = 3, .bytes = "def", .seen = 5);
    assert_told(telling, "C def, C ghi");
}

static void a_dialogue_captured_backwards_is_told_forwards(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    server(telling, .at = 2, .bytes = "s2", .seen = 4);
    client(telling, .at = 2, .bytes = "c2", .seen = 2);
    server(telling, .at = 0, .bytes = "s1", .seen = 2);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "c1", .seen = 0);
    assert_told(telling, "C c1, S s1, C c2, S s2");
}

static void what_may_be_told_is_told_as_captured(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    server(telling, .at = 0, .bytes = "s1", .seen = 2);
    client(telling, .at = 2, .bytes = "c2", .seen = 0);
    server(telling, .at = 2, .bytes = "s2", .seen = 2);
    client(telling, .at = 4, .bytes = "c3", .seen = 0);
    client(telling, .at = 0, .bytes = "c1", .seen = 0);
    assert_told(telling, "C c1, S s1, C c2, S s2, C c3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        telling_test(bytes_in_order_are_told_at_once),
        telling_test(bytes_out_of_order_wait_for_those_before_them),
        telling_test(retransmitted_bytes_are_duplicates),
        telling_test(where_bytes_overlap_those_that_came_first_stay),
        telling_test(a_keep_alive_probe_is_a_duplicate),
        telling_test(sequence_numbers_wrap_around),
        telling_test(streams_are_longer_than_sequence_numbers),
        telling_test(a_response_waits_for_the_request_that_it_acknowledges),
        telling_test(a_response_to_an_earlier_request_does_not_wait),
        telling_test(a_dialogue_captured_backwards_is_told_forwards),
        telling_test(what_may_be_told_is_told_as_captured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
