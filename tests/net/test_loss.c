/*
 * Bytes that are not in the capture: when waiting for them ends, and how many were lost.
 */
#include "telling.h"

#include <malloc.h>
#include <stdlib.h>

/* As SEGMENTS_ASTRAY and SEGMENTS_ASTRAY_OF_ALL in net/flow_parts.h. */
enum { ASTRAY = 64, ASTRAY_OF_ALL = 1024 };

static void a_hole_is_lost_when_the_capture_ends(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "abc");
    client(telling, .at = 6, .bytes = "ghi");
    client(telling, .at = 10, .bytes = "klm");
    assert_told(telling, "C abc");
    net_flow_finish(telling->flow);
    assert_told(telling, "C -3, C ghi, C -1, C klm, closed");
    assert_counted(telling, 9, 0, 0, 4);
}

static void a_hole_that_was_acknowledged_is_lost_soon(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .bytes = "def");
    server(telling, .at = 0, .bytes = "value", .seen = 6);
    acknowledgements(telling, 6, 0, ASTRAY - 1);
    assert_told(telling, "");
    acknowledgements(telling, 6, 0, 2);
    assert_told(telling, "C -3, C def, S value");
    client(telling, .at = 0, .bytes = "abc");
    assert_counted(telling, 8, 0, 3, 3);
}

static void a_hole_that_was_not_acknowledged_is_waited_for(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .bytes = "def");
    acknowledgements(telling, 6, 0, 2000);
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "abc");
    assert_told(telling, "C abc, C def");
    assert_counted(telling, 6, 0, 0, 0);
}

static void only_what_was_acknowledged_of_a_hole_is_lost_soon(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 6, .bytes = "ghi");
    server(telling, .at = 0, .seen = 2);
    acknowledgements(telling, 9, 0, ASTRAY);
    assert_told(telling, "C -2");
    client(telling, .at = 0, .bytes = "abcdef");
    assert_told(telling, "C cdef, C ghi");
    assert_counted(telling, 7, 0, 2, 2);
}

static void a_request_that_was_not_captured_is_lost_before_its_response(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    server(telling, .at = 0, .bytes = "value", .seen = 24);
    acknowledgements(telling, 24, 5, ASTRAY);
    assert_told(telling, "C -24, S value");
    assert_counted(telling, 5, 0, 0, 24);
}

static void a_quiet_conversation_does_not_wait_for_ever(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .bytes = "def");
    server(telling, .at = 0, .bytes = "value", .seen = 6);
    telling->client.port = 50000; /* another one */
    handshake(telling);
    acknowledgements(telling, 0, 0, ASTRAY_OF_ALL - 3);
    assert_told(telling, "");
    acknowledgements(telling, 0, 0, 1);
    assert_told(telling, "C -3, C def, S value");
}

static void one_missing_byte_at_the_end_is_taken_for_a_fin(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "quit");
    server(telling, .at = 0, .bytes = "bye", .seen = 5);
    server(telling, .at = 3, .bytes = "!", .seen = 5);
    acknowledgements(telling, 5, 0, ASTRAY);
    assert_told(telling, "C quit, S bye, S !");
    net_flow_finish(telling->flow);
    assert_told(telling, "closed");
    assert_counted(telling, 8, 0, 0, 0);
}

static void what_was_acknowledged_and_never_came_is_lost_at_the_end(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "abc");
    server(telling, .at = 0, .seen = 40);
    net_flow_finish(telling->flow);
    assert_told(telling, "C abc, C -37, closed");
}

static void one_direction_alone_goes_on(void **state)
{
    struct telling *telling = *state;
    server(telling, .at = 0, .bytes = "a", .seen = 0);
    for (int i = 1; i <= 200; i++) {
        server(telling, .at = i, .bytes = "b", .seen = 24 * i);
    }
    telling->size = 0;
    net_flow_finish(telling->flow);
    assert_counted(telling, 201, 0, 0, 200 * 24);
}

static void the_snap_length_loses_the_rest_of_a_segment(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 0, .bytes = "abc", .cut = 7);
    assert_told(telling, "C abc, C -7");
    client(telling, .at = 10, .bytes = "klm");
    client(telling, .at = 13, .cut = 5);
    assert_told(telling, "C klm, C -5");
    client(telling, .at = 18, .bytes = "q", .cut = 2, .fin = true);
    assert_told(telling, "C q, C -2, C end");
    assert_counted(telling, 7, 0, 0, 14);
}

static void bytes_that_came_before_fill_a_cut(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 5, .bytes = "fg");
    client(telling, .at = 0, .bytes = "abc", .cut = 7);
    assert_told(telling, "C abc, C -2, C fg, C -3");
    client(telling, .at = 0, .bytes = "abcdefghij");
    assert_told(telling, "");
    assert_counted(telling, 5, 5, 5, 5);
}

static void a_cut_behind_a_hole_waits_and_may_be_filled(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .bytes = "d", .cut = 5);
    client(telling, .at = 3, .bytes = "defghi");
    client(telling, .at = 0, .bytes = "abc");
    assert_told(telling, "C abc, C d, C efghi");
    assert_counted(telling, 9, 1, 0, 0);
}

static void a_fin_behind_a_cut_ends_the_stream(void **state)
{
    struct telling *telling = *state;
    handshake(telling);
    client(telling, .at = 3, .bytes = "d", .cut = 2, .fin = true);
    client(telling, .at = 0, .bytes = "abc");
    assert_told(telling, "C abc, C d, C -2, C end");
}

static void too_many_held_segments_give_a_hole_up(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.held_segments_max = 3});
    handshake(telling);
    client(telling, .at = 2, .bytes = "c");
    client(telling, .at = 4, .bytes = "e");
    client(telling, .at = 6, .bytes = "g");
    assert_told(telling, "");
    client(telling, .at = 8, .bytes = "i");
    assert_told(telling, "C -2, C c");
    client(telling, .at = 0, .bytes = "abcd");
    assert_told(telling, "C d, C e");
    assert_counted(telling, 3, 1, 2, 2);
}

static void too_many_held_bytes_give_the_oldest_hole_up(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.held_bytes_max = 3800});
    telling->numbered = true;
    static char many[1501];
    memset(many, 'x', sizeof(many) - 1);
    handshake(telling);
    client(telling, .at = 1, .bytes = "a");
    telling->client.port++;
    handshake(telling);
    client(telling, .at = 1, .bytes = "b");
    client(telling, .at = 5000, .bytes = many);
    assert_told(telling, "");
    client(telling, .at = 8000, .bytes = many);
    assert_told(telling, "1:C -1, 1:C a");
    client(telling, .at = 0, .bytes = "a");
    assert_told(telling, "2:C a, 2:C b");
}

static void memory_is_bounded(void **state)
{
    struct telling *telling = *state;
    enum { BOUND = 8 << 20, CONVERSATIONS = 100 };
    telling_restart(telling, (struct net_flow_options){.held_bytes_max = BOUND,
                                                       .held_segments_max = 100000,
                                                       .conversations_max = CONVERSATIONS});
    telling->quiet = true;
    static char many[1401];
    memset(many, 'x', sizeof(many) - 1);
    size_t before = mallinfo2().uordblks;
    size_t most = 0;
    for (int64_t i = 1; i < 200000; i++) { /* 280 MB, no byte in its place */
        telling->client.port = (uint16_t)(1000 + i % CONVERSATIONS);
        client(telling, .at = i * 1500, .bytes = many + i % 1400);
        size_t used = mallinfo2().uordblks - before;
        most = used > most && used < SIZE_MAX / 2 ? used : most;
    }
    net_flow_finish(telling->flow);
    print_message("%zu bytes at most\n", most);
    assert_true(most < BOUND * 3 / 2 + (1 << 20)); /* blocks are kept for the next burst */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        telling_test(a_hole_is_lost_when_the_capture_ends),
        telling_test(a_hole_that_was_acknowledged_is_lost_soon),
        telling_test(a_hole_that_was_not_acknowledged_is_waited_for),
        telling_test(only_what_was_acknowledged_of_a_hole_is_lost_soon),
        telling_test(a_request_that_was_not_captured_is_lost_before_its_response),
        telling_test(a_quiet_conversation_does_not_wait_for_ever),
        telling_test(one_missing_byte_at_the_end_is_taken_for_a_fin),
        telling_test(what_was_acknowledged_and_never_came_is_lost_at_the_end),
        telling_test(one_direction_alone_goes_on),
        telling_test(the_snap_length_loses_the_rest_of_a_segment),
        telling_test(bytes_that_came_before_fill_a_cut),
        telling_test(a_cut_behind_a_hole_waits_and_may_be_filled),
        telling_test(a_fin_behind_a_cut_ends_the_stream),
        telling_test(too_many_held_segments_give_a_hole_up),
        telling_test(too_many_held_bytes_give_the_oldest_hole_up),
        telling_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
