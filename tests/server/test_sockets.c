/* What serve listens on: addresses of both families, UNIX sockets, TLS. */
#include "certificate.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "serving.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct serving serving;
    char folder[32];
    char path[64];
    char options[128];
    SSL_CTX *context;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    *state = fixture;
    if (fixture == NULL) {
        return -1;
    }
    strcpy(fixture->folder, "/tmp/kvreplay-test-XXXXXX");
    if (mkdtemp(fixture->folder) == NULL) {
        return -1;
    }
    snprintf(fixture->path, sizeof(fixture->path), "%s/file", fixture->folder);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    serving_kill(&fixture->serving);
    unlink(fixture->path);
    rmdir(fixture->folder);
    SSL_CTX_free(fixture->context);
    free(fixture);
    return 0;
}

/* ---------------------------------------------------------------- addresses */

static void it_listens_on_this_machine_if_nothing_else_is_said(void **state)
{
    struct fixture *fixture = *state;
    serving_start(&fixture->serving, "");
    assert_memory_equal(fixture->serving.address, "127.0.0.1:", 10);
    expect_alive(&fixture->serving);
    serving_stop(&fixture->serving);
}

static void it_listens_on_each_address_of_a_list(void **state)
{
    struct fixture *fixture = *state;
    serving_start(&fixture->serving, "-l ::1,127.0.0.1");
    char *second = strstr(fixture->serving.address, ", ");
    assert_non_null(second);
    struct serving other = fixture->serving;
    snprintf(other.address, sizeof(other.address), "%s", second + 2);
    *second = '\0';
    assert_memory_equal(fixture->serving.address, "[::1]:", 6);
    assert_memory_equal(other.address, "127.0.0.1:", 10);
    int client = client_connect(&fixture->serving);
    assert_int_equal(client_set(client, "key", 10), MCBP_STATUS_SUCCESS);
    close(client);
    expect_alive(&other);
    serving_stop(&fixture->serving);
}

static void a_unix_socket_is_the_users_and_goes_with_the_server(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    snprintf(fixture->options, sizeof(fixture->options), "-s %s", fixture->path);
    serving_start(&fixture->serving, fixture->options);
    assert_string_equal(fixture->serving.address, fixture->path);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 077, 0);
    expect_alive(&fixture->serving);
    serving_stop(&fixture->serving);
    assert_int_not_equal(stat(fixture->path, &status), 0);
}

static void a_unix_socket_left_behind_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    snprintf(fixture->options, sizeof(fixture->options), "-s %s", fixture->path);
    serving_start(&fixture->serving, fixture->options);
    serving_kill(&fixture->serving);
    serving_start(&fixture->serving, fixture->options);
    expect_alive(&fixture->serving);
    serving_stop(&fixture->serving);
}

/* ---------------------------------------------------------------- TLS */

static void start_tls(struct fixture *fixture, int version)
{
    certificate_write(fixture->path);
    snprintf(fixture->options, sizeof(fixture->options), "-t 2 --tls-cert %s", fixture->path);
    serving_start(&fixture->serving, fixture->options);
    fixture->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(fixture->context);
    SSL_CTX_set_security_level(fixture->context, 0);
    SSL_CTX_set_min_proto_version(fixture->context, version);
    SSL_CTX_set_max_proto_version(fixture->context, version);
    assert_int_equal(SSL_CTX_load_verify_file(fixture->context, fixture->path), 1);
    SSL_CTX_set_verify(fixture->context, SSL_VERIFY_PEER, NULL);
}

static SSL *connect_tls(struct fixture *fixture)
{
    SSL *tls = SSL_new(fixture->context);
    assert_non_null(tls);
    assert_int_equal(SSL_set_fd(tls, client_connect(&fixture->serving)), 1);
    return tls;
}

static void close_tls(SSL *tls)
{
    close(SSL_get_rfd(tls));
    SSL_free(tls);
}

static void receive_tls(SSL *tls, struct bytes *in, size_t size)
{
    for (size_t wanted = in->size + size; in->size < wanted;) {
        size_t got = 0;
        assert_int_equal(
            SSL_read_ex(tls, bytes_reserve(in, wanted - in->size), wanted - in->size, &got), 1);
        in->size += got;
    }
}

/* Stores a large value and asks for it in a pipeline that ends with QUIT. */
static void talk(struct fixture *fixture)
{
    enum { SIZE = 300000, REQUESTS = 40 };
    static uint8_t value[SIZE];
    size_t written;
    struct bytes out = {0}, in = {0};
    SSL *tls = connect_tls(fixture);
    assert_int_equal(SSL_connect(tls), 1);
    bytes_add_request(&out, &(struct request){.opcode = MCBP_SETQ,
                                              .extras = span_of(value, 8),
                                              .key = span_of("key", 3),
                                              .value = span_of(value, SIZE)});
    for (int i = 0; i < REQUESTS; i++) {
        bytes_add_request(&out, &(struct request){.opcode = MCBP_GET, .key = span_of("key", 3)});
    }
    bytes_add_request(&out, &(struct request){.opcode = MCBP_QUIT});
    assert_int_equal(SSL_write_ex(tls, out.data, out.size, &written), 1);
    for (int i = 0; i < REQUESTS; i++) {
        in.size = 0;
        receive_tls(tls, &in, MCBP_HEADER_SIZE + 4 + SIZE);
        assert_memory_equal(in.data + MCBP_HEADER_SIZE + 4, value, SIZE);
    }
    in.size = 0;
    receive_tls(tls, &in, MCBP_HEADER_SIZE);
    assert_int_equal(in.data[1], MCBP_QUIT);
    assert_int_equal(SSL_read_ex(tls, value, 1, &written), 0);
    assert_int_equal(SSL_get_error(tls, 0), SSL_ERROR_ZERO_RETURN); /* a proper end */
    close_tls(tls);
    bytes_free(&out);
    bytes_free(&in);
}

static void tls_1_3_is_spoken(void **state)
{
    struct fixture *fixture = *state;
    start_tls(fixture, TLS1_3_VERSION);
    talk(fixture);
    serving_stop(&fixture->serving);
}

static void tls_1_2_is_spoken(void **state)
{
    struct fixture *fixture = *state;
    start_tls(fixture, TLS1_2_VERSION);
    talk(fixture);
    serving_stop(&fixture->serving);
}

static void tls_1_1_is_not(void **state)
{
    struct fixture *fixture = *state;
    start_tls(fixture, TLS1_1_VERSION);
    SSL *tls = connect_tls(fixture);
    assert_int_not_equal(SSL_connect(tls), 1);
    close_tls(tls);
    serving_stop(&fixture->serving);
}

static void who_does_not_speak_tls_is_sent_away(void **state)
{
    struct fixture *fixture = *state;
    start_tls(fixture, TLS1_3_VERSION);
    struct bytes out = {0};
    uint8_t rest[64];
    int plain = client_connect(&fixture->serving);
    bytes_add_request(&out, &(struct request){.opcode = MCBP_NOOP});
    client_send(plain, span_of(out.data, out.size));
    while (read(plain, rest, sizeof(rest)) > 0) {
        assert_int_not_equal(rest[0], MCBP_CLIENT_RESPONSE); /* a TLS alert, at most */
    }
    close(plain);
    talk(fixture);
    bytes_free(&out);
    serving_stop(&fixture->serving);
}

static void a_client_lost_in_the_handshake_harms_nobody(void **state)
{
    struct fixture *fixture = *state;
    start_tls(fixture, TLS1_3_VERSION);
    for (int i = 0; i < 50; i++) {
        int client = client_connect(&fixture->serving);
        client_send(client, span_of("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
        close(client);
    }
    talk(fixture);
    serving_stop(&fixture->serving);
}

/* Sends the bytes, a record up to `cut` and one behind it, and the end of TLS, in one piece. */
static void send_at_once(SSL *tls, const struct bytes *out, size_t cut)
{
    BIO *records = BIO_new(BIO_s_mem());
    const char *sent;
    size_t written;
    assert_non_null(records);
    SSL_set0_wbio(tls, records);
    assert_int_equal(SSL_write_ex(tls, out->data, cut, &written), 1);
    assert_int_equal(SSL_write_ex(tls, out->data + cut, out->size - cut, &written), 1);
    assert_int_equal(SSL_shutdown(tls), 0);
    long size = BIO_get_mem_data(records, &sent);
    client_send(SSL_get_rfd(tls), span_of(sent, (size_t)size));
}

/* libevent tells of an end before it tells of bytes that it has read together with it. */
static void requests_that_come_with_the_end_of_tls_are_answered(void **state)
{
    enum { SIZE = 9000 };
    static const uint8_t value[SIZE];
    struct fixture *fixture = *state;
    start_tls(fixture, TLS1_3_VERSION);
    struct bytes out = {0}, in = {0};
    bytes_add_request(&out, &(struct request){.opcode = MCBP_SET,
                                              .extras = span_of(value, 8),
                                              .key = span_of("key", 3),
                                              .value = span_of(value, SIZE)});
    bytes_add_request(&out, &(struct request){.opcode = MCBP_GET, .key = span_of("key", 3)});
    for (size_t cut = 500; cut < out.size; cut += 500) {
        SSL *tls = connect_tls(fixture);
        assert_int_equal(SSL_connect(tls), 1);
        send_at_once(tls, &out, cut);
        in.size = 0;
        receive_tls(tls, &in, MCBP_HEADER_SIZE + MCBP_HEADER_SIZE + 4 + SIZE);
        assert_int_equal(in.data[1], MCBP_SET);
        assert_int_equal(in.data[MCBP_HEADER_SIZE + 1], MCBP_GET);
        close_tls(tls);
    }
    bytes_free(&out);
    bytes_free(&in);
    serving_stop(&fixture->serving);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_listens_on_this_machine_if_nothing_else_is_said),
        TEST(it_listens_on_each_address_of_a_list),
        TEST(a_unix_socket_is_the_users_and_goes_with_the_server),
        TEST(a_unix_socket_left_behind_is_replaced),
        TEST(tls_1_3_is_spoken),
        TEST(tls_1_2_is_spoken),
        TEST(tls_1_1_is_not),
        TEST(who_does_not_speak_tls_is_sent_away),
        TEST(a_client_lost_in_the_handshake_harms_nobody),
        TEST(requests_that_come_with_the_end_of_tls_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
