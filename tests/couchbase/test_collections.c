/* Collections, vbuckets, and what clients ask about them. */
#include "base/endian.h"
#include "client.h"

#include <stdio.h>
#include <string.h>

static void a_key_begins_with_its_collection_once_that_is_granted(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    client_set(client, "\x09k", "apple");
    gives(ask(client, GET, .key = "\x09k"), "apple");
    has_status(ask(client, GET, .key = "\0k", .key_size = 2), KEY_NOT_FOUND);
    const struct kvr_response *response = ask(client, GETK, .key = "\x09k");
    assert_int_equal(response->key_size, 2);
    assert_memory_equal(response->key, "\x09k", 2);
}

static void without_collections_the_whole_key_is_in_the_default_one(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    client_set(client, "k", "x");
    log_in(client, MCBP_FEATURE_COLLECTIONS);
    gives(ask(client, GET, .key = "\0k", .key_size = 2), "x");
}

static void a_collection_that_is_not_there_names_the_manifest(void **state)
{
    static const char text[] = "{\"manifest_uid\":\"1\"}";
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR, MCBP_FEATURE_JSON);
    const struct kvr_response *response = ask(client, GET, .key = "\x0ak");
    has_status(response, UNKNOWN_COLLECTION);
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON);
    assert_int_equal(response->value_size, strlen(text));
    assert_memory_equal(response->value, text, strlen(text));
}

static void a_prefix_that_is_none_is_refused(void **state)
{
    static const struct {
        const char *key;
        size_t size;
    } wrong[] = {
        {"\x09", 1}, {"\x89", 1}, {"\x89\x00k", 3}, {"\x05k", 2}, {"\xff\xff\xff\xff\xff\x0fk", 7}};
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        has_status(ask(client, GET, .key = wrong[i].key, .key_size = wrong[i].size),
                   INVALID_ARGUMENTS);
    }
}

static void keys_have_250_bytes_and_246_in_other_collections(void **state)
{
    char key[252];
    struct client *client = *state;
    memset(key, 'k', sizeof(key));
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    key[0] = 0;
    has_status(ask(client, GET, .key = key, .key_size = 251), KEY_NOT_FOUND);
    has_status(ask(client, GET, .key = key, .key_size = 252), INVALID_ARGUMENTS);
    key[0] = 9;
    has_status(ask(client, GET, .key = key, .key_size = 247), KEY_NOT_FOUND);
    has_status(ask(client, GET, .key = key, .key_size = 248), INVALID_ARGUMENTS);
}

static void expect_id(const struct kvr_response *response, uint32_t id)
{
    has_status(response, SUCCESS);
    assert_int_equal(response->extras_size, 12);
    assert_int_equal(read_be64(response->extras), 1);
    assert_int_equal(read_be32((const uint8_t *)response->extras + 8), id);
}

static void ids_are_found_by_name(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    expect_id(ask(client, COLLECTIONS_GET_ID, .value = "shop.fruit"), 9);
    expect_id(ask(client, COLLECTIONS_GET_ID, .key = "shop.fruit"), 9);
    expect_id(ask(client, COLLECTIONS_GET_ID, .value = "."), 0);
    expect_id(ask(client, COLLECTIONS_GET_SCOPE_ID, .value = "shop"), 8);
    expect_id(ask(client, COLLECTIONS_GET_SCOPE_ID, .value = "shop.fruit"), 8);
    expect_id(ask(client, COLLECTIONS_GET_SCOPE_ID, 0), 0);
    has_status(ask(client, COLLECTIONS_GET_ID, .value = "shop.meat"), UNKNOWN_COLLECTION);
    has_status(ask(client, COLLECTIONS_GET_ID, .value = "mall.fruit"), UNKNOWN_SCOPE);
    has_status(ask(client, COLLECTIONS_GET_ID, .value = "fruit"), INVALID_ARGUMENTS);
    has_status(ask(client, COLLECTIONS_GET_ID, .value = "a.b.c"), INVALID_ARGUMENTS);
    has_status(ask(client, COLLECTIONS_GET_ID, .key = "a.b", .value = "a.b"), INVALID_ARGUMENTS);
}

static void the_manifest_has_scopes_with_their_collections(void **state)
{
    static const char manifest[] =
        "{\"scopes\":[{\"collections\":[{\"name\":\"_default\",\"uid\":\"0\"}],\"name\":"
        "\"_default\",\"uid\":\"0\"},{\"collections\":[{\"name\":\"fruit\",\"uid\":\"9\"}],"
        "\"name\":\"shop\",\"uid\":\"8\"}],\"uid\":\"1\"}";
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_JSON);
    gives(ask(client, COLLECTIONS_GET_MANIFEST, 0), manifest);
    has_status(ask(client, COLLECTIONS_GET_MANIFEST, .vbucket = 1), INVALID_ARGUMENTS);
}

static void each_vbucket_has_documents_and_numbers_of_its_own(void **state)
{
    static const uint8_t extras[8];
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO, MCBP_FEATURE_XERROR);
    client_set(client, "k", "0");
    const struct kvr_response *response = ask(client, SET, .extras = extras, .extras_size = 8,
                                              .key = "k", .value = "3", .vbucket = 3);
    assert_int_equal(read_be64((const uint8_t *)response->extras + 8), 1);
    gives(ask(client, GET, .key = "k"), "0");
    gives(ask(client, GET, .key = "k", .vbucket = 3), "3");
    response = ask(client, GET, .key = "k", .vbucket = 4);
    has_status(response, NOT_MY_VBUCKET);
    assert_non_null(memmem(response->value, response->value_size, "vBucketMap", 10));
}

static void observe_tells_what_is_there(void **state)
{
    static const char asked[] = "\0\0\0\1k\0\0\0\1m";
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    uint64_t cas = client_set(client, "k", "x");
    const struct kvr_response *response = ask(client, OBSERVE, .value = asked, .value_size = 10);
    const uint8_t *value = response->value;
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, 28);
    assert_memory_equal(value, asked, 5);
    assert_int_equal(value[5], 1);
    assert_int_equal(read_be64(value + 6), cas);
    assert_int_equal(value[19], 0x80);
    has_status(ask(client, OBSERVE, .value = asked, .value_size = 9), INVALID_ARGUMENTS);
    has_status(ask(client, OBSERVE, .value = "\0\4\0\0", .value_size = 4), NOT_MY_VBUCKET);
}

static void observe_seqno_tells_how_far_a_vbucket_is(void **state)
{
    uint8_t uuid[8];
    struct client *client = *state;
    static const uint8_t extras[8];
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO, MCBP_FEATURE_XERROR);
    const struct kvr_response *response =
        ask(client, SET, .extras = extras, .extras_size = 8, .key = "k", .vbucket = 2);
    memcpy(uuid, response->extras, 8);
    response = ask(client, OBSERVE_SEQNO, .value = (char *)uuid, .value_size = 8, .vbucket = 2);
    const uint8_t *value = response->value;
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, 27);
    assert_int_equal(value[0], 0);
    assert_int_equal(read_be16(value + 1), 2);
    assert_memory_equal(value + 3, uuid, 8);
    assert_int_equal(read_be64(value + 11), 1);
    assert_int_equal(read_be64(value + 19), 1);
    has_status(ask(client, OBSERVE_SEQNO, .value = (char *)uuid, .value_size = 8, .vbucket = 1),
               KEY_NOT_FOUND);
}

static void a_random_key_is_one_of_the_collection(void **state)
{
    static const uint8_t fruit[4] = {0, 0, 0, 9};
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    static const uint8_t plain[8];
    has_status(ask(client, SET, .extras = plain, .extras_size = 8, .key = "\0k", .key_size = 2),
               SUCCESS);
    has_status(ask(client, GET_RANDOM_KEY, .extras = fruit, .extras_size = 4), KEY_NOT_FOUND);
    client_set(client, "\x09k", "apple");
    const struct kvr_response *response =
        ask(client, GET_RANDOM_KEY, .extras = fruit, .extras_size = 4);
    gives(response, "apple");
    assert_int_equal(response->key_size, 2);
    assert_memory_equal(response->key, "\x09k", 2);
    has_status(ask(client, GET_RANDOM_KEY, 0), INVALID_ARGUMENTS);
}

#define DEFAULT                                                                                    \
    "{\"name\":\"_default\",\"uid\":\"0\",\"collections\":[{\"name\":\"_default\",\"uid\":\"0\"}]" \
    "}"
#define SHOP(collections)     "{\"name\":\"shop\",\"uid\":\"8\",\"collections\":[" collections "]}"
#define FRUIT                 "{\"name\":\"fruit\",\"uid\":\"9\"}"
#define NUTS                  "{\"name\":\"nuts\",\"uid\":\"a\"}"
#define LIMITED(seconds)      "{\"maxTTL\":" seconds ",\"name\":\"nuts\",\"uid\":\"a\"}"
#define MANIFEST(uid, scopes) "{\"uid\":\"" uid "\",\"scopes\":[" scopes "]}"

static void a_manifest_makes_and_drops_collections(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    client_set(client, "\x09k", "apple");
    has_status(ask(client, GET, .key = "\x0ak"), UNKNOWN_COLLECTION);
    has_status(ask(client, COLLECTIONS_SET_MANIFEST,
                   .value = MANIFEST("2", DEFAULT "," SHOP(FRUIT "," NUTS))),
               SUCCESS);
    has_status(ask(client, GET, .key = "\x0ak"), KEY_NOT_FOUND);
    gives(ask(client, GET, .key = "\x09k"), "apple");
    has_status(ask(client, COLLECTIONS_GET_ID, .value = "shop.nuts"), SUCCESS);
    has_status(ask(client, COLLECTIONS_SET_MANIFEST, .value = MANIFEST("3", DEFAULT)), SUCCESS);
    has_status(ask(client, GET, .key = "\x09k"), UNKNOWN_COLLECTION);
    has_status(
        ask(client, COLLECTIONS_SET_MANIFEST, .value = MANIFEST("4", DEFAULT "," SHOP(FRUIT))),
        SUCCESS);
    has_status(ask(client, GET, .key = "\x09k"), KEY_NOT_FOUND);
    const struct kvr_response *response = ask(client, GET_CLUSTER_CONFIG, 0);
    assert_non_null(memmem(response->value, response->value_size, "\"rev\":4,", 8));
    assert_non_null(memmem(response->value, response->value_size, "ManifestUid\":\"4\"", 16));
}

static uint32_t expiry_of(struct client *client, const char *key)
{
    const struct kvr_response *response = ask(client, GET_META, .key = key);
    has_status(response, SUCCESS);
    return read_be32((const uint8_t *)response->extras + 8);
}

static void a_collection_may_limit_how_long_documents_live(void **state)
{
    static const uint8_t longer[8] = {[7] = 50};
    static const uint8_t shorter[8] = {[7] = 3};
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    has_status(ask(client, COLLECTIONS_SET_MANIFEST,
                   .value = MANIFEST("2", DEFAULT "," SHOP(FRUIT "," LIMITED("5")))),
               SUCCESS);
    gives(ask(client, COLLECTIONS_GET_MANIFEST, 0),
          "{\"scopes\":["
          "{\"collections\":[{\"name\":\"_default\",\"uid\":\"0\"}],\"name\":\"_default\",\"uid\":"
          "\"0\"}"
          ",{\"collections\":[" FRUIT
          "," LIMITED("5") "],\"name\":\"shop\",\"uid\":\"8\"}],\"uid\":\"2\"}");
    client_set(client, "\x0ak", "x");
    client_set(client, "\x09k", "x");
    assert_int_equal(expiry_of(client, "\x0ak"), client->now + 5);
    assert_int_equal(expiry_of(client, "\x09k"), 0);
    ask(client, SET, .extras = longer, .extras_size = 8, .key = "\x0al");
    ask(client, SET, .extras = shorter, .extras_size = 8, .key = "\x0as");
    assert_int_equal(expiry_of(client, "\x0al"), client->now + 5);
    assert_int_equal(expiry_of(client, "\x0as"), client->now + 3);
    client->now += 4;
    ask(client, TOUCH, .extras = "\0\0\0", .extras_size = 4, .key = "\x0al");
    assert_int_equal(expiry_of(client, "\x0al"), client->now + 5);
    client->now += 1;
    has_status(ask(client, GET, .key = "\x0ak"), KEY_NOT_FOUND);
    gives(ask(client, GET, .key = "\x09k"), "x");
}

static void and_one_that_comes_later_counts_for_what_is_changed(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    client_set(client, "\x09k", "1");
    client_set(client, "\x09l", "1");
    has_status(ask(client, COLLECTIONS_SET_MANIFEST,
                   .value = MANIFEST("2", DEFAULT "," SHOP("{\"maxTTL\":7,\"name\":\"fruit\","
                                                           "\"uid\":\"9\"}"))),
               SUCCESS);
    has_status(ask(client, APPEND, .key = "\x09k", .value = "2"), SUCCESS);
    assert_int_equal(expiry_of(client, "\x09k"), client->now + 7);
    assert_int_equal(expiry_of(client, "\x09l"), 0);
}

static void a_manifest_that_is_none_changes_nothing(void **state)
{
    static const char *const wrong[] = {
        "x",
        "{}",
        MANIFEST("x", DEFAULT),
        MANIFEST("2", SHOP(FRUIT)),
        MANIFEST("2", DEFAULT "," DEFAULT),
        MANIFEST("2", DEFAULT "," SHOP(FRUIT "," FRUIT)),
        MANIFEST("2", DEFAULT "," SHOP(FRUIT) "," SHOP(NUTS)),
        MANIFEST("2", DEFAULT "," SHOP("{\"name\":\"a\",\"uid\":\"7\"}")),
        MANIFEST("2", DEFAULT "," SHOP("{\"name\":\"$a\",\"uid\":\"a\"}")),
        MANIFEST("2", DEFAULT "," SHOP("{\"name\":\"a\",\"uid\":\"100000000\"}")),
        MANIFEST("2", DEFAULT "," SHOP("{\"name\":\"_default\",\"uid\":\"0\"}")),
        MANIFEST("2", DEFAULT "," SHOP(LIMITED("-1"))),
        MANIFEST("2", DEFAULT "," SHOP(LIMITED("\"5\""))),
        MANIFEST("2", DEFAULT "," SHOP(LIMITED("2147483648"))),
    };
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_COLLECTIONS, MCBP_FEATURE_XERROR);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        has_status(ask(client, COLLECTIONS_SET_MANIFEST, .value = wrong[i]), INVALID_ARGUMENTS);
    }
    has_status(ask(client, GET, .key = "\x09k"), KEY_NOT_FOUND);
    assert_int_equal(couchbase_node_configurations(client->node), 1);
}

static void a_manifest_follows_an_earlier_one(void **state)
{
    static const char *const wrong[] = {
        MANIFEST("0", DEFAULT),
        MANIFEST("1", DEFAULT),
        MANIFEST("2", DEFAULT "," SHOP("{\"name\":\"other\",\"uid\":\"9\"}")),
        MANIFEST("2", DEFAULT ",{\"name\":\"other\",\"uid\":\"8\",\"collections\":[]}"),
        MANIFEST("2", DEFAULT ",{\"name\":\"b\",\"uid\":\"b\",\"collections\":[" FRUIT "]}"),
    };
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        has_status(ask(client, COLLECTIONS_SET_MANIFEST, .value = wrong[i]),
                   CANNOT_APPLY_COLLECTIONS_MANIFEST);
    }
    has_status(
        ask(client, COLLECTIONS_SET_MANIFEST, .value = MANIFEST("1", DEFAULT "," SHOP(FRUIT))),
        SUCCESS);
    assert_int_equal(couchbase_node_configurations(client->node), 1);
}

static void clients_are_told_once_of_another_configuration(void **state)
{
    struct client *client = *state;
    struct couchbase_answer told;
    static const uint8_t version[16] = {[7] = 1, [15] = 2};
    log_in(client, MCBP_FEATURE_JSON, MCBP_FEATURE_DUPLEX,
           MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION);
    ask(client, GET_CLUSTER_CONFIG, 0);
    assert_false(couchbase_session_tell(client->session, &told));
    ask(client, COLLECTIONS_SET_MANIFEST, .value = MANIFEST("2", DEFAULT));
    assert_true(couchbase_session_tell(client->session, &told));
    assert_int_equal(told.count, 1);
    assert_int_equal(told.responses[0].magic, MCBP_SERVER_REQUEST);
    assert_int_equal(told.responses[0].opcode, 0x01);
    assert_int_equal(told.responses[0].datatype, MCBP_DATATYPE_JSON);
    assert_int_equal(told.responses[0].extras_size, 16);
    assert_memory_equal(told.responses[0].extras, version, 16);
    assert_int_equal(told.responses[0].key_size, 7);
    assert_memory_equal(told.responses[0].key, "default", 7);
    assert_non_null(memmem(told.responses[0].value, told.responses[0].value_size, "\"rev\":2,", 8));
    assert_false(couchbase_session_tell(client->session, &told));
}

static void clients_may_want_the_version_alone_or_nothing(void **state)
{
    struct client *client = *state;
    struct couchbase_answer told;
    log_in(client, MCBP_FEATURE_DUPLEX, MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION,
           MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION_BRIEF);
    assert_true(couchbase_session_tell(client->session, &told));
    assert_int_equal(told.responses[0].value_size, 0);
    assert_int_equal(told.responses[0].datatype, 0);
    log_in(client, MCBP_FEATURE_DUPLEX);
    assert_false(couchbase_session_tell(client->session, &told));
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(ask(client, HELLO, .value = "\0\x0d", .value_size = 2), INVALID_ARGUMENTS);
    has_status(ask(client, HELLO, .value = "\0\x1f", .value_size = 2), INVALID_ARGUMENTS);
}

/* All rows of a group, "name=value " each. */
static const char *statistics(struct client *client, const char *group)
{
    static char text[4096];
    size_t size = 0;
    do {
        has_status(ask(client, STAT, .key = group), SUCCESS);
        for (size_t i = 0; i < client->answer.count; i++) {
            const struct kvr_response *row = &client->answer.responses[i];
            assert_int_equal(row->magic, MCBP_CLIENT_RESPONSE);
            assert_true(row->key_size + row->value_size + 3 <= sizeof(text) - size);
            int written =
                snprintf(text + size, sizeof(text) - size, "%.*s=%.*s ", (int)row->key_size,
                         (const char *)row->key, (int)row->value_size, (const char *)row->value);
            size += (size_t)written;
        }
    } while (client->answer.more);
    text[size] = '\0';
    return text;
}

static void statistics_come_by_group_with_an_empty_row_behind_them(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_TRACING, MCBP_FEATURE_COLLECTIONS);
    client_set(client, "\x09k", "apple");
    assert_string_equal(statistics(client, "vbucket"),
                        "vb_0=active vb_1=active vb_2=active vb_3=active = ");
    assert_string_equal(statistics(client, "collections"),
                        "0x0:0x0:name=_default 0x0:0x0:scope_name=_default 0x0:0x0:items=0 "
                        "0x8:0x9:name=fruit 0x8:0x9:scope_name=shop 0x8:0x9:items=1 = ");
    const char *all = statistics(client, "vbucket-seqno");
    assert_non_null(strstr(all, "vb_0:high_seqno=1 "));
    assert_non_null(strstr(all, "vb_3:high_seqno=0 "));
    assert_non_null(strstr(all, "vb_3:purge_seqno=0 = "));
    all = statistics(client, "");
    assert_non_null(strstr(all, "time=1700000000 version=kvreplay "));
    assert_non_null(strstr(all, " curr_items=1 vb_active_num=4 "));
    has_status(ask(client, STAT, .key = "none"), KEY_NOT_FOUND);
    assert_int_equal(client->answer.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(a_key_begins_with_its_collection_once_that_is_granted),
        client_test(without_collections_the_whole_key_is_in_the_default_one),
        client_test(a_collection_that_is_not_there_names_the_manifest),
        client_test(a_prefix_that_is_none_is_refused),
        client_test(keys_have_250_bytes_and_246_in_other_collections),
        client_test(ids_are_found_by_name),
        client_test(the_manifest_has_scopes_with_their_collections),
        client_test(each_vbucket_has_documents_and_numbers_of_its_own),
        client_test(observe_tells_what_is_there),
        client_test(observe_seqno_tells_how_far_a_vbucket_is),
        client_test(a_random_key_is_one_of_the_collection),
        client_test(statistics_come_by_group_with_an_empty_row_behind_them),
        client_test(a_manifest_makes_and_drops_collections),
        client_test(a_collection_may_limit_how_long_documents_live),
        client_test(and_one_that_comes_later_counts_for_what_is_changed),
        client_test(a_manifest_that_is_none_changes_nothing),
        client_test(a_manifest_follows_an_earlier_one),
        client_test(clients_are_told_once_of_another_configuration),
        client_test(clients_may_want_the_version_alone_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
