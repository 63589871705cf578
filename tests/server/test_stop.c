/* SIGTERM and SIGINT: answers to what was read arrive, whole and in order, and it ends soon. */
#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "serving.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { CLIENTS = 8, PIPELINE = 64, VALUE = 3000, UNDER_LOAD = 20000 };

struct client {
    struct serving *serving;
    pthread_t thread;
    int socket;
    bool whole; /* all answers were right, and the end was between two of them */
};

static atomic_uint answered; /* over all clients */

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct serving));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    serving_kill(*state);
    free(*state);
    return 0;
}

/* ---------------------------------------------------------------- under load */

static void add_gets(struct bytes *out, uint32_t *opaque)
{
    out->size = 0;
    for (int i = 0; i < PIPELINE; i++) {
        bytes_add_request(out, &(struct request){.opcode = MCBP_GETK,
                                                 .opaque = (*opaque)++,
                                                 .key = span_of("key", 3)});
    }
}

/* Takes whole answers off `in`. False: one of them is wrong. */
static bool check(struct bytes *in, uint32_t *opaque)
{
    struct span rest = span_of(in->data, in->size);
    struct mcbp_frame frame;
    while (mcbp_frame_parse(rest, &frame) == MCBP_FRAME) {
        if (frame.header.opaque != (*opaque)++ || frame.value.size != VALUE ||
            frame.value.data[VALUE - 1] != 'a' + (VALUE - 1) % 26) {
            return false;
        }
        rest = span_skip(rest, frame.bytes.size);
        atomic_fetch_add(&answered, 1);
    }
    memmove(in->data, rest.data, rest.size);
    in->size = rest.size;
    return true;
}

/* Asks as long as anybody answers, a pipeline at a time. */
static void *ask_on_and_on(void *context)
{
    enum { ROOM = 1 << 16 };
    struct client *client = context;
    struct bytes out = {0}, in = {0};
    uint32_t asked = 0, expected = 0;
    ssize_t got = 1;
    bool right = true;
    while (got > 0 && right) {
        add_gets(&out, &asked);
        if (send(client->socket, out.data, out.size, MSG_NOSIGNAL) != (ssize_t)out.size) {
            asked = UINT32_MAX; /* what is on its way still comes */
        }
        while (right && expected != asked &&
               (got = recv(client->socket, bytes_reserve(&in, ROOM), ROOM, 0)) > 0) {
            in.size += (size_t)got;
            right = check(&in, &expected);
        }
    }
    client->whole = right && in.size == 0;
    bytes_free(&out);
    bytes_free(&in);
    return NULL;
}

static void under_load_every_answer_is_whole_and_none_is_left_out(void **state)
{
    struct serving *serving = *state;
    struct client clients[CLIENTS];
    serving_start(serving, "-t 2");
    int first = client_connect(serving);
    assert_int_equal(client_set(first, "key", VALUE), MCBP_STATUS_SUCCESS);
    atomic_store(&answered, 0);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.serving = serving, .socket = client_connect(serving)};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_on_and_on, &clients[i]), 0);
    }
    while (atomic_load(&answered) < UNDER_LOAD) {
        sched_yield();
    }
    serving_stop(serving);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        close(clients[i].socket);
        assert_true(clients[i].whole);
    }
    client_expect_end(first);
}

/* ---------------------------------------------------------------- slow and idle clients */

static void what_waits_to_be_sent_is_sent(void **state)
{
    enum { SIZE = 1000000, REQUESTS = 3 };
    struct serving *serving = *state;
    struct bytes out = {0}, in = {0};
    struct mcbp_frame frame;
    serving_start(serving, "-t 1");
    int client = client_connect(serving);
    assert_int_equal(client_set(client, "key", SIZE), MCBP_STATUS_SUCCESS);
    for (int i = 0; i < REQUESTS; i++) {
        bytes_add_request(&out, &(struct request){.opcode = MCBP_GET, .key = span_of("key", 3)});
    }
    client_send(client, span_of(out.data, out.size));
    client_receive(client, &in, 1); /* it has been asked */
    assert_int_equal(kill(serving->pid, SIGTERM), 0);
    client_receive(client, &in, MCBP_HEADER_SIZE + 4 + SIZE - 1);
    while (client_frame(client, &in, &frame)) {
        assert_int_equal(frame.value.size, SIZE);
    }
    close(client);
    int status;
    assert_int_equal(waitpid(serving->pid, &status, 0), serving->pid);
    serving->pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    bytes_free(&out);
    bytes_free(&in);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void idle_clients_are_not_waited_for(void **state)
{
    struct serving *serving = *state;
    serving_start(serving, "-t 4");
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(serving);
        assert_int_equal(client_set(clients[i], "key", 10), MCBP_STATUS_SUCCESS);
    }
    double start = seconds();
    serving_stop(serving);
    assert_true(seconds() - start < 4);
    for (int i = 0; i < CLIENTS; i++) {
        client_expect_end(clients[i]);
    }
}

static void a_second_signal_leaves_clients_that_do_not_read(void **state)
{
    struct serving *serving = *state;
    struct bytes out = {0}, in = {0};
    serving_start(serving, "-t 1");
    int client = client_connect(serving);
    assert_int_equal(client_set(client, "key", 1000000), MCBP_STATUS_SUCCESS);
    for (int i = 0; i < 100; i++) {
        bytes_add_request(&out, &(struct request){.opcode = MCBP_GET, .key = span_of("key", 3)});
    }
    client_send(client, span_of(out.data, out.size));
    client_receive(client, &in, 1);
    double start = seconds();
    assert_int_equal(kill(serving->pid, SIGINT), 0);
    for (int other; (other = client_try_to_connect(serving)) >= 0;) {
        close(other); /* as long as the first signal has had no effect */
    }
    serving_stop(serving);
    assert_true(seconds() - start < 4);
    close(client);
    bytes_free(&out);
    bytes_free(&in);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(under_load_every_answer_is_whole_and_none_is_left_out),
        TEST(what_waits_to_be_sent_is_sent),
        TEST(idle_clients_are_not_waited_for),
        TEST(a_second_signal_leaves_clients_that_do_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
