/* Configurations that are set, and who is told of them. */
#include "base/endian.h"
#include "client.h"
#include "couchbase/node.h"
#include "sasl/users.h"

#include <snappy-c.h>
#include <string.h>

static const struct kvr_response *set(struct client *client, const char *bucket, int64_t epoch,
                                      int64_t revision, const char *json)
{
    uint8_t extras[16];
    write_be64(extras, (uint64_t)epoch);
    write_be64(extras + 8, (uint64_t)revision);
    return ask(client, SET_CLUSTER_CONFIG, .extras = extras, .extras_size = 16, .key = bucket,
               .value = json);
}

static void is_told(const struct kvr_response *told, const char *bucket, int64_t epoch,
                    int64_t revision, const char *json)
{
    const uint8_t *extras = told->extras;
    assert_int_equal(told->magic, MCBP_SERVER_REQUEST);
    assert_int_equal(told->opcode, 0x01);
    assert_int_equal(told->extras_size, 16);
    assert_int_equal((int64_t)read_be64(extras), epoch);
    assert_int_equal((int64_t)read_be64(extras + 8), revision);
    assert_int_equal(told->key_size, strlen(bucket));
    assert_memory_equal(told->key, bucket, told->key_size);
    assert_int_equal(told->value_size, strlen(json));
    assert_memory_equal(told->value, json, told->value_size);
    assert_int_equal(told->datatype, told->value_size > 0 ? MCBP_DATATYPE_JSON : 0);
}

static void what_is_set_is_what_clients_are_given(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_JSON);
    const struct kvr_response *response = set(client, "default", 1, 100, "{\"rev\":100}");
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, 0);
    assert_int_equal(response->cas, 0);
    response = ask(client, GET_CLUSTER_CONFIG, 0);
    gives(response, "{\"rev\":100}");
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON);
    response = ask(client, GET, .key = "k", .vbucket = 99);
    has_status(response, NOT_MY_VBUCKET);
    assert_memory_equal(response->value, "{\"rev\":100}", 11);
    gives(ask(client, GET_CLUSTER_CONFIG, .extras = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x63",
              .extras_size = 16),
          "{\"rev\":100}");
    gives(ask(client, GET_CLUSTER_CONFIG, .extras = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x64",
              .extras_size = 16),
          "");
}

static void the_cluster_has_one_of_its_own(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(set(client, "", 1, 100, "{\"foo\" : \"bar\"}"), SUCCESS);
    has_status(set(client, "default", 1, 1000, "{\"rev\":1000}"), SUCCESS);
    gives(ask(client, GET_CLUSTER_CONFIG, 0), "{\"rev\":1000}");
    has_status(ask(client, SELECT_BUCKET, .key = "@no bucket@"), SUCCESS);
    gives(ask(client, GET_CLUSTER_CONFIG, 0), "{\"foo\" : \"bar\"}");
}

static void an_older_one_replaces_a_newer_one(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(set(client, "default", 2, 7, "{}"), SUCCESS);
    has_status(set(client, "default", -1, 3, "[]"), SUCCESS);
    gives(ask(client, GET_CLUSTER_CONFIG, 0), "[]");
}

static void a_version_is_above_0_and_a_bucket_this_one(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(set(client, "default", 1, 0, "{}"), INVALID_ARGUMENTS);
    has_status(set(client, "default", 0, 1, "{}"), INVALID_ARGUMENTS);
    has_status(set(client, "default", -2, 1, "{}"), INVALID_ARGUMENTS);
    has_status(set(client, "default", 1, 1, NULL), INVALID_ARGUMENTS);
    has_status(set(client, "another", 1, 1, "{}"), TOO_LARGE);
    has_status(ask(client, SET_CLUSTER_CONFIG, .key = "default", .value = "{}"), INVALID_ARGUMENTS);
    struct sasl_users *users = sasl_users_create();
    client->node->users = users;
    has_status(set(client, "default", 1, 1, "{}"), NO_ACCESS);
    client->node->users = NULL;
    sasl_users_destroy(users);
}

static void those_who_want_it_are_told_of_newer_ones(void **state)
{
    struct client *client = *state;
    struct couchbase_answer told;
    log_in(client, MCBP_FEATURE_JSON, MCBP_FEATURE_DUPLEX,
           MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION);
    ask(client, GET_CLUSTER_CONFIG, 0);
    int64_t before = couchbase_node_configurations(client->node);
    set(client, "default", 1, 666, "{\"rev\":666}");
    assert_int_equal(couchbase_node_configurations(client->node), before + 1);
    assert_true(couchbase_session_tell(client->session, &told));
    assert_int_equal(told.count, 1);
    is_told(&told.responses[0], "default", 1, 666, "{\"rev\":666}");
    set(client, "default", 1, 665, "{\"rev\":665}");
    assert_false(couchbase_session_tell(client->session, &told));
    set(client, "default", 2, 1, "{}");
    assert_true(couchbase_session_tell(client->session, &told));
    is_told(&told.responses[0], "default", 2, 1, "{}");
}

static void all_who_want_it_are_told_of_the_clusters(void **state)
{
    struct client *client = *state;
    struct couchbase_answer told;
    log_in(client, MCBP_FEATURE_JSON, MCBP_FEATURE_DUPLEX,
           MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION_BRIEF);
    ask(client, GET_CLUSTER_CONFIG, 0);
    set(client, "", 2, 532, "{}");
    assert_true(couchbase_session_tell(client->session, &told));
    assert_int_equal(told.count, 1);
    is_told(&told.responses[0], "", 2, 532, "");
    assert_false(couchbase_session_tell(client->session, &told));
    set(client, "", 1, 1, "{}");
    set(client, "default", 1, 3, "{}");
    assert_true(couchbase_session_tell(client->session, &told));
    assert_int_equal(told.count, 2);
    is_told(&told.responses[0], "", 1, 1, "");
    is_told(&told.responses[1], "default", 1, 3, "");
}

static void is_compressed(const struct kvr_response *response, const char *json)
{
    char text[64];
    size_t size = sizeof(text);
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON | MCBP_DATATYPE_SNAPPY);
    assert_int_equal(snappy_uncompress(response->value, response->value_size, text, &size),
                     SNAPPY_OK);
    assert_int_equal(size, strlen(json));
    assert_memory_equal(text, json, size);
}

static void clients_that_take_compressed_values_everywhere_are_given_them_compressed(void **state)
{
    struct client *client = *state;
    struct couchbase_answer told;
    log_in(client, MCBP_FEATURE_JSON, MCBP_FEATURE_SNAPPY_EVERYWHERE, MCBP_FEATURE_DUPLEX,
           MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION);
    set(client, "default", 1, 100, "{\"rev\":100}");
    assert_true(couchbase_session_tell(client->session, &told));
    is_compressed(&told.responses[0], "{\"rev\":100}");
    is_compressed(ask(client, GET_CLUSTER_CONFIG, 0), "{\"rev\":100}");
    is_compressed(ask(client, GET, .key = "k", .vbucket = 99), "{\"rev\":100}");
    log_in(client, MCBP_FEATURE_JSON, MCBP_FEATURE_SNAPPY);
    gives(ask(client, GET_CLUSTER_CONFIG, 0), "{\"rev\":100}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(what_is_set_is_what_clients_are_given),
        client_test(the_cluster_has_one_of_its_own),
        client_test(an_older_one_replaces_a_newer_one),
        client_test(a_version_is_above_0_and_a_bucket_this_one),
        client_test(those_who_want_it_are_told_of_newer_ones),
        client_test(all_who_want_it_are_told_of_the_clusters),
        client_test(clients_that_take_compressed_values_everywhere_are_given_them_compressed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
