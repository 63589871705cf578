/*
 * Many conversations at once.
 */
#include "telling.h"

static void conversations_are_told_apart_by_both_endpoints(void **state)
{
    struct telling *telling = *state;
    telling->numbered = true;
    client(telling, .at = 0, .bytes = "a");
    telling->client.port++;
    client(telling, .at = 0, .bytes = "b");
    telling->server.port++;
    client(telling, .at = 0, .bytes = "c");
    telling->client.address[3]++;
    client(telling, .at = 0, .bytes = "d");
    telling->server.address[3]++;
    client(telling, .at = 0, .bytes = "e");
    telling->client.family = 6;
    telling->server.family = 6;
    client(telling, .at = 0, .bytes = "f");
    server(telling, .at = 0, .bytes = "g", .seen = 1);
    assert_told(telling, "1:C a, 2:C b, 3:C c, 4:C d, 5:C e, 6:C f, 6:S g");
}

static void equal_ports_on_both_sides_are_no_problem(void **state)
{
    struct telling *telling = *state;
    telling->server.port = telling->client.port;
    handshake(telling);
    client(telling, .at = 0, .bytes = "a");
    server(telling, .at = 0, .bytes = "b", .seen = 1);
    assert_told(telling, "C a, S b");
}

static void the_longest_idle_makes_room(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.conversations_max = 2});
    telling->numbered = true;
    uint16_t port = telling->client.port;
    client(telling, .at = 0, .bytes = "a");
    telling->client.port = (uint16_t)(port + 1);
    client(telling, .at = 0, .bytes = "b");
    client(telling, .at = 9, .bytes = "j");
    telling->client.port = port;
    client(telling, .at = 1, .bytes = "c");
    telling->client.port = (uint16_t)(port + 2);
    client(telling, .at = 0, .bytes = "d");
    assert_told(telling, "1:C a, 2:C b, 1:C c, 2:C -8, 2:C j, 2:closed, 3:C d");
    net_flow_finish(telling->flow);
    assert_told(telling, "1:closed, 3:closed");
}

static void what_has_ended_makes_room_first(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.conversations_max = 2});
    telling->numbered = true;
    client(telling, .at = 0, .bytes = "a");
    telling->client.port++;
    handshake(telling);
    client(telling, .rst = true);
    telling->client.port++;
    client(telling, .at = 0, .bytes = "b");
    assert_told(telling, "1:C a, 2:C end, 2:S end, 2:closed, 3:C b");
}

static void every_conversation_is_closed_once(void **state)
{
    struct telling *telling = *state;
    telling_restart(telling, (struct net_flow_options){.conversations_max = 100});
    for (int i = 0; i < 20000; i++) {
        telling->client.port = (uint16_t)(i * 7919);
        telling->client_start = (uint32_t)i * 100003u;
        handshake(telling);
        client(telling, .at = 0, .bytes = "get");
        client(telling, .at = 4, .bytes = "def", .fin = i % 3 == 0);
        server(telling, .at = 0, .bytes = "x", .fin = i % 4 == 0, .seen = 3);
        if (i % 5 == 0) {
            server(telling, .at = 1, .rst = true, .seen = 3);
        }
        telling->size = 0;
    }
    net_flow_finish(telling->flow);
    const struct net_flow_counters *counters = net_flow_counters(telling->flow);
    assert_int_equal(counters->conversations, 20000);
    assert_int_equal(telling->closed, 20000);
    assert_int_equal(counters->payload, counters->data + counters->duplicate + counters->late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        telling_test(conversations_are_told_apart_by_both_endpoints),
        telling_test(equal_ports_on_both_sides_are_no_problem),
        telling_test(the_longest_idle_makes_room),
        telling_test(what_has_ended_makes_room_first),
        telling_test(every_conversation_is_closed_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
