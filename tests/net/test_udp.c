/*
 * UDP: each datagram by itself.
 */
#include "telling.h"

static void datagrams_are_told_whole_and_the_first_sender_is_the_initiator(void **state)
{
    struct telling *telling = *state;
    send_datagram(telling, true, "get", 0);
    send_datagram(telling, false, "value", 0);
    send_datagram(telling, true, "get", 0);
    assert_told(telling, "C get, S value, C get");
    assert_int_equal(telling->last.protocol, NET_UDP);
    assert_int_equal(telling->last.initiator.port, telling->client.port);
    net_flow_finish(telling->flow);
    assert_told(telling, "closed");
    assert_counted(telling, 11, 0, 0, 0);
}

static void a_cut_datagram_is_followed_by_a_gap(void **state)
{
    struct telling *telling = *state;
    send_datagram(telling, true, "abc", 10);
    send_datagram(telling, true, "", 5);
    send_datagram(telling, true, "", 0);
    assert_told(telling, "C abc, C -10, C -5");
    assert_counted(telling, 3, 0, 0, 15);
}

static void udp_and_tcp_between_the_same_endpoints_are_two_conversations(void **state)
{
    struct telling *telling = *state;
    telling->numbered = true;
    send_datagram(telling, true, "u", 0);
    client(telling, .at = 0, .bytes = "t");
    send_datagram(telling, false, "v", 0);
    assert_told(telling, "1:C u, 2:C t, 1:S v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        telling_test(datagrams_are_told_whole_and_the_first_sender_is_the_initiator),
        telling_test(a_cut_datagram_is_followed_by_a_gap),
        telling_test(udp_and_tcp_between_the_same_endpoints_are_two_conversations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
