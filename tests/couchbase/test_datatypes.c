/* JSON and compressed values: what is believed, kept and sent. */
#include "client.h"

#include <snappy-c.h>
#include <string.h>

static const uint8_t PLAIN[8];

static const struct kvr_response *set(struct client *client, const void *value, size_t size,
                                      uint8_t datatype)
{
    return ask(client, SET, .extras = PLAIN, .extras_size = 8, .key = "k", .value = value,
               .value_size = size, .datatype = datatype);
}

static void the_server_finds_out_itself_what_is_json(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_JSON, MCBP_FEATURE_XERROR);
    set(client, "{\"a\":1}", 7, 0);
    assert_int_equal(ask(client, GET, .key = "k")->datatype, MCBP_DATATYPE_JSON);
    set(client, "{\"a\":1", 6, MCBP_DATATYPE_JSON);
    assert_int_equal(ask(client, GET, .key = "k")->datatype, 0);
    ask(client, APPEND, .key = "k", .value = "}");
    assert_int_equal(ask(client, GET, .key = "k")->datatype, MCBP_DATATYPE_JSON);
}

static void datatypes_that_were_not_granted_are_refused_and_not_sent(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(set(client, "1", 1, MCBP_DATATYPE_JSON), INVALID_ARGUMENTS);
    has_status(set(client, "1", 1, 0), SUCCESS);
    assert_int_equal(ask(client, GET, .key = "k")->datatype, 0);
    has_status(ask(client, GET, .key = "k", .datatype = MCBP_DATATYPE_SNAPPY), INVALID_ARGUMENTS);
}

static size_t compress(const char *text, size_t size, char *out, size_t room)
{
    assert_int_equal(snappy_compress(text, size, out, &room), SNAPPY_OK);
    return room;
}

static void a_compressed_value_is_sent_compressed_to_those_who_take_it(void **state)
{
    char text[1000];
    char packed[2000];
    struct client *client = *state;
    memset(text, 'x', sizeof(text));
    size_t size = compress(text, sizeof(text), packed, sizeof(packed));
    log_in(client, MCBP_FEATURE_SNAPPY, MCBP_FEATURE_XERROR);
    has_status(set(client, packed, size, MCBP_DATATYPE_SNAPPY), SUCCESS);
    const struct kvr_response *response = ask(client, GET, .key = "k");
    assert_int_equal(response->datatype, MCBP_DATATYPE_SNAPPY);
    assert_int_equal(response->value_size, size);
    assert_memory_equal(response->value, packed, size);
    log_in(client, MCBP_FEATURE_XERROR);
    response = ask(client, GET, .key = "k");
    assert_int_equal(response->datatype, 0);
    assert_int_equal(response->value_size, sizeof(text));
    assert_memory_equal(response->value, text, sizeof(text));
}

static void what_is_hardly_smaller_is_kept_inflated(void **state)
{
    char packed[64];
    struct client *client = *state;
    size_t size = compress("{\"a\":17}", 8, packed, sizeof(packed));
    log_in(client, MCBP_FEATURE_SNAPPY, MCBP_FEATURE_JSON, MCBP_FEATURE_XERROR);
    has_status(set(client, packed, size, MCBP_DATATYPE_SNAPPY), SUCCESS);
    const struct kvr_response *response = ask(client, GET, .key = "k");
    gives(response, "{\"a\":17}");
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON);
}

static void what_can_not_be_inflated_is_refused(void **state)
{
    static const char claims_too_much[] = "\xff\xff\xff\x7f\x00x";
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_SNAPPY, MCBP_FEATURE_XERROR);
    has_status(set(client, "no such thing", 13, MCBP_DATATYPE_SNAPPY), INVALID_ARGUMENTS);
    has_status(set(client, claims_too_much, 6, MCBP_DATATYPE_SNAPPY), INVALID_ARGUMENTS);
    has_status(ask(client, GET, .key = "k"), KEY_NOT_FOUND);
}

static void a_compressed_value_is_appended_to_and_counted_with_inflated(void **state)
{
    char text[300];
    char packed[600];
    static const uint8_t one[20] = {0, 0, 0, 0, 0, 0, 0, 1};
    struct client *client = *state;
    memset(text, '0', sizeof(text));
    text[299] = '7';
    size_t size = compress(text, sizeof(text), packed, sizeof(packed));
    log_in(client, MCBP_FEATURE_SNAPPY, MCBP_FEATURE_XERROR);
    set(client, packed, size, MCBP_DATATYPE_SNAPPY);
    has_status(ask(client, INCREMENT, .extras = one, .extras_size = 20, .key = "k"), SUCCESS);
    gives(ask(client, GET, .key = "k"), "8");
    set(client, packed, size, MCBP_DATATYPE_SNAPPY);
    has_status(ask(client, APPEND, .key = "k", .value = "+"), SUCCESS);
    const struct kvr_response *response = ask(client, GET, .key = "k");
    assert_int_equal(response->value_size, 301);
    assert_int_equal(response->datatype, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(the_server_finds_out_itself_what_is_json),
        client_test(datatypes_that_were_not_granted_are_refused_and_not_sent),
        client_test(a_compressed_value_is_sent_compressed_to_those_who_take_it),
        client_test(what_is_hardly_smaller_is_kept_inflated),
        client_test(what_can_not_be_inflated_is_refused),
        client_test(a_compressed_value_is_appended_to_and_counted_with_inflated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
