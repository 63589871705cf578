/* What a client does first, and what it may do by then. */
#include "base/endian.h"
#include "client.h"
#include "sasl/users.h"

#include <string.h>

static void before_it_has_authenticated_a_client_may_do_little(void **state)
{
    struct client *client = *state;
    static const char xerror[] = {0, MCBP_FEATURE_XERROR};
    ask(client, HELLO, .value = xerror, .value_size = 2);
    has_status(ask(client, NOOP, 0), NO_ACCESS);
    has_status(ask(client, GET, .key = "k"), NO_ACCESS);
    has_status(ask(client, SASL_LIST_MECHS, 0), SUCCESS);
    has_status(ask(client, GET_ERROR_MAP, .value = "\0\2", .value_size = 2), SUCCESS);
    assert_int_equal(couchbase_session_frame_max(client->session), COUCHBASE_UNKNOWN_FRAME_MAX);
}

static void without_extended_errors_it_is_cut_off_for_want_of_a_bucket(void **state)
{
    struct client *client = *state;
    has_status(ask(client, NOOP, 0), NO_ACCESS);
    log_in(client, MCBP_FEATURE_JSON);
    ask(client, SELECT_BUCKET, .key = "@no bucket@");
    assert_null(ask(client, GET, .key = "k"));
    assert_true(client->answer.close);
}

static void says(const struct kvr_response *response, const char *context)
{
    has_status(response, INVALID_ARGUMENTS);
    assert_non_null(memmem(response->value, response->value_size, context, strlen(context)));
}

static void what_is_wrong_with_a_request_is_said_in_the_servers_words(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_COLLECTIONS);
    says(ask(client, GET, .key = "\0k", .key_size = 2, .datatype = 8, .cas = 1),
         "\"Request datatype invalid\"");
    says(ask(client, GET, .extras = "x", .extras_size = 1, .cas = 1),
         "\"Request must not include extras\"");
    says(ask(client, TOUCH, .key = "\0k", .key_size = 2),
         "\"Request must include extras of length 4\"");
    says(ask(client, GET, .value = "x", .cas = 1), "\"Request must include key\"");
    says(ask(client, GET, .key = "\0k", .key_size = 2, .value = "x", .cas = 1),
         "\"Request must not include value\"");
    says(ask(client, GET, .key = "\0k", .key_size = 2, .cas = 1),
         "\"Request CAS must not be set\"");
    says(ask(client, UNLOCK_KEY, .key = "\0k", .key_size = 2), "\"Request CAS must be set\"");
    says(ask(client, GET, .key = "k"), "\"Key length must be >= 2\"");
    says(ask(client, GET, .key = "\x80\x80", .key_size = 2), "\"No stop-byte found\"");
    says(ask(client, GET, .key = "\x89\0k", .key_size = 3),
         "\"Key contains non-canonical leb128\"");
    says(ask(client, GET, .key = "\x88\1", .key_size = 2), "\"No logical key found\"");
    says(ask(client, GET, .key = "\1k", .key_size = 2), "\"Invalid collection-id:1\"");
    says(ask(client, SET, .extras = "\0\0\0\0\0\0\0", .extras_size = 8, .key = "\0k", .key_size = 2,
             .datatype = MCBP_DATATYPE_JSON),
         "\"Datatype (json) not enabled for the connection\"");
}

static void quiet_changes_are_not_durable(void **state)
{
    struct client *client = *state;
    static const uint8_t extras[8];
    log_in(client, MCBP_FEATURE_XERROR);
    says(ask(client, SETQ, .framing = "\x11\x01", .framing_size = 2, .extras = extras,
             .extras_size = 8, .key = "k"),
         "does not support durability requirements");
    has_status(ask(client, TOUCH, .framing = "\x11\x01", .framing_size = 2, .extras = extras,
                   .extras_size = 4, .key = "k"),
               NOT_SUPPORTED);
}

static void documents_need_a_bucket(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(ask(client, SELECT_BUCKET, .key = "@no bucket@"), SUCCESS);
    has_status(ask(client, GET, .key = "k"), NO_BUCKET);
    has_status(ask(client, SELECT_BUCKET, .key = "another"), KEY_NOT_FOUND);
    has_status(ask(client, SELECT_BUCKET, .key = "default", .cas = 1), SUCCESS);
    has_status(ask(client, GET, .key = "k"), KEY_NOT_FOUND);
}

static void hello_grants_what_the_server_can_do_in_ascending_order(void **state)
{
    struct client *client = *state;
    static const char asked[] = {0, 0x12, 0, 0x04, 0, 0x12, 0x7f, 0x7f, 0, 0x0b};
    static const char granted[] = {0, 0x04, 0, 0x0b, 0, 0x12};
    const struct kvr_response *response =
        ask(client, HELLO, .key = "agent", .value = asked, .value_size = sizeof(asked));
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, sizeof(granted));
    assert_memory_equal(response->value, granted, sizeof(granted));
}

static void an_odd_list_of_features_is_refused_and_changes_nothing(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_TRACING);
    has_status(ask(client, HELLO, .value = "\0\4\0", .value_size = 3), INVALID_ARGUMENTS);
    assert_int_equal(ask(client, NOOP, 0)->magic, MCBP_FLEX_CLIENT_RESPONSE);
    has_status(ask(client, HELLO, 0), SUCCESS);
    assert_int_equal(ask(client, NOOP, 0)->magic, MCBP_CLIENT_RESPONSE);
}

static void with_tracing_all_answers_have_a_duration_but_statistics(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_TRACING);
    const struct kvr_response *response = ask(client, GET, .key = "missing");
    assert_int_equal(response->magic, MCBP_FLEX_CLIENT_RESPONSE);
    assert_int_equal(response->framing_extras_size, 3);
    assert_int_equal(((const uint8_t *)response->framing_extras)[0], 0x02);
    response = ask(client, STAT, .key = "vbucket");
    assert_int_equal(response->magic, MCBP_CLIENT_RESPONSE);
    assert_int_equal(response->framing_extras_size, 0);
}

static void a_duration_is_the_one_that_was_measured(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_TRACING);
    const struct kvr_response *response = ask(client, GET, .key = "missing");
    assert_memory_equal(response->framing_extras, "\x02\0\0", 3);
    couchbase_set_duration(client->node, 1000);
    assert_memory_equal(response->framing_extras, "\x02\0\x4f", 3);
    response = ask(client, GET, .key = "missing");
    assert_memory_equal(response->framing_extras, "\x02\0\0", 3);
}

static void streams_of_changes_are_for_the_privileged(void **state)
{
    struct client *client = *state;
    static const uint8_t producer[8] = {[7] = 1};
    static const uint8_t consumer[8];
    log_in(client, MCBP_FEATURE_XERROR);
    const struct kvr_response *response =
        ask(client, DCP_OPEN, .key = "name", .extras = producer, .extras_size = 8);
    has_status(response, NO_ACCESS);
    static const char why[] = "{\"error\":{\"context\":\"Authorization failure: can't execute "
                              "DCP_OPEN operation without the DcpProducer privilege\"}}";
    assert_int_equal(response->value_size, sizeof(why) - 1);
    assert_memory_equal(response->value, why, sizeof(why) - 1);
    response = ask(client, DCP_OPEN, .key = "name", .extras = consumer, .extras_size = 8);
    has_status(response, NO_ACCESS);
    assert_non_null(memmem(response->value, response->value_size, "DcpConsumer", 11));
    response = ask(client, DCP_STREAM_END, .extras = "\0\0\0\0", .extras_size = 4);
    has_status(response, NO_ACCESS);
    assert_non_null(memmem(response->value, response->value_size, "DcpConsumer", 11));
    has_status(ask(client, DCP_NOOP, 0), NO_ACCESS);
    has_status(ask(client, DCP_OPEN, .key = "name"), INVALID_ARGUMENTS);
    has_status(ask(client, DCP_FLUSH, 0), NOT_SUPPORTED);
}

static void commands_that_nobody_has_are_unknown_and_retired_ones_not_supported(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(client_ask(client, 0xee, &(struct asked){0}), UNKNOWN_COMMAND);
    has_status(ask(client, FLUSH, 0), NOT_SUPPORTED);
}

static void the_configuration_names_the_port_and_is_empty_to_those_who_know_it(void **state)
{
    struct client *client = *state;
    uint8_t known[16] = {0};
    log_in(client, MCBP_FEATURE_JSON);
    const struct kvr_response *response = ask(client, GET_CLUSTER_CONFIG, 0);
    has_status(response, SUCCESS);
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON);
    assert_non_null(memmem(response->value, response->value_size, "$HOST:11210", 11));
    assert_non_null(memmem(response->value, response->value_size, "[[0],[0],[0],[0]]", 17));
    write_be64(known, 1);
    write_be64(known + 8, 1);
    response = ask(client, GET_CLUSTER_CONFIG, .extras = known, .extras_size = 16);
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, 0);
}

static void quit_is_answered_and_ends_the_connection(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(ask(client, QUIT, 0), SUCCESS);
    assert_true(client->answer.close);
    assert_null(ask(client, QUITQ, 0));
    assert_true(client->answer.close);
}

static void frame_infos_are_checked_before_they_are_used(void **state)
{
    struct client *client = *state;
    static const uint8_t extras[8];
    log_in(client, MCBP_FEATURE_XERROR);
#define SET_WITH(text)                                                                             \
    ask(client, SET, .framing = (text), .framing_size = sizeof(text) - 1, .extras = extras,        \
        .extras_size = 8, .key = "k")
    has_status(SET_WITH("\x11\x01"), SUCCESS);
    has_status(SET_WITH("\x13\x03\x08\xca"), SUCCESS);
    has_status(SET_WITH("\x11\x04"), DURABILITY_INVALID_LEVEL);
    has_status(SET_WITH("\x13\x01\x00\x00"), DURABILITY_INVALID_LEVEL);
    has_status(SET_WITH("\x13\x01\xff\xff"), DURABILITY_INVALID_LEVEL);
    has_status(SET_WITH("\x12\x01\x01"), INVALID_ARGUMENTS);
    has_status(SET_WITH("\x13\x01"), INVALID_ARGUMENTS);
    has_status(SET_WITH("\x51\x01"), INVALID_ARGUMENTS);
    has_status(SET_WITH("\x50"), SUCCESS);
    has_status(SET_WITH("\xe0"), UNKNOWN_FRAME_INFO);
    has_status(ask(client, GET, .framing = "\x11\x01", .framing_size = 2, .key = "k"),
               INVALID_ARGUMENTS);
    has_status(ask(client, GET, .framing = "\x50", .framing_size = 1, .key = "k"), NOT_SUPPORTED);
#undef SET_WITH
}

/* PLAIN shows the message as it is; SCRAM's exchanges have tests of their own (tests/sasl). */
static void only_users_with_their_passwords_log_in_where_there_are_some(void **state)
{
    struct client *client = *state;
    static const char right[] = "\0ann\0secret";
    struct sasl_users *users = sasl_users_create();
    assert_int_equal(sasl_users_add(users, span_of("ann:secret", 10)), SASL_USERS_OK);
    assert_int_equal(sasl_users_add(users, span_of("@admin:secret", 13)), SASL_USERS_OK);
    const struct couchbase_options options = {.bucket = "default", .vbuckets = 1, .users = users};
    struct client guarded = {.node = couchbase_node_create(&options), .now = client->now};
    guarded.session = couchbase_session_create(guarded.node);
    ask(&guarded, HELLO, .value = "\0\7", .value_size = 2);
    has_status(ask(&guarded, SASL_AUTH, .key = "PLAIN", .value = "\0ann\0Secret", .value_size = 11),
               AUTH_ERROR);
    has_status(ask(&guarded, SASL_AUTH, .key = "NONE", .value = "x"), AUTH_ERROR);
    has_status(ask(&guarded, SASL_STEP, .key = "PLAIN", .value = "x"), INVALID_ARGUMENTS);
    has_status(ask(&guarded, NOOP, 0), NO_ACCESS);
    has_status(ask(&guarded, SASL_AUTH, .key = "SCRAM-SHA256", .value = "n,,n=ann,r=abc"),
               AUTH_CONTINUE);
    has_status(ask(&guarded, NOOP, 0), NO_ACCESS);
    has_status(ask(&guarded, SASL_STEP, .key = "SCRAM-SHA256", .value = "c=biws"),
               INVALID_ARGUMENTS);
    has_status(ask(&guarded, SASL_AUTH, .key = "PLAIN", .value = right, .value_size = 11), SUCCESS);
    has_status(ask(&guarded, NOOP, 0), SUCCESS);
    has_status(ask(&guarded, SELECT_BUCKET, .key = "another"), NO_ACCESS);
    has_status(ask(&guarded, SELECT_BUCKET, .key = "default"), SUCCESS);
    has_status(ask(&guarded, COLLECTIONS_SET_MANIFEST, .value = "{}"), NO_ACCESS);
    has_status(
        ask(&guarded, SASL_AUTH, .key = "PLAIN", .value = "\0@admin\0secret", .value_size = 14),
        SUCCESS);
    has_status(ask(&guarded, SELECT_BUCKET, .key = "default"), SUCCESS);
    has_status(ask(&guarded, COLLECTIONS_SET_MANIFEST, .value = "{}"), INVALID_ARGUMENTS);
    couchbase_session_destroy(guarded.session);
    couchbase_node_destroy(guarded.node);
    sasl_users_destroy(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(before_it_has_authenticated_a_client_may_do_little),
        client_test(without_extended_errors_it_is_cut_off_for_want_of_a_bucket),
        client_test(what_is_wrong_with_a_request_is_said_in_the_servers_words),
        client_test(quiet_changes_are_not_durable),
        client_test(documents_need_a_bucket),
        client_test(hello_grants_what_the_server_can_do_in_ascending_order),
        client_test(an_odd_list_of_features_is_refused_and_changes_nothing),
        client_test(with_tracing_all_answers_have_a_duration_but_statistics),
        client_test(a_duration_is_the_one_that_was_measured),
        client_test(streams_of_changes_are_for_the_privileged),
        client_test(commands_that_nobody_has_are_unknown_and_retired_ones_not_supported),
        client_test(the_configuration_names_the_port_and_is_empty_to_those_who_know_it),
        client_test(quit_is_answered_and_ends_the_connection),
        client_test(frame_infos_are_checked_before_they_are_used),
        client_test(only_users_with_their_passwords_log_in_where_there_are_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
