/* GET_ALL_VB_SEQNOS, GET_KEYS and EVICT_KEY. */
#include "base/endian.h"
#include "client.h"
#include "couchbase/node.h"
#include "sasl/users.h"

#include <stdio.h>
#include <string.h>

enum { VBUCKETS = 4, ROW = 10 };

static void has_bytes(const struct kvr_response *response, const char *value, size_t size)
{
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, size);
    assert_memory_equal(response->value, value, size);
    assert_int_equal(response->datatype, 0);
    assert_int_equal(response->cas, 0);
    assert_int_equal(response->extras_size, 0);
}

#define has_text(response, text) has_bytes(response, text, sizeof(text) - 1)

static void is_refused(const struct kvr_response *response, const char *context)
{
    char text[128];
    snprintf(text, sizeof(text), "{\"error\":{\"context\":\"%s\"}}", context);
    has_status(response, INVALID_ARGUMENTS);
    assert_int_equal(response->value_size, strlen(text));
    assert_memory_equal(response->value, text, strlen(text));
}

#define store(client, ...)                                                                         \
    has_status(                                                                                    \
        ask(client, SET, .extras = (uint8_t[8]){0}, .extras_size = 8, .value = "x", __VA_ARGS__),  \
        SUCCESS)

/* ---------------------------------------------------------------- GET_ALL_VB_SEQNOS */

static void every_vbucket_tells_its_number(void **state)
{
    struct client *client = *state;
    static const char told[VBUCKETS * ROW] = "\0\0\0\0\0\0\0\0\0\1\0\1\0\0\0\0\0\0\0\0"
                                             "\0\2\0\0\0\0\0\0\0\3\0\3\0\0\0\0\0\0\0";
    log_in(client, MCBP_FEATURE_XERROR);
    store(client, .key = "a");
    store(client, .key = "a", .vbucket = 2);
    store(client, .key = "b", .vbucket = 2);
    has_status(ask(client, DELETE, .key = "b", .vbucket = 2), SUCCESS);
    has_bytes(ask(client, GET_ALL_VB_SEQNOS, .vbucket = 99), told, sizeof(told));
    for (uint8_t asked = 0; asked < 5; asked++) { /* alive, active, replica, pending, dead */
        uint8_t extras[] = {0, 0, 0, asked};
        has_bytes(ask(client, GET_ALL_VB_SEQNOS, .extras = extras, .extras_size = 4), told,
                  asked < 2 ? sizeof(told) : 0);
    }
}

static uint64_t seqno_of(struct client *client, const char *extras, size_t size)
{
    const struct kvr_response *response =
        ask(client, GET_ALL_VB_SEQNOS, .extras = extras, .extras_size = size);
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, VBUCKETS * ROW);
    return read_be64((const uint8_t *)response->value + 2);
}

static void a_collection_has_a_number_of_its_own(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_COLLECTIONS);
    store(client, .key = "\0a", .key_size = 2);
    store(client, .key = "\x09"
                         "a");
    assert_int_equal(seqno_of(client, NULL, 0), 2);
    assert_int_equal(seqno_of(client, "\0\0\0\1\0\0\0\0", 8), 1);
    assert_int_equal(seqno_of(client, "\0\0\0\1\0\0\0\x9", 8), 2);
    has_status(ask(client, GET_ALL_VB_SEQNOS, .extras = "\0\0\0\1\0\0\0\xa", .extras_size = 8),
               UNKNOWN_COLLECTION);
    log_in(client, MCBP_FEATURE_XERROR);
    assert_int_equal(seqno_of(client, NULL, 0), 1); /* the default collection's */
    const struct kvr_response *response =
        ask(client, GET_ALL_VB_SEQNOS, .extras = "\0\0\0\1\0\0\0\0", .extras_size = 8);
    has_status(response, INVALID_ARGUMENTS);
    assert_int_equal(response->value_size, 0);
}

static void a_state_is_one_of_five(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    is_refused(ask(client, GET_ALL_VB_SEQNOS, .extras = "\0\0\0\5", .extras_size = 4),
               "Request vbucket state invalid");
    is_refused(ask(client, GET_ALL_VB_SEQNOS, .extras = "\0\0\0\1\0", .extras_size = 5),
               "Request extras must be of length 0 or 4 or 8");
    is_refused(ask(client, GET_ALL_VB_SEQNOS, .key = "k"), "Request must not include key");
}

/* ---------------------------------------------------------------- GET_KEYS */

static void keys_come_in_their_order_from_the_first_one_on(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    store(client, .key = "bb");
    store(client, .key = "a");
    store(client, .key = "c");
    store(client, .key = "b");
    store(client, .key = "d", .vbucket = 1);
    has_status(ask(client, DELETE, .key = "c"), SUCCESS);
    has_text(ask(client, GET_KEYS, .key = "a"), "\0\1a\0\1b\0\2bb");
    has_text(ask(client, GET_KEYS, .key = "ab"), "\0\1b\0\2bb");
    has_text(ask(client, GET_KEYS, .key = "a", .extras = "\0\0\0\2", .extras_size = 4),
             "\0\1a\0\1b");
    has_text(ask(client, GET_KEYS, .key = "a", .extras = "\0\0\0\0", .extras_size = 4), "");
    has_text(ask(client, GET_KEYS, .key = "c"), "");
    has_status(ask(client, GET_KEYS, .key = "a", .vbucket = 4), NOT_MY_VBUCKET);
    is_refused(ask(client, GET_KEYS, .key = "a", .extras = "\0", .extras_size = 1),
               "Expected 4 bytes of extras containing the number of keys to get");
}

static void keys_are_those_of_a_collection(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_COLLECTIONS);
    store(client, .key = "\0a", .key_size = 2);
    store(client, .key = "\x09"
                         "b");
    has_text(ask(client, GET_KEYS, .key = "\0a", .key_size = 2), "\0\2\0a");
    has_text(ask(client, GET_KEYS,
                 .key = "\x09"
                        "a"),
             "\0\2\x09"
             "b");
    has_status(ask(client, GET_KEYS,
                   .key = "\x0a"
                          "a"),
               UNKNOWN_COLLECTION);
}

/* ---------------------------------------------------------------- EVICT_KEY */

static void what_is_evicted_is_still_there(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    const struct kvr_response *response = ask(client, EVICT_KEY, .key = "k");
    has_status(response, KEY_NOT_FOUND);
    assert_memory_equal(response->value, "{\"error\":{\"context\":\"Not found.\"}}", 34);
    client_set(client, "k", "text");
    has_text(ask(client, EVICT_KEY, .key = "k"), "");
    has_text(ask(client, EVICT_KEY, .key = "k"), "");
    gives(ask(client, GET, .key = "k"), "text");
    has_status(ask(client, EVICT_KEY, .key = "k", .vbucket = 4), NOT_MY_VBUCKET);
    is_refused(ask(client, EVICT_KEY, .key = "k", .cas = 1), "Request CAS must not be set");
}

static void only_administrators_evict(void **state)
{
    struct client *client = *state;
    struct sasl_users *users = sasl_users_create();
    log_in(client, MCBP_FEATURE_XERROR);
    client->node->users = users;
    has_status(ask(client, EVICT_KEY, .key = "k"), NO_ACCESS);
    client->node->users = NULL;
    sasl_users_destroy(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(every_vbucket_tells_its_number),
        client_test(a_collection_has_a_number_of_its_own),
        client_test(a_state_is_one_of_five),
        client_test(keys_come_in_their_order_from_the_first_one_on),
        client_test(keys_are_those_of_a_collection),
        client_test(what_is_evicted_is_still_there),
        client_test(only_administrators_evict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
