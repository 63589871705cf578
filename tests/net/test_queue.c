/*
 * The order between conversations while one of them waits for bytes that turn out to be lost.
 */
#include "telling.h"

#include <stdlib.h>

/* As SEGMENTS_ASTRAY_OF_ALL in net/flow_parts.h. */
enum { ASTRAY_OF_ALL = 1024 };

enum { FIRST = 50001, SECOND = 50002 };

static void begin(struct telling *telling, struct net_flow_options options)
{
    options.keep_order = true;
    telling_restart(telling, options);
    telling->numbered = true;
    telling->client.port = FIRST;
    handshake(telling);
    telling->client.port = SECOND;
    handshake(telling);
}

/* The first conversation's answer acknowledges a request that the capture does not have. */
static void answer_without_request(struct telling *telling)
{
    telling->client.port = FIRST;
    server(telling, .at = 0, .bytes = "value", .seen = 24);
    telling->client.port = SECOND;
}

static void others_wait_until_a_request_is_known_to_be_lost(void **state)
{
    struct telling *telling = *state;
    begin(telling, (struct net_flow_options){0});
    answer_without_request(telling);
    client(telling, .at = 0, .bytes = "get");
    server(telling, .at = 0, .bytes = "old", .seen = 3);
    assert_told(telling, "");
    telling->client.port = FIRST;
    acknowledgements(telling, 24, 5, ASTRAY_OF_ALL - 1);
    assert_told(telling, "1:C -24, 1:S value, 2:C get, 2:S old");
    assert_counted(telling, 11, 0, 0, 24);
}

static void others_alone_end_the_waiting_too(void **state)
{
    struct telling *telling = *state;
    begin(telling, (struct net_flow_options){0});
    answer_without_request(telling);
    client(telling, .at = 0, .bytes = "get");
    acknowledgements(telling, 3, 0, ASTRAY_OF_ALL - 1);
    assert_told(telling, "");
    acknowledgements(telling, 3, 0, 1);
    assert_told(telling, "1:C -24, 1:S value, 2:C get");
}

static void a_request_that_comes_late_goes_before_what_waits(void **state)
{
    struct telling *telling = *state;
    begin(telling, (struct net_flow_options){0});
    answer_without_request(telling);
    client(telling, .at = 0, .bytes = "get");
    telling->client.port = FIRST;
    client(telling, .at = 12, .bytes = "twelve bytes");
    assert_told(telling, "");
    client(telling, .at = 0, .bytes = "twelve bytes");
    assert_told(telling, "1:C twelve bytes, 1:C twelve bytes, 1:S value, 2:C get");
    assert_counted(telling, 32, 0, 0, 0);
}

static void what_waits_may_have_to_wait_again(void **state)
{
    struct telling *telling = *state;
    begin(telling, (struct net_flow_options){0});
    answer_without_request(telling);
    server(telling, .at = 0, .bytes = "other", .seen = 30);
    telling->client.port = FIRST;
    client(telling, .at = 24, .bytes = "get", .seen = 5);
    telling->client.port = SECOND;
    client(telling, .at = 0, .bytes = "request of thirty bytes, late.");
    telling->client.port = FIRST;
    acknowledgements(telling, 27, 5, ASTRAY_OF_ALL);
    assert_told(telling,
                "1:C -24, 1:S value, 2:C request of thirty bytes, late., 2:S other, 1:C get");
}

static void the_end_of_the_capture_ends_the_waiting(void **state)
{
    struct telling *telling = *state;
    begin(telling, (struct net_flow_options){0});
    answer_without_request(telling);
    client(telling, .at = 0, .bytes = "get");
    net_flow_finish(telling->flow);
    assert_told(telling, "1:C -24, 1:S value, 2:C get, 1:closed, 2:closed");
}

static void a_hole_that_nobody_has_acknowledged_stops_nobody_else(void **state)
{
    struct telling *telling = *state;
    begin(telling, (struct net_flow_options){0});
    telling->client.port = FIRST;
    client(telling, .at = 3, .bytes = "def");
    telling->client.port = SECOND;
    client(telling, .at = 0, .bytes = "get");
    assert_told(telling, "2:C get");
}

static void without_room_nobody_waits(void **state)
{
    struct telling *telling = *state;
    begin(telling, (struct net_flow_options){.held_bytes_max = 1024});
    answer_without_request(telling);
    for (int i = 0; i < 8; i++) {
        client(telling, .at = 3 * i, .bytes = "get");
    }
    assert_told(telling,
                "1:C -24, 1:S value, 2:C get, 2:C get, 2:C get, 2:C get, 2:C get, 2:C get, 2:C "
                "get, 2:C get");
}

static void what_waits_is_given_back_with_the_flow(void **state)
{
    struct telling *telling = *state;
    begin(telling, (struct net_flow_options){0});
    answer_without_request(telling);
    client(telling, .at = 0, .bytes = "get");
    assert_told(telling, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        telling_test(others_wait_until_a_request_is_known_to_be_lost),
        telling_test(others_alone_end_the_waiting_too),
        telling_test(a_request_that_comes_late_goes_before_what_waits),
        telling_test(what_waits_may_have_to_wait_again),
        telling_test(the_end_of_the_capture_ends_the_waiting),
        telling_test(a_hole_that_nobody_has_acknowledged_stops_nobody_else),
        telling_test(without_room_nobody_waits),
        telling_test(what_waits_is_given_back_with_the_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
