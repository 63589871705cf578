/* Range scans: what they find, in which portions, and what they don't see any more. */
#include "base/endian.h"
#include "client.h"
#include "couchbase/scan.h"

#include <stdio.h>
#include <string.h>

static const struct kvr_response *create(struct client *client, const char *json)
{
    return ask(client, RANGE_SCAN_CREATE, .value = json, .datatype = MCBP_DATATYPE_JSON);
}

/* Copies the scan's name. */
static void begin(struct client *client, const char *json, uint8_t uuid[16])
{
    const struct kvr_response *response = create(client, json);
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, 16);
    memcpy(uuid, response->value, 16);
}

static const struct kvr_response *go_on(struct client *client, const uint8_t uuid[16],
                                        uint32_t items, uint32_t bytes)
{
    static uint8_t extras[28];
    memcpy(extras, uuid, 16);
    write_be32(extras + 16, items);
    write_be32(extras + 24, bytes);
    return ask(client, RANGE_SCAN_CONTINUE, .extras = extras, .extras_size = 28);
}

static void has(const struct kvr_response *response, const char *bytes, size_t size)
{
    assert_int_equal(response->value_size, size);
    assert_memory_equal(response->value, bytes, size);
}

static void log_in_fully(struct client *client)
{
    log_in(client, MCBP_FEATURE_JSON, MCBP_FEATURE_XERROR, MCBP_FEATURE_MUTATION_SEQNO);
    client_set(client, "b", "2");
    client_set(client, "a", "1");
    client_set(client, "bb", "22");
    client_set(client, "c", "3");
}

/* "Yg==" is b, "Yw==" is c. */
static void keys_come_in_their_order_within_the_bounds(void **state)
{
    uint8_t uuid[16];
    struct client *client = *state;
    log_in_fully(client);
    begin(client, "{\"key_only\":true,\"range\":{\"start\":\"Yg==\",\"end\":\"Yw==\"}}", uuid);
    const struct kvr_response *response = go_on(client, uuid, 0, 0);
    has_status(response, RANGE_SCAN_COMPLETE);
    assert_int_equal(response->extras_size, 4);
    assert_int_equal(read_be32(response->extras), 0);
    has(response, "\1b\2bb\1c", 7);
    begin(client, "{\"key_only\":true,\"range\":{\"excl_start\":\"Yg==\",\"excl_end\":\"Yw==\"}}",
          uuid);
    has(go_on(client, uuid, 0, 0), "\2bb", 3);
    begin(client, "{\"key_only\":true}", uuid);
    has(go_on(client, uuid, 0, 0), "\1a\1b\2bb\1c", 9);
}

static void a_bound_may_be_empty(void **state)
{
    uint8_t uuid[16];
    struct client *client = *state;
    log_in_fully(client);
    begin(client, "{\"key_only\":true,\"range\":{\"start\":\"\",\"end\":\"Yg==\"}}", uuid);
    has(go_on(client, uuid, 0, 0), "\1a\1b", 4);
    has_status(create(client, "{\"range\":{\"start\":\"\",\"end\":\"\"}}"), KEY_NOT_FOUND);
}

static void documents_come_with_what_is_known_of_them(void **state)
{
    uint8_t uuid[16];
    uint8_t expected[30];
    struct client *client = *state;
    log_in_fully(client);
    uint64_t cas = ask(client, GET, .key = "a")->cas;
    begin(client, "{\"range\":{\"start\":\"YQ==\",\"end\":\"YQ==\"}}", uuid);
    const struct kvr_response *response = go_on(client, uuid, 0, 0);
    has_status(response, RANGE_SCAN_COMPLETE);
    assert_int_equal(read_be32(response->extras), 1);
    memset(expected, 0, sizeof(expected));
    write_be64(expected + 8, 2); /* the second change of its vbucket */
    write_be64(expected + 16, cas);
    expected[24] = MCBP_DATATYPE_JSON;
    memcpy(expected + 25, "\1a\0011", 4);
    has(response, (const char *)expected, 29);
}

static void portions_end_where_the_client_wants(void **state)
{
    uint8_t uuid[16];
    struct client *client = *state;
    log_in_fully(client);
    begin(client, "{\"key_only\":true}", uuid);
    const struct kvr_response *response = go_on(client, uuid, 1, 0);
    has_status(response, RANGE_SCAN_MORE);
    has(response, "\1a", 2);
    response = go_on(client, uuid, 0, 3); /* the item that goes beyond it is the last */
    has_status(response, RANGE_SCAN_MORE);
    has(response, "\1b\2bb", 5);
    has_status(go_on(client, uuid, 5, 0), RANGE_SCAN_COMPLETE);
    has_status(go_on(client, uuid, 5, 0), KEY_NOT_FOUND);
}

static void a_scan_shows_what_there_was_when_it_was_created(void **state)
{
    uint8_t uuid[16];
    struct client *client = *state;
    log_in_fully(client);
    begin(client, "{\"key_only\":true}", uuid);
    ask(client, DELETE, .key = "a");
    client_set(client, "d", "4");
    has(go_on(client, uuid, 0, 0), "\1a\1b\2bb\1c", 9);
    begin(client, "{\"key_only\":true}", uuid);
    has(go_on(client, uuid, 0, 0), "\1b\2bb\1c\1d", 9);
}

static void samples_are_as_many_as_were_asked_for(void **state)
{
    uint8_t uuid[16];
    struct client *client = *state;
    log_in_fully(client);
    begin(client, "{\"key_only\":true,\"sampling\":{\"samples\":2,\"seed\":18446744073709551615}}",
          uuid);
    has_status(go_on(client, uuid, 1, 0), RANGE_SCAN_MORE);
    has_status(go_on(client, uuid, 1, 0), RANGE_SCAN_COMPLETE);
}

static void a_cancelled_scan_is_gone(void **state)
{
    uint8_t uuid[16];
    struct client *client = *state;
    log_in_fully(client);
    begin(client, "{}", uuid);
    has_status(ask(client, RANGE_SCAN_CANCEL, .extras = uuid, .extras_size = 16), SUCCESS);
    has_status(ask(client, RANGE_SCAN_CANCEL, .extras = uuid, .extras_size = 16), KEY_NOT_FOUND);
    has_status(go_on(client, uuid, 0, 0), KEY_NOT_FOUND);
}

static void one_scan_too_many_ends_the_oldest(void **state)
{
    uint8_t first[16];
    uint8_t second[16];
    uint8_t other[16];
    struct client *client = *state;
    log_in_fully(client);
    begin(client, "{}", first);
    begin(client, "{}", second);
    for (int i = 2; i < SCANS_MAX + 1; i++) {
        begin(client, "{}", other);
    }
    has_status(go_on(client, first, 1, 0), KEY_NOT_FOUND);
    has_status(go_on(client, second, 1, 0), RANGE_SCAN_MORE);
}

static void what_describes_no_scan_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{",
        "{\"range\":{}}",
        "{\"range\":{\"start\":\"YQ==\"}}",
        "{\"range\":{\"start\":\"YQ==\",\"excl_start\":\"YQ==\",\"end\":\"YQ==\"}}",
        "{\"range\":{\"start\":\"Y\",\"end\":\"YQ==\"}}",
        "{\"range\":{\"start\":\"YQ==\",\"end\":\"YQ==\"},\"sampling\":{\"samples\":1}}",
        "{\"sampling\":{\"samples\":0}}",
        "{\"collection\":\"x\"}",
        "{\"snapshot_requirements\":{}}"};
    struct client *client = *state;
    log_in_fully(client);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        has_status(create(client, wrong[i]), INVALID_ARGUMENTS);
    }
    has_status(ask(client, RANGE_SCAN_CREATE, .value = "{}"), INVALID_ARGUMENTS);
    has_status(create(client, "{\"collection\":\"a\"}"), UNKNOWN_COLLECTION);
    has_status(create(client, "{\"collection\":\"9\"}"), KEY_NOT_FOUND);
}

static void a_snapshot_has_to_be_of_that_vbucket_and_as_far(void **state)
{
    char json[128];
    static const uint8_t extras[8];
    struct client *client = *state;
    log_in_fully(client);
    const struct kvr_response *response =
        ask(client, SET, .extras = extras, .extras_size = 8, .key = "e", .value = "5");
    unsigned long long uuid = read_be64(response->extras);
    snprintf(json, sizeof(json), "{\"snapshot_requirements\":{\"vb_uuid\":\"%llu\",\"seqno\":5}}",
             uuid);
    has_status(create(client, json), SUCCESS);
    snprintf(json, sizeof(json), "{\"snapshot_requirements\":{\"vb_uuid\":\"%llu\",\"seqno\":6}}",
             uuid);
    has_status(create(client, json), TEMPORARY_FAILURE);
    snprintf(json, sizeof(json), "{\"snapshot_requirements\":{\"vb_uuid\":\"%llu\",\"seqno\":5}}",
             uuid + 1);
    has_status(create(client, json), VBUCKET_UUID_NOT_EQUAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(keys_come_in_their_order_within_the_bounds),
        client_test(a_bound_may_be_empty),
        client_test(documents_come_with_what_is_known_of_them),
        client_test(portions_end_where_the_client_wants),
        client_test(a_scan_shows_what_there_was_when_it_was_created),
        client_test(samples_are_as_many_as_were_asked_for),
        client_test(a_cancelled_scan_is_gone),
        client_test(one_scan_too_many_ends_the_oldest),
        client_test(what_describes_no_scan_is_refused),
        client_test(a_snapshot_has_to_be_of_that_vbucket_and_as_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
