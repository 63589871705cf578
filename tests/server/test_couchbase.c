/* Couchbase's dialect over sockets: requests in pieces, too long ones, and many at once. */
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "serving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* HELLO for TRACING and XERROR, SASL_AUTH, SELECT_BUCKET. */
#define HELLO  "80 1f 0000 00 00 0000 00000004 00000001 0000000000000000 000f 0007"
#define AUTH   "80 21 0005 00 00 0000 00000006 00000002 0000000000000000 'PLAIN' 00"
#define BUCKET "80 89 0007 00 00 0000 00000007 00000003 0000000000000000 'default'"
#define SET                                                                                        \
    "08 01 02 01 08 00 0001 0000000e 00000004 0000000000000000 11 01 0000000000000000 'k' 'abc'"
#define GET "80 00 0001 00 00 0001 00000001 00000005 0000000000000000 'k'"

struct fixture {
    struct serving serving;
    struct bytes out, in;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    *state = fixture;
    if (fixture != NULL) {
        serving_start(&fixture->serving, "--dialect couchbase --vbuckets 2");
    }
    return fixture == NULL ? -1 : 0;
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

static struct span notation(struct fixture *fixture, const char *text)
{
    fixture->out.size = 0;
    bytes_add_notation(&fixture->out, text);
    return span_of(fixture->out.data, fixture->out.size);
}

static void expect(struct fixture *fixture, int client, uint8_t opcode, const char *value)
{
    struct mcbp_frame frame;
    assert_true(client_frame(client, &fixture->in, &frame));
    assert_int_equal(frame.header.magic, MCBP_FLEX_CLIENT_RESPONSE);
    assert_int_equal(frame.header.opcode, opcode);
    assert_int_equal(frame.header.vbucket_or_status, MCBP_STATUS_SUCCESS);
    assert_int_equal(frame.framing_extras.size, 3);
    if (value != NULL) {
        assert_true(span_equal(frame.value, span_of(value, strlen(value))));
    }
}

static void expect_all(struct fixture *fixture, int client)
{
    expect(fixture, client, MCBP_HELLO, NULL);
    expect(fixture, client, MCBP_SASL_AUTH, "");
    expect(fixture, client, MCBP_SELECT_BUCKET, "");
    expect(fixture, client, MCBP_SET, "");
    expect(fixture, client, MCBP_GET, "abc");
}

static void requests_are_answered_wherever_they_are_cut(void **state)
{
    struct fixture *fixture = *state;
    struct span bytes = notation(fixture, HELLO AUTH BUCKET SET GET);
    for (size_t cut = 1; cut < bytes.size; cut++) {
        int client = client_connect(&fixture->serving);
        client_send(client, span_head(bytes, cut));
        client_send(client, span_skip(bytes, cut));
        expect_all(fixture, client);
        close(client);
    }
    serving_stop(&fixture->serving);
}

static void a_body_that_is_too_long_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;
    int client = client_connect(&fixture->serving);
    client_send(client,
                notation(fixture, "80 1f 0000 00 00 0000 00004001 00000001 0000000000000000"));
    client_expect_end(client);
    client = client_connect(&fixture->serving);
    client_send(client, notation(fixture, HELLO AUTH BUCKET SET GET
                                 "80 01 0001 08 00 0000 01e00001 00000001 0000000000000000"));
    expect_all(fixture, client);
    client_expect_end(client);
    serving_stop(&fixture->serving);
}

static void what_is_no_request_ends_the_connection(void **state)
{
    static const char *const wrong[] = {
        "'get key\r\n'", "81 00 0000 00 00 0000 00000000 00000001 0000000000000000",
        "80 00 0009 00 00 0000 00000001 00000001 0000000000000000 'k'"};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int client = client_connect(&fixture->serving);
        client_send(client, notation(fixture, wrong[i]));
        client_expect_end(client);
    }
    serving_stop(&fixture->serving);
}

#define SET_OF_MANY(size)                                                                          \
    "80 01 0001 08 00 0000 " size " 00000006 0000000000000000 00000000 00000000 'x'"

static uint16_t status_of_set(struct fixture *fixture, int client)
{
    struct mcbp_frame frame;
    assert_true(client_frame(client, &fixture->in, &frame));
    assert_int_equal(frame.header.magic, MCBP_FLEX_CLIENT_RESPONSE);
    assert_int_equal(frame.header.opcode, MCBP_SET);
    assert_int_equal(frame.header.opaque, 6);
    return frame.header.vbucket_or_status;
}

static void a_request_that_does_not_fit_is_refused_and_swallowed(void **state)
{
    enum { LARGE = 1100 << 10, SMALL = 100 << 10 }; /* the server reads 64 KiB at a time */
    static uint8_t value[LARGE];
    struct fixture *fixture = *state;
    serving_stop(&fixture->serving);
    serving_start(&fixture->serving, "--dialect couchbase --vbuckets 2 -m 2m");
    int large = client_connect(&fixture->serving);
    int small = client_connect(&fixture->serving);
    client_send(large, notation(fixture, HELLO AUTH BUCKET SET GET SET_OF_MANY("00200009")));
    client_send(large, span_of(value, LARGE));
    client_send(small, notation(fixture, HELLO AUTH BUCKET SET GET));
    expect_all(fixture, small);
    uint16_t status = MCBP_STATUS_SUCCESS; /* until half of what the large one sends has come */
    for (int tries = 0; tries < 1000 && status == MCBP_STATUS_SUCCESS; tries++) {
        client_send(small, notation(fixture, SET_OF_MANY("00019009")));
        client_send(small, span_of(value, SMALL));
        status = status_of_set(fixture, small);
    }
    assert_int_equal(status, MCBP_STATUS_NO_MEMORY);
    client_send(small, notation(fixture, GET));
    expect(fixture, small, MCBP_GET, "abc");
    close(small);
    close(large);
    serving_stop(&fixture->serving);
}

/* HELLO for XERROR, DUPLEX and CLUSTERMAP_CHANGE_NOTIFICATION. */
#define HELLO_NOTIFIED "80 1f 0000 00 00 0000 00000006 00000001 0000000000000000 0007 000c 000d"
#define SET_MANIFEST                                                                               \
    "80 b9 0000 00 00 0000 0000005b 00000006 0000000000000000"                                     \
    "'{\"uid\":\"2\",\"scopes\":[{\"name\":\"_default\",\"uid\":\"0\",\"collections\":'"           \
    "'[{\"name\":\"a\",\"uid\":\"8\"}]}]}'"
#define NOOP "80 0a 0000 00 00 0000 00000000 00000007 0000000000000000"

static struct mcbp_frame next_frame(struct fixture *fixture, int client, uint8_t magic,
                                    uint8_t opcode)
{
    struct mcbp_frame frame;
    assert_true(client_frame(client, &fixture->in, &frame));
    assert_int_equal(frame.header.magic, magic);
    assert_int_equal(frame.header.opcode, opcode);
    assert_int_equal(frame.header.vbucket_or_status, MCBP_STATUS_SUCCESS);
    return frame;
}

static int log_in(struct fixture *fixture)
{
    int client = client_connect(&fixture->serving);
    client_send(client, notation(fixture, HELLO_NOTIFIED AUTH BUCKET));
    next_frame(fixture, client, MCBP_CLIENT_RESPONSE, MCBP_HELLO);
    next_frame(fixture, client, MCBP_CLIENT_RESPONSE, MCBP_SASL_AUTH);
    next_frame(fixture, client, MCBP_CLIENT_RESPONSE, MCBP_SELECT_BUCKET);
    return client;
}

static void all_clients_are_told_of_a_new_manifest_once(void **state)
{
    enum { CLIENTS = 6 }; /* more than workers */
    struct fixture *fixture = *state;
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = log_in(fixture);
    }
    client_send(clients[0], notation(fixture, SET_MANIFEST));
    next_frame(fixture, clients[0], MCBP_CLIENT_RESPONSE, MCBP_COLLECTIONS_SET_MANIFEST);
    for (int i = 0; i < CLIENTS; i++) {
        struct mcbp_frame told = next_frame(fixture, clients[i], MCBP_SERVER_REQUEST,
                                            MCBP_CLUSTERMAP_CHANGE_NOTIFICATION);
        assert_true(span_equal(told.key, span_of("default", 7)));
        assert_non_null(memmem(told.value.data, told.value.size, "\"rev\":2,", 8));
        client_send(clients[i], notation(fixture, NOOP));
        next_frame(fixture, clients[i], MCBP_CLIENT_RESPONSE, MCBP_NOOP);
        close(clients[i]);
    }
    serving_stop(&fixture->serving);
}

static void statistics_have_as_many_rows_as_it_takes(void **state)
{
    enum { VBUCKETS = 1024 };
    struct fixture *fixture = *state;
    serving_stop(&fixture->serving);
    serving_start(&fixture->serving, "--dialect couchbase --vbuckets 1024");
    int client = log_in(fixture);
    client_send(client, notation(fixture, "80 10 0007 00 00 0000 00000007 00000008 0000000000000000"
                                          "'vbucket'" NOOP));
    for (int i = 0; i < VBUCKETS; i++) {
        struct mcbp_frame row = next_frame(fixture, client, MCBP_CLIENT_RESPONSE, MCBP_STAT);
        assert_true(span_equal(row.value, span_of("active", 6)));
    }
    assert_int_equal(next_frame(fixture, client, MCBP_CLIENT_RESPONSE, MCBP_STAT).key.size, 0);
    next_frame(fixture, client, MCBP_CLIENT_RESPONSE, MCBP_NOOP);
    close(client);
    serving_stop(&fixture->serving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_answered_wherever_they_are_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_body_that_is_too_long_ends_the_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_request_that_does_not_fit_is_refused_and_swallowed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_clients_are_told_of_a_new_manifest_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(statistics_have_as_many_rows_as_it_takes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_request_ends_the_connection, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
