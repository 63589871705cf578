/* Bad input, limits, and clients that misbehave: an answer or a closed connection as memcached has
 * it, and nobody else notices. */
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "serving.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define NOOP "80 0a 0000 00 00 0000 00000000 00000007 0000000000000000"

enum { MIB = 1 << 20 };

struct fixture {
    struct serving serving;
    struct bytes out, in;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    serving_kill(&fixture->serving);
    bytes_free(&fixture->out);
    bytes_free(&fixture->in);
    free(fixture);
    return 0;
}

static int start(struct fixture *fixture, const char *options)
{
    serving_start(&fixture->serving, options);
    return client_connect(&fixture->serving);
}

static void send_notation(struct fixture *fixture, int client, const char *notation)
{
    fixture->out.size = 0;
    bytes_add_notation(&fixture->out, notation);
    client_send(client, span_of(fixture->out.data, fixture->out.size));
}

/* The next answer has that opcode and status. */
static void expect(struct fixture *fixture, int client, uint8_t opcode, uint16_t status)
{
    struct mcbp_frame frame;
    assert_true(client_frame(client, &fixture->in, &frame));
    assert_int_equal(frame.header.opcode, opcode);
    assert_int_equal(frame.header.vbucket_or_status, status);
}

/* ---------------------------------------------------------------- bad input */

static void a_wrong_magic_closes_the_connection_after_what_came_before(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1");
    send_notation(fixture, client, NOOP NOOP "'get key\r\n'");
    expect(fixture, client, MCBP_NOOP, MCBP_STATUS_SUCCESS);
    expect(fixture, client, MCBP_NOOP, MCBP_STATUS_SUCCESS);
    client_expect_end(client);
    serving_stop(&fixture->serving);
}

static void lengths_that_contradict_each_other_are_refused(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1");
    send_notation(fixture, client,
                  "80 00 0009 00 00 0000 00000008 00000001 0000000000000000 'too long'" NOOP);
    expect(fixture, client, MCBP_GET, MCBP_STATUS_UNKNOWN_COMMAND);
    client_expect_end(client);
    serving_stop(&fixture->serving);
}

/* As memcached does. The one worker has read what the first client sent when it serves another. */
static void a_value_over_the_limit_is_answered_when_it_has_come(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t value[2 * MIB];
    uint8_t early;
    int client = start(fixture, "-t 1");
    send_notation(fixture, client,
                  "80 01 0001 08 00 0000 00200009 00000001 0000000000000000 00000000 00000000 'k'");
    expect_alive(&fixture->serving);
    assert_int_equal(recv(client, &early, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    client_send(client, span_of(value, sizeof(value)));
    expect(fixture, client, MCBP_SET, MCBP_STATUS_TOO_LARGE);
    close(client);
    serving_stop(&fixture->serving);
}

static void a_value_of_any_length_that_is_claimed_harms_nobody(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1");
    send_notation(fixture, client,
                  "80 01 0001 08 00 0000 fffffff9 00000001 0000000000000000 00000000 00000000 'k'");
    expect_alive(&fixture->serving);
    close(client);
    expect_alive(&fixture->serving);
    serving_stop(&fixture->serving);
}

static void a_value_over_the_limit_is_swallowed_and_not_kept(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1");
    size_t before = serving_memory(&fixture->serving);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(client_set(client, "k", 16 * MIB), MCBP_STATUS_TOO_LARGE);
    }
    send_notation(fixture, client, NOOP);
    expect(fixture, client, MCBP_NOOP, MCBP_STATUS_SUCCESS);
    assert_true(serving_memory(&fixture->serving) <= before + 12 * MIB);
    close(client);
    serving_stop(&fixture->serving);
}

static void the_item_size_limit_is_an_option(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1 -I 2k");
    assert_int_equal(client_set(client, "k", 1900), MCBP_STATUS_SUCCESS);
    assert_int_equal(client_set(client, "k", 2000), MCBP_STATUS_TOO_LARGE);
    close(client);
    serving_stop(&fixture->serving);
}

/* ---------------------------------------------------------------- input in pieces */

static void any_piece_may_come_alone(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1");
    fixture->out.size = 0;
    bytes_add_notation(&fixture->out,
                       "80 01 0001 08 00 0000 0000000e 00000001 0000000000000000"
                       "00000000 00000000 'k' 'value'"
                       "80 1f 0000 00 00 0000 00000003 00000002 0000000000000000 'abc'"
                       "80 00 0001 00 00 0000 00000001 00000003 0000000000000000 'k'" NOOP);
    for (size_t i = 0; i < fixture->out.size; i++) {
        client_send(client, span_of(fixture->out.data + i, 1));
    }
    expect(fixture, client, MCBP_SET, MCBP_STATUS_SUCCESS);
    expect(fixture, client, MCBP_HELLO, MCBP_STATUS_UNKNOWN_COMMAND);
    expect(fixture, client, MCBP_GET, MCBP_STATUS_SUCCESS);
    assert_memory_equal(fixture->in.data + fixture->in.size - 5, "value", 5);
    expect(fixture, client, MCBP_NOOP, MCBP_STATUS_SUCCESS);
    close(client);
    serving_stop(&fixture->serving);
}

static void half_a_request_harms_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct linger reset = {.l_onoff = 1};
    close(start(fixture, "-t 2"));
    for (int i = 0; i < 200; i++) {
        int client = client_connect(&fixture->serving);
        send_notation(fixture, client,
                      "80 01 0001 08 00 0000 000f4240 00000001 0000000000000000 0000");
        if (i % 2 == 0) { /* as if it were killed by a crash of its machine */
            setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        }
        close(client);
    }
    expect_alive(&fixture->serving);
    serving_stop(&fixture->serving);
}

static void a_client_that_says_no_more_gets_its_answers(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1");
    assert_int_equal(client_set(client, "k", MIB / 2), MCBP_STATUS_SUCCESS);
    for (int i = 0; i < 16; i++) {
        send_notation(fixture, client,
                      "80 00 0001 00 00 0000 00000001 00000003 0000000000000000 'k'");
    }
    send_notation(fixture, client, "80 00 0001 00 00 0000 0000");
    shutdown(client, SHUT_WR);
    for (int i = 0; i < 16; i++) {
        expect(fixture, client, MCBP_GET, MCBP_STATUS_SUCCESS);
    }
    client_expect_end(client);
    serving_stop(&fixture->serving);
}

/* ---------------------------------------------------------------- clients too many, too slow */

static void a_thousand_connections_are_all_answered(void **state)
{
    enum { MANY = 1000 };
    static int clients[MANY];
    struct fixture *fixture = *state;
    close(start(fixture, "-t 4 -c 1100"));
    for (int i = 0; i < MANY; i++) {
        clients[i] = client_connect(&fixture->serving);
    }
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            send_notation(fixture, clients[i], NOOP NOOP);
        }
        for (int i = 0; i < 2 * MANY; i++) {
            expect(fixture, clients[i / 2], MCBP_NOOP, MCBP_STATUS_SUCCESS);
        }
    }
    for (int i = 0; i < MANY; i++) {
        close(clients[i]);
    }
    serving_stop(&fixture->serving);
}

static void a_connection_too_many_is_closed_and_another_accepted_later(void **state)
{
    struct fixture *fixture = *state;
    int clients[4] = {start(fixture, "-t 2 -c 4")};
    for (int i = 1; i < 4; i++) {
        clients[i] = client_connect(&fixture->serving);
    }
    client_expect_end(client_connect(&fixture->serving));
    send_notation(fixture, clients[2], "80 07 0000 00 00 0000 00000000 00000001 0000000000000000");
    expect(fixture, clients[2], MCBP_QUIT, MCBP_STATUS_SUCCESS);
    client_expect_end(clients[2]);

    struct mcbp_frame frame; /* the place is free a moment after the client's end is known */
    bool answered = false;
    for (int tries = 0; !answered && tries < 1000; tries++) {
        int client = client_connect(&fixture->serving);
        fixture->out.size = 0;
        bytes_add_notation(&fixture->out, NOOP);
        send(client, fixture->out.data, fixture->out.size, MSG_NOSIGNAL);
        answered = client_frame(client, &fixture->in, &frame);
        close(client);
    }
    assert_true(answered);
    serving_stop(&fixture->serving);
}

static void a_client_that_never_reads_stops_nobody_and_costs_little(void **state)
{
    enum { REQUESTS = 300 };
    struct fixture *fixture = *state;
    int slow = start(fixture, "-t 1");
    assert_int_equal(client_set(slow, "k", MIB / 2), MCBP_STATUS_SUCCESS);
    size_t before = serving_memory(&fixture->serving);
    for (int i = 0; i < REQUESTS; i++) {
        send_notation(fixture, slow,
                      "80 00 0001 00 00 0000 00000001 00000003 0000000000000000 'k'");
    }
    int fast = client_connect(&fixture->serving);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(client_set(fast, "other", 100), MCBP_STATUS_SUCCESS);
    }
    close(fast);
    assert_true(serving_memory(&fixture->serving) <= before + 12 * MIB);
    for (int i = 0; i < REQUESTS; i++) {
        expect(fixture, slow, MCBP_GET, MCBP_STATUS_SUCCESS);
    }
    close(slow);
    serving_stop(&fixture->serving);
}

/* Sends a byte of a request whenever a tenth of a second has passed without a word. */
static bool is_closed_while_bytes_come_singly(int client)
{
    uint8_t byte = 0x80;
    struct pollfd event = {.fd = client, .events = POLLIN};
    for (int tries = 0; tries < 50; tries++) {
        if (poll(&event, 1, 100) > 0) {
            return true;
        }
        send(client, &byte, 1, MSG_NOSIGNAL);
        byte = 0;
    }
    return false;
}

static void single_bytes_do_not_keep_a_connection_open(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1 --idle-timeout 1");
    int silent = client_connect(&fixture->serving);
    assert_true(is_closed_while_bytes_come_singly(client));
    client_expect_end(silent);
    close(client);
    expect_alive(&fixture->serving);
    serving_stop(&fixture->serving);
}

/* ---------------------------------------------------------------- memory */

static void items_make_room_for_others(void **state)
{
    struct fixture *fixture = *state;
    int client = start(fixture, "-t 1 -m 4m -I 64k");
    size_t before = serving_memory(&fixture->serving);
    char key[16];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        assert_int_equal(client_set(client, key, 10000), MCBP_STATUS_SUCCESS);
    }
    assert_true(serving_memory(&fixture->serving) <= before + 20 * MIB);
    struct request get = {.opcode = MCBP_GET, .key = span_of("key 4999", 8)};
    assert_int_equal(client_ask(client, &get, &fixture->in), MCBP_STATUS_SUCCESS);
    get.key = span_of("key 0", 5);
    assert_int_equal(client_ask(client, &get, &fixture->in), MCBP_STATUS_KEY_NOT_FOUND);
    close(client);
    serving_stop(&fixture->serving);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_magic_closes_the_connection_after_what_came_before),
        TEST(lengths_that_contradict_each_other_are_refused),
        TEST(a_value_over_the_limit_is_answered_when_it_has_come),
        TEST(a_value_of_any_length_that_is_claimed_harms_nobody),
        TEST(a_value_over_the_limit_is_swallowed_and_not_kept),
        TEST(the_item_size_limit_is_an_option),
        TEST(any_piece_may_come_alone),
        TEST(half_a_request_harms_nobody),
        TEST(a_client_that_says_no_more_gets_its_answers),
        TEST(a_thousand_connections_are_all_answered),
        TEST(a_connection_too_many_is_closed_and_another_accepted_later),
        TEST(a_client_that_never_reads_stops_nobody_and_costs_little),
        TEST(single_bytes_do_not_keep_a_connection_open),
        TEST(items_make_room_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
