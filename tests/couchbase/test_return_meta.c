/* RETURN_META: changes that show the meta data that they have made. */
#include "base/endian.h"
#include "client.h"

#include <string.h>

enum { SETS = 1, ADDS, DELETES, FLAGS = 7, SECONDS = 100 };

/* `asked` has the document's key, value and CAS. */
static const struct kvr_response *change(struct client *client, uint32_t mutation,
                                         struct asked asked)
{
    uint8_t extras[12];
    write_be32(extras, mutation);
    write_be32(extras + 4, FLAGS);
    write_be32(extras + 8, SECONDS);
    asked.extras = extras;
    asked.extras_size = sizeof(extras);
    asked.key = "k";
    return client_ask(client, MCBP_RETURN_META, &asked);
}

#define change_to(client, mutation, ...)                                                           \
    change(client, mutation, (struct asked){.key = "k", __VA_ARGS__})

static void shows(const struct kvr_response *response, uint32_t flags, int64_t expiry,
                  uint64_t revision)
{
    has_status(response, SUCCESS);
    assert_int_equal(response->extras_size, 16);
    const uint8_t *extras = response->extras;
    assert_int_equal(read_be32(extras), flags);
    assert_int_equal(read_be32(extras + 4), expiry);
    assert_int_equal(read_be64(extras + 8), revision);
    assert_int_equal(response->value_size, 0);
}

static uint64_t meta_cas(struct client *client)
{
    return ask(client, GET_META, .key = "k")->cas;
}

static void a_change_shows_flags_expiry_and_revision_and_no_token(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_MUTATION_SEQNO, MCBP_FEATURE_JSON);
    const struct kvr_response *response = change_to(client, SETS, .value = "text");
    shows(response, FLAGS, client->now + SECONDS, 1);
    assert_int_equal(response->datatype, 0);
    uint64_t cas = response->cas;
    assert_int_equal(meta_cas(client), cas);
    gives(ask(client, GET, .key = "k"), "text");
    response = change_to(client, SETS, .value = "{}", .cas = cas);
    shows(response, FLAGS, client->now + SECONDS, 2);
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON);
    response = change_to(client, DELETES);
    shows(response, 0, client->now, 3);
    assert_int_equal(meta_cas(client), response->cas);
    shows(change_to(client, ADDS), FLAGS, client->now + SECONDS, 4);
}

static void the_mode_is_set_add_or_delete(void **state)
{
    struct client *client = *state;
    static const uint32_t modes[] = {0, 4, 0x01000000};
    log_in(client, MCBP_FEATURE_XERROR);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        const struct kvr_response *response = change_to(client, modes[i], .vbucket = 99);
        has_status(response, INVALID_ARGUMENTS);
        assert_memory_equal(response->value, "{\"error\":{\"context\":\"Invalid mode\"}}", 36);
    }
    has_status(change_to(client, SETS, .vbucket = 99), NOT_MY_VBUCKET);
    has_status(change_to(client, SETS, .datatype = MCBP_DATATYPE_JSON), INVALID_ARGUMENTS);
    has_status(ask(client, RETURN_META, .key = "k", .extras = "\0\0\0\1", .extras_size = 4),
               INVALID_ARGUMENTS);
}

static void add_stores_nothing_where_there_is_a_document_or_a_cas(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(change_to(client, ADDS, .cas = 1), NOT_STORED);
    has_status(change_to(client, ADDS), SUCCESS);
    has_status(change_to(client, ADDS), NOT_STORED);
    client->now += SECONDS;
    has_status(change_to(client, ADDS), SUCCESS);
}

static void the_cas_and_locks_are_looked_at(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(change_to(client, SETS, .cas = 1), KEY_NOT_FOUND);
    has_status(change_to(client, DELETES, .cas = 1), KEY_NOT_FOUND);
    client_set(client, "k", "text");
    has_status(change_to(client, SETS, .cas = 1), KEY_EXISTS);
    has_status(change_to(client, DELETES, .cas = 1), KEY_EXISTS);
    uint64_t lock = ask(client, GET_LOCKED, .key = "k")->cas;
    has_status(change_to(client, SETS), LOCKED);
    has_status(change_to(client, DELETES), LOCKED);
    has_status(change_to(client, SETS, .cas = lock), SUCCESS);
    ask(client, GET_LOCKED, .key = "k");
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO);
    has_status(change_to(client, SETS), KEY_EXISTS);
    has_status(change_to(client, DELETES), TEMPORARY_FAILURE);
}

static void attributes_do_not_survive(void **state)
{
    struct client *client = *state;
    static const char extras[] = "\0\2\4";
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_XATTR);
    for (uint32_t mutation = SETS; mutation <= DELETES; mutation += DELETES - SETS) {
        client_set(client, "k", "text");
        has_status(ask(client, SUBDOC_DICT_UPSERT, .key = "k", .extras = extras, .extras_size = 3,
                       .value = "_s1"),
                   SUCCESS);
        has_status(change_to(client, mutation), SUCCESS);
        client_expect_status(ask(client, SUBDOC_GET, .key = "k", .extras = "\0\2\4\4",
                                 .extras_size = 4, .value = "_s"),
                             MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(a_change_shows_flags_expiry_and_revision_and_no_token),
        client_test(the_mode_is_set_add_or_delete),
        client_test(add_stores_nothing_where_there_is_a_document_or_a_cas),
        client_test(the_cas_and_locks_are_looked_at),
        client_test(attributes_do_not_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
