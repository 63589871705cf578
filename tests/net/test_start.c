/*
 * How conversations start: with a SYN, with the answer to it, in the middle, on a used port.
 */
#include "telling.h"

static void assert_client_is_initiator(const struct telling *telling, bool from_start)
{
    assert_int_equal(telling->last.initiator.port, telling->client.port);
    assert_int_equal(telling->last.responder.port, telling->server.port);
    assert_int_equal(telling->last.from_start, from_start);
    assert_null(telling->last.user);
}

static void who_sends_the_syn_is_the_initiator(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "get", .seen = 0);
    assert_told(telling, "C get");
    assert_client_is_initiator(telling, true);
}

static void who_answers_a_syn_is_the_responder(void **state)
{
    struct telling *telling = *state;
    server(telling, .syn = true, .seen = 0);
    client(telling, .at = 0, .seen = 0);
    client(telling, .at = 3, .bytes = "def", .seen = 0);
    client(telling, .at = 0, .bytes = "abc", .seen = 0);
    assert_told(telling, "C abc, C def");
    assert_client_is_initiator(telling, true);
}

static void a_syn_that_comes_after_its_answer_changes_nothing(void **state)
{
    struct telling *telling = *state;
    server(telling, .syn = true, .seen = 0);
    client(telling, .syn = true, .no_ack = true);
    client(telling, .at = 0, .bytes = "abc", .seen = 0);
    assert_told(telling, "C abc");
    assert_client_is_initiator(telling, true);
    assert_int_equal(net_flow_counters(telling->flow)->conversations, 1);
}

static void a_syn_may_carry_data(void **state)
{
    struct telling *telling = *state;
    client(telling, .syn = true, .no_ack = true, .bytes = "get");
    assert_told(telling, "C get");
    server(telling, .syn = true, .seen = 3);
    server(telling, .at = 0, .bytes = "value", .seen = 3);
    client(telling, .at = 3, .bytes = "set", .seen = 5);
    assert_told(telling, "S value, C set");
}

static void a_retransmitted_syn_opens_nothing(void **state)
{
    struct telling *telling = *state;
    client(telling, .syn = true, .no_ack = true);
    handshake(telling);
    client(telling, .at = 0, .bytes = "get", .seen = 0);
    client(telling, .syn = true, .no_ack = true);
    server(telling, .syn = true, .seen = 0);
    client(telling, .at = 3, .bytes = "set", .seen = 0);
    assert_told(telling, "C get, C set");
    assert_int_equal(net_flow_counters(telling->flow)->conversations, 1);
}

/* The first data has seq 0 as often as it is sent, and may acknowledge more the second time. */
static void a_repeated_first_segment_does_not_say_where_the_server_starts(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.start_segments = 20});
    client(telling, .at = 2, .bytes = "cd", .seen = 2);
    client(telling, .syn = true, .no_ack = true);
    client(telling, .at = 0, .bytes = "abc", .seen = 2);
    assert_told(telling, "");
    server(telling, .at = 0, .bytes = "hi", .seen = 0);
    server(telling, .syn = true, .seen = 0);
    assert_told(telling, "S hi, C ab, C cd");
}

static void data_before_the_answer_to_the_syn_waits_for_it(void **state)
{
    struct telling *telling = *state;
    client(telling, .syn = true, .no_ack = true);
    server(telling, .at = 3, .bytes = "def", .seen = 2);
    server(telling, .at = 0, .bytes = "abc", .seen = 0);
    assert_told(telling, "");
    server(telling, .syn = true, .seen = 0);
    client(telling, .at = 0, .bytes = "hi", .seen = 0);
    assert_told(telling, "S abc, C hi, S def");
}

static void without_an_answer_the_handshake_tells_where_the_other_side_starts(void **state)
{
    struct telling *telling = *state;
    client(telling, .syn = true, .no_ack = true);
    client(telling, .at = 0, .seen = 0);
    server(telling, .at = 3, .bytes = "def", .seen = 0);
    server(telling, .at = 0, .bytes = "abc", .seen = 0);
    assert_told(telling, "S abc, S def");
}

static void without_syn_the_first_sender_is_the_initiator(void **state)
{
    struct telling *telling = *state;
    client(telling, .at = 700, .bytes = "get", .seen = 900);
    assert_told(telling, "C get");
    server(telling, .at = 900, .bytes = "value", .seen = 703);
    client(telling, .at = 703, .bytes = "set", .seen = 905);
    assert_told(telling, "S value, C set");
    assert_client_is_initiator(telling, false);
    assert_counted(telling, 11, 0, 0, 0);
}

static void a_pure_acknowledgement_tells_where_both_sides_are(void **state)
{
    struct telling *telling = *state;
    client(telling, .at = 700, .seen = 900);
    client(telling, .at = 703, .bytes = "def", .seen = 900);
    client(telling, .at = 700, .bytes = "abc", .seen = 900);
    assert_told(telling, "C abc, C def");
    server(telling, .at = 900, .bytes = "ok", .seen = 706);
    assert_told(telling, "S ok");
}

static void bytes_before_a_start_in_the_middle_are_late(void **state)
{
    struct telling *telling = *state;
    client(telling, .at = 703, .bytes = "def", .seen = 900);
    client(telling, .at = 700, .bytes = "abcdef", .seen = 900);
    client(telling, .at = 706, .bytes = "ghi", .seen = 900);
    assert_told(telling, "C def, C ghi");
    assert_counted(telling, 6, 3, 3, 0);
}

static void what_was_under_way_when_the_capture_began_is_not_lost(void **state)
{
    struct telling *telling = *state;
    client(telling, .at = 700, .bytes = "get", .seen = 900);
    server(telling, .at = 950, .bytes = "value", .seen = 700);
    assert_told(telling, "C get, S value");
    client(telling, .at = 703, .bytes = "set", .seen = 955);
    net_flow_finish(telling->flow);
    assert_told(telling, "C set, closed");
    assert_counted(telling, 11, 0, 0, 0);
}

static void waiting_at_the_start_can_be_asked_for(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.start_segments = 4});
    server(telling, .at = 0, .bytes = "value", .seen = 6);
    client(telling, .at = 3, .bytes = "def", .seen = 0);
    client(telling, .at = 0, .bytes = "abc", .seen = 0);
    assert_told(telling, "");
    client(telling, .syn = true, .no_ack = true);
    assert_told(telling, "C abc, C def, S value");
    assert_client_is_initiator(telling, true);
}

static void waiting_at_the_start_ends_after_so_many_segments(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.start_segments = 3});
    client(telling, .at = 703, .bytes = "def", .seen = 900);
    client(telling, .at = 700, .bytes = "abc", .seen = 900);
    assert_told(telling, "");
    client(telling, .at = 706, .bytes = "ghi", .seen = 900);
    assert_told(telling, "C abc, C def, C ghi");
    assert_client_is_initiator(telling, false);
    assert_counted(telling, 9, 0, 0, 0);
}

static void a_reused_port_opens_a_new_conversation(void **state)
{
    struct telling *telling = *state;
    telling->numbered = true;
    handshake(telling);
    client(telling, .at = 0, .bytes = "a", .fin = true);
    server(telling, .at = 0, .fin = true, .seen = 2);
    client(telling, .at = 2, .seen = 1);
    assert_told(telling, "1:C a, 1:C end, 1:S end, 1:closed");
    telling->client_start = 777777;
    telling->server_start = 999;
    handshake(telling);
    client(telling, .at = 0, .bytes = "b");
    server(telling, .at = 0, .bytes = "c", .seen = 1);
    assert_told(telling, "2:C b, 2:S c");
    assert_client_is_initiator(telling, true);
}

static void a_reused_port_closes_a_conversation_whose_end_was_not_seen(void **state)
{
    struct telling *telling = *state;
    telling->numbered = true;
    handshake(telling);
    client(telling, .at = 0, .bytes = "a");
    client(telling, .at = 5, .bytes = "f");
    telling->client_start = 77777777;
    handshake(telling);
    assert_told(telling, "1:C a, 1:C -4, 1:C f, 1:closed");
    client(telling, .at = 0, .bytes = "b");
    assert_told(telling, "2:C b");
}

static void a_port_reused_by_the_other_side_swaps_the_roles(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .rst = true);
    assert_told(telling, "C end, S end, closed");
    telling->server_start = 123456;
    server(telling, .syn = true, .no_ack = true);
    server(telling, .at = 0, .bytes = "x", .no_ack = true);
    assert_told(telling, "C x");
    assert_int_equal(telling->last.initiator.port, telling->server.port);
}

static void far_off_sequence_numbers_are_of_another_conversation(void **state)
{
    struct telling *telling = *state;
    telling->numbered = true;
    handshake(telling);
    client(telling, .at = 0, .bytes = "a");
    client(telling, .at = -900000000, .bytes = "b");
    assert_told(telling, "1:C a, 1:closed, 2:C b");
    assert_client_is_initiator(telling, false);
}

static void who_has_been_told_of_stays_the_initiator(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.start_segments = 15});
    client(telling, .at = 1 << 27, .fin = true, .no_ack = true);
    client(telling, .at = 0, .rst = true, .no_ack = true); /* too far off to end it */
    server(telling, .at = 0, .bytes = "x", .syn = true, .no_ack = true);
    net_flow_finish(telling->flow);
    assert_told(telling, "C end, S x, closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        telling_test(who_sends_the_syn_is_the_initiator),
        telling_test(who_answers_a_syn_is_the_responder),
        telling_test(a_syn_that_comes_after_its_answer_changes_nothing),
        telling_test(a_syn_may_carry_data),
        telling_test(a_retransmitted_syn_opens_nothing),
        telling_test(a_repeated_first_segment_does_not_say_where_the_server_starts),
        telling_test(data_before_the_answer_to_the_syn_waits_for_it),
        telling_test(without_an_answer_the_handshake_tells_where_the_other_side_starts),
        telling_test(without_syn_the_first_sender_is_the_initiator),
        telling_test(a_pure_acknowledgement_tells_where_both_sides_are),
        telling_test(bytes_before_a_start_in_the_middle_are_late),
        telling_test(what_was_under_way_when_the_capture_began_is_not_lost),
        telling_test(waiting_at_the_start_can_be_asked_for),
        telling_test(waiting_at_the_start_ends_after_so_many_segments),
        telling_test(a_reused_port_opens_a_new_conversation),
        telling_test(a_reused_port_closes_a_conversation_whose_end_was_not_seen),
        telling_test(a_port_reused_by_the_other_side_swaps_the_roles),
        telling_test(far_off_sequence_numbers_are_of_another_conversation),
        telling_test(who_has_been_told_of_stays_the_initiator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
