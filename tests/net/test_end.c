/*
 * How conversations end, and what still comes afterwards.
 */
#include "telling.h"

static void a_fin_ends_its_direction_and_both_close(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "quit", .fin = true);
    assert_told(telling, "C quit, C end");
    server(telling, .at = 0, .bytes = "bye", .seen = 5);
    assert_told(telling, "S bye");
    server(telling, .at = 3, .fin = true, .seen = 5);
    assert_told(telling, "S end, closed");
    client(telling, .at = 5, .seen = 4);
    net_flow_finish(telling->flow);
    assert_told(telling, "");
    assert_counted(telling, 7, 0, 0, 0);
}

static void a_fin_waits_for_the_bytes_before_it(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .bytes = "def", .fin = true);
    client(telling, .at = 3, .bytes = "def", .fin = true);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "abc");
    assert_told(telling, "C abc, C def, C end");
    assert_counted(telling, 6, 3, 0, 0);
}

static void what_acknowledges_a_fin_waits_for_it(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    server(telling, .at = 0, .bytes = "bye", .seen = 5);
    client(telling, .at = 0, .bytes = "quit");
    assert_told(telling, "C quit");
    client(telling, .at = 4, .fin = true);
    assert_told(telling, "C end, S bye");
}

static void data_after_a_fin_is_late(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .bytes = "def");
    client(telling, .at = 0, .fin = true);
    assert_told(telling, "C end");
    client(telling, .at = 0, .bytes = "abc");
    client(telling, .at = 1, .bytes = "bcd");
    assert_told(telling, "");
    assert_counted(telling, 0, 0, 9, 0);
}

static void an_rst_ends_both_directions(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "get");
    client(telling, .at = 3, .rst = true);
    assert_told(telling, "C get, C end, S end, closed");
}

static void the_side_that_resets_ends_first(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "get");
    server(telling, .at = 0, .rst = true, .seen = 3);
    assert_told(telling, "C get, S end, C end, closed");
    assert_true(telling->last.reset);
    assert_int_equal(telling->last.reset_by, NET_FROM_RESPONDER);
}

static void an_rst_behind_the_other_sides_end_ends_the_rest(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    server(telling, .at = 0, .bytes = "bye", .fin = true, .seen = 0);
    client(telling, .at = 0, .rst = true);
    assert_told(telling, "S bye, S end, C end, closed");
    assert_int_equal(telling->last.reset_by, NET_FROM_INITIATOR);
}

static void an_rst_waits_for_the_bytes_before_it(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .rst = true);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "get");
    assert_told(telling, "C get, C end, S end, closed");
}

static void an_rst_refuses_a_syn(void **state)
{
    struct telling *telling = *state;
    client(telling, .syn = true, .no_ack = true);
    server(telling, .at = -5000, .rst = true, .seen = 0); /* sequence number 0 */
    assert_told(telling, "S end, C end, closed");
}

static void an_rst_out_of_place_is_ignored(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 1000000000, .rst = true);
    client(telling, .at = 0, .bytes = "get");
    assert_told(telling, "C get");
}

static void an_rst_of_nothing_known_opens_nothing(void **state)
{
    struct telling *telling = *state;
    client(telling, .at = 0, .bytes = "why", .rst = true);
    net_flow_finish(telling->flow);
    assert_told(telling, "");
    assert_counted(telling, 0, 0, 3, 0);
    assert_int_equal(net_flow_counters(telling->flow)->conversations, 0);
}

static void an_rst_after_a_fin_closes(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "quit", .fin = true);
    server(telling, .at = 3, .bytes = "xyz", .seen = 5);
    client(telling, .at = 5, .rst = true, .no_ack = true);
    assert_told(telling, "C quit, C end, S -3, S xyz, S end, closed");
}

static void an_rst_ahead_of_its_own_fin_waits_for_nothing(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    server(telling, .at = 100, .rst = true);
    server(telling, .at = 0, .bytes = "xyz", .fin = true);
    assert_told(telling, "S xyz, S end, C end, closed");
    assert_counted(telling, 3, 0, 0, 0);
}

static void an_rst_ahead_of_a_fin_that_came_before_closes(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    server(telling, .at = 0, .bytes = "xyz", .fin = true);
    server(telling, .at = 100, .rst = true);
    assert_told(telling, "S xyz, S end, C end, closed");
    assert_counted(telling, 3, 0, 0, 0);
}

static void what_comes_after_the_close_is_swallowed(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "abc", .fin = true);
    server(telling, .at = 0, .bytes = "xyz", .fin = true, .seen = 4);
    assert_told(telling, "C abc, C end, S xyz, S end, closed");
    client(telling, .at = 0, .bytes = "abc", .fin = true, .seen = 4);
    server(telling, .at = 0, .bytes = "xyz", .fin = true, .seen = 4);
    server(telling, .at = 3, .bytes = "!", .seen = 4);
    client(telling, .at = 4, .seen = 4);
    server(telling, .at = 4, .rst = true);
    client(telling, .syn = true, .no_ack = true);
    net_flow_finish(telling->flow);
    assert_told(telling, "");
    assert_counted(telling, 6, 6, 1, 0);
    assert_int_equal(net_flow_counters(telling->flow)->conversations, 1);
}

static void the_end_of_the_capture_closes_without_an_end(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "get");
    net_flow_finish(telling->flow);
    assert_told(telling, "C get, closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        telling_test(a_fin_ends_its_direction_and_both_close),
        telling_test(a_fin_waits_for_the_bytes_before_it),
        telling_test(what_acknowledges_a_fin_waits_for_it),
        telling_test(data_after_a_fin_is_late),
        telling_test(an_rst_ends_both_directions),
        telling_test(the_side_that_resets_ends_first),
        telling_test(an_rst_behind_the_other_sides_end_ends_the_rest),
        telling_test(an_rst_waits_for_the_bytes_before_it),
        telling_test(an_rst_refuses_a_syn),
        telling_test(an_rst_out_of_place_is_ignored),
        telling_test(an_rst_of_nothing_known_opens_nothing),
        telling_test(an_rst_after_a_fin_closes),
        telling_test(an_rst_ahead_of_its_own_fin_waits_for_nothing),
        telling_test(an_rst_ahead_of_a_fin_that_came_before_closes),
        telling_test(what_comes_after_the_close_is_swallowed),
        telling_test(the_end_of_the_capture_closes_without_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
