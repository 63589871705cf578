/*
 * Where memcached's clock is the subject: the server itself, waited for, beside an engine that is
 * told the time which the server's answers show. The waits are for whole seconds of its clock.
 */
#include "base/endian.h"
#include "engine/asking.h"
#include "engine/memcached.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct clocked {
    struct memcached server;
    int socket;
    struct asking *asking;
    struct bytes out;
    struct bytes in;
    uint32_t opaque;
};

static int set_up(void **state)
{
    struct clocked *clocked = calloc(1, sizeof(*clocked));
    if (clocked == NULL || asking_begin((void **)&clocked->asking) != 0) {
        return -1;
    }
    memcached_start(&clocked->server, "1m", "no_lru_maintainer,no_lru_crawler");
    clocked->socket = memcached_connect(&clocked->server);
    *state = clocked;
    return 0;
}

static int tear_down(void **state)
{
    struct clocked *clocked = *state;
    close(clocked->socket);
    memcached_stop(&clocked->server);
    asking_end((void **)&clocked->asking);
    bytes_free(&clocked->out);
    bytes_free(&clocked->in);
    free(clocked);
    return 0;
}

/* Sends the requests and a NOOP in one piece, and leaves the answers in clocked->in. */
static void ask_server(struct clocked *clocked, const char *requests)
{
    clocked->out.size = clocked->in.size = 0;
    bytes_add_notation(&clocked->out, requests);
    struct request noop = {.opcode = MCBP_NOOP, .opaque = ++clocked->opaque | 0x80000000};
    bytes_add_request(&clocked->out, &noop);
    assert_true(memcached_exchange(clocked->socket, span_of(clocked->out.data, clocked->out.size),
                                   &clocked->in, noop.opaque));
}

/* The server's clock, from its own statistics. */
static int64_t server_time(struct clocked *clocked)
{
    ask_server(clocked, "80 10 0000 00 00 0000 00000000 00000001 0000000000000000");
    struct span rest = span_of(clocked->in.data, clocked->in.size);
    struct mcbp_frame row;
    while (mcbp_frame_parse(rest, &row) == MCBP_FRAME) {
        if (span_equal(row.key, span_of("time", 4))) {
            char text[24] = {0};
            memcpy(text, row.value.data, row.value.size < 23 ? row.value.size : 23);
            return strtoll(text, NULL, 10);
        }
        rest = span_skip(rest, row.bytes.size);
    }
    fail_msg("no time in memcached's statistics");
    return 0;
}

/* Waits until the server's clock has moved on, so that the rest of that second is to come. */
static int64_t next_second(struct clocked *clocked)
{
    int64_t before = server_time(clocked);
    for (;;) {
        int64_t now = server_time(clocked);
        if (now != before) {
            return clocked->asking->now = now;
        }
        poll(NULL, 0, 5);
    }
}

/* The same to both within the current second; the first answers have the same status. */
static void ask_both(struct clocked *clocked, const char *request)
{
    ask_server(clocked, request);
    tell(clocked->asking, request);
    assert_true(clocked->in.size >= MCBP_HEADER_SIZE);
    assert_int_equal(read_be16(clocked->in.data + 6), clocked->asking->answer.responses[0].status);
}

#define SET_K(exptime)                                                                             \
    "80 01 0001 08 00 0000 0000000a 00000001 0000000000000000 00000000" exptime "'k' 'v'"
#define GET_K             "80 00 0001 00 00 0000 00000001 00000001 0000000000000000 'k'"
#define FLUSH_IN(seconds) "80 08 0000 04 00 0000 00000004 00000001 0000000000000000" seconds

static void an_item_for_one_second_lives_until_the_server_s_clock_moves_on(void **state)
{
    struct clocked *clocked = *state;
    next_second(clocked);
    ask_both(clocked, SET_K("00000001"));
    ask_both(clocked, GET_K);
    assert_int_equal(clocked->asking->answer.responses[0].status, MCBP_STATUS_SUCCESS);
    next_second(clocked);
    ask_both(clocked, GET_K);
    assert_int_equal(clocked->asking->answer.responses[0].status, MCBP_STATUS_KEY_NOT_FOUND);
}

static void a_flush_in_one_second_takes_all_of_the_present_second(void **state)
{
    struct clocked *clocked = *state;
    next_second(clocked);
    ask_both(clocked, SET_K("00000000"));
    ask_both(clocked, FLUSH_IN("00000001"));
    ask_both(clocked, GET_K);
    ask_both(clocked, SET_K("00000000"));
    ask_both(clocked, GET_K);
    assert_int_equal(clocked->asking->answer.responses[0].status, MCBP_STATUS_KEY_NOT_FOUND);
    next_second(clocked);
    ask_both(clocked, SET_K("00000000"));
    ask_both(clocked, GET_K);
    assert_int_equal(clocked->asking->answer.responses[0].status, MCBP_STATUS_SUCCESS);
}

static void a_flush_in_two_seconds_comes_after_one(void **state)
{
    struct clocked *clocked = *state;
    next_second(clocked);
    ask_both(clocked, SET_K("00000000"));
    ask_both(clocked, FLUSH_IN("00000002"));
    ask_both(clocked, GET_K);
    assert_int_equal(clocked->asking->answer.responses[0].status, MCBP_STATUS_SUCCESS);
    next_second(clocked);
    ask_both(clocked, GET_K);
    ask_both(clocked, SET_K("00000000"));
    ask_both(clocked, GET_K);
    assert_int_equal(clocked->asking->answer.responses[0].status, MCBP_STATUS_KEY_NOT_FOUND);
}

static void a_later_flush_brings_back_what_nobody_has_looked_at(void **state)
{
    struct clocked *clocked = *state;
    if (memcached_release() > MEMCACHED_DEBIAN_12) {
        print_message("this memcached flushes at once\n");
        skip();
    }
    ask_both(clocked, SET_K("00000000"));
    ask_both(clocked, FLUSH_IN("00000000"));
    ask_both(clocked, FLUSH_IN("00000064"));
    ask_both(clocked, GET_K);
    assert_int_equal(clocked->asking->answer.responses[0].status, MCBP_STATUS_SUCCESS);
}

#define SET_K_10                                                                                   \
    "80 01 0001 08 00 0000 0000000b 00000001 0000000000000000 00000000 00000000 'k' '10'"
#define GETQ_K "80 09 0001 00 00 0000 00000001 00000001 0000000000000000 'k'"
#define DECREMENTQ_K                                                                               \
    "80 16 0001 14 00 0000 00000015 00000001 0000000000000000"                                     \
    "0000000000000001 0000000000000000 00000000 'k'"

/* The length of k's value, which the last answer but the NOOP's has. */
static uint32_t length_after(struct clocked *clocked, const char *requests)
{
    ask_server(clocked, SET_K_10);
    ask_server(clocked, requests);
    ask_server(clocked, GET_K);
    return read_be32(clocked->in.data + 8) - 4;
}

static void a_number_counted_down_is_padded_unless_an_answer_with_it_is_waiting(void **state)
{
    assert_int_equal(length_after(*state, DECREMENTQ_K), 2);
    assert_int_equal(length_after(*state, GETQ_K DECREMENTQ_K), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_item_for_one_second_lives_until_the_server_s_clock_moves_on),
        TEST(a_flush_in_one_second_takes_all_of_the_present_second),
        TEST(a_flush_in_two_seconds_comes_after_one),
        TEST(a_later_flush_brings_back_what_nobody_has_looked_at),
        TEST(a_number_counted_down_is_padded_unless_an_answer_with_it_is_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
