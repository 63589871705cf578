/* MUTATE_WITH_META: changes whose meta data is JSON behind the document. */
#include "base/endian.h"
#include "client.h"

#include <snappy-c.h>
#include <stdio.h>
#include <string.h>

static const struct kvr_response *mutate_sized(struct client *client, struct asked asked,
                                               const char *json, uint32_t json_size)
{
    static char value[512];
    uint8_t extras[4];
    size_t size =
        asked.value_size > 0 || asked.value == NULL ? asked.value_size : strlen(asked.value);
    assert_true(size + strlen(json) <= sizeof(value));
    if (size > 0) {
        memcpy(value, asked.value, size);
    }
    memcpy(value + size, json, strlen(json));
    write_be32(extras, json_size);
    asked.extras = extras;
    asked.extras_size = asked.extras_size > 0 ? asked.extras_size : 4;
    asked.key = "k";
    asked.value = value;
    asked.value_size = size + strlen(json);
    return client_ask(client, MCBP_MUTATE_WITH_META, &asked);
}

static const struct kvr_response *mutate(struct client *client, struct asked asked,
                                         const char *json)
{
    return mutate_sized(client, asked, json, (uint32_t)strlen(json));
}

#define mutate_with(client, json, ...) mutate(client, (struct asked){__VA_ARGS__}, json)

static void refused(const struct kvr_response *response, const char *context)
{
    char text[200];
    snprintf(text, sizeof(text), "{\"error\":{\"context\":\"%s\"}}", context);
    has_status(response, INVALID_ARGUMENTS);
    assert_int_equal(response->value_size, strlen(text));
    assert_memory_equal(response->value, text, strlen(text));
}

/* Two attributes with room for a number each, and a body. */
static const char ROOM[] = "\0\0\0\x3a\0\0\0\x18_s\0\"000000000000000000\"\0"
                           "\0\0\0\x1a"
                           "user\0\"000000000000000000\"\0{}";
enum { ROOM_SIZE = sizeof(ROOM) - 1 };

static void a_document_has_the_meta_data_that_is_told(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_MUTATION_SEQNO);
    const struct kvr_response *response =
        mutate_with(client,
                    "{\"command\":\"set\",\"cas\":\"0x1000\",\"rev_seqno\":\"10\",\"flags\":"
                    "\"0xdeadbeef\",\"expiration\":1800000000,\"options\":0}",
                    .value = "text");
    has_status(response, SUCCESS);
    assert_int_equal(response->cas, 0x1000);
    assert_int_equal(response->extras_size, 16);
    gives(ask(client, GET, .key = "k"), "text");
    response = ask(client, GET_META, .key = "k");
    const uint8_t *extras = response->extras;
    assert_int_equal(read_be32(extras + 4), 0xdeadbeef);
    assert_int_equal(read_be32(extras + 8), 1800000000);
    assert_int_equal(read_be64(extras + 12), 10);
    has_status(mutate_with(client, "{\"command\":\"add\",\"cas\":8,\"rev_seqno\":11,\"flags\":0,"
                                   "\"expiration\":0,\"options\":\"0x8\"}"),
               KEY_EXISTS);
    has_status(mutate_with(client, "{\"command\":\"set\",\"cas\":8,\"rev_seqno\":9,\"flags\":0,"
                                   "\"expiration\":0,\"options\":0}"),
               KEY_EXISTS);
    has_status(mutate_with(client, "{\"command\":\"delete\",\"cas\":8,\"rev_seqno\":11,\"flags\":0,"
                                   "\"expiration\":0,\"options\":0}"),
               SUCCESS);
    has_status(ask(client, GET, .key = "k"), KEY_NOT_FOUND);
}

static void attributes_get_the_numbers_of_the_change(void **state)
{
    char expected[] = "\"0x0000000000000000\"";
    const uint8_t extras[3] = {0, 2, 4};
    const uint8_t of_user[3] = {0, 4, 4};
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_XATTR);
    client_set(client, "other", "1");
    const struct kvr_response *response = mutate_with(
        client,
        "{\"command\":\"set\",\"flags\":0,\"expiration\":0,\"options\":12,\"cas_offsets\":[12],"
        "\"seqno_offsets\":[42]}",
        .value = ROOM, .value_size = ROOM_SIZE, .datatype = MCBP_DATATYPE_XATTR);
    has_status(response, SUCCESS);
    uint8_t cas[8];
    write_be64(cas, response->cas);
    for (int i = 0; i < 8; i++) { /* in the order of little-endian machines */
        snprintf(expected + 3 + 2 * i, 3, "%02x", cas[7 - i]);
    }
    expected[19] = '"';
    gives(ask(client, SUBDOC_GET, .extras = extras, .extras_size = 3, .key = "k", .value = "_s"),
          expected);
    gives(ask(client, SUBDOC_GET, .extras = of_user, .extras_size = 3, .key = "k", .value = "user"),
          "\"0x0000000000000002\"");
}

static void what_came_compressed_is_kept_inflated(void **state)
{
    char value[300];
    char packed[400];
    uint8_t extras[4];
    size_t size = sizeof(packed);
    static const char json[] = "{\"command\":\"set\",\"cas\":8,\"flags\":0,\"expiration\":0,"
                               "\"options\":8}";
    struct client *client = *state;
    memset(value, 'x', sizeof(value));
    memcpy(value + sizeof(value) - strlen(json), json, strlen(json));
    assert_int_equal(snappy_compress(value, sizeof(value), packed, &size), SNAPPY_OK);
    write_be32(extras, (uint32_t)strlen(json));
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_SNAPPY);
    has_status(ask(client, MUTATE_WITH_META, .extras = extras, .extras_size = 4, .key = "k",
                   .value = packed, .value_size = size, .datatype = MCBP_DATATYPE_SNAPPY),
               SUCCESS);
    const struct kvr_response *response = ask(client, GET, .key = "k");
    assert_int_equal(response->datatype, 0);
    assert_int_equal(response->value_size, sizeof(value) - strlen(json));
}

#define MEMBERS "\"flags\":0,\"expiration\":0,"

static void what_does_not_fit_together_is_refused(void **state)
{
    struct client *client = *state;
    static const struct {
        const char *json;
        const char *context;
    } rows[] = {
        {"{\"command\":\"set\"," MEMBERS "\"options\":8}",
         "CAS must be specified unless options contains REGENERATE_CAS"},
        {"{\"command\":\"set\"," MEMBERS "\"cas\":1,\"options\":12}",
         "CAS cannot be specified when REGENERATE_CAS option is set"},
        {"{\"command\":\"set\"," MEMBERS "\"cas\":1,\"options\":8,\"seqno_offsets\":[12]}",
         "seqno_offsets cannot be specified when cas is set"},
        {"{\"command\":\"set\"," MEMBERS "\"options\":4}",
         "GenerateCas::Yes then we must have CheckConflicts::No"},
        {"{\"command\":\"set\"," MEMBERS "\"options\":12,\"cas_offsets\":[45]}",
         "CAS offset [45, 63] is out of bounds of the xattr section [0, 62]"},
        {"{\"command\":\"set\"," MEMBERS "\"options\":12,\"seqno_offsets\":[-1]}", NULL},
        {"{\"command\":\"set\"," MEMBERS "\"options\":12,\"cas_offsets\":[11]}",
         "Patching seqno and cas would garble the xattr section"},
        {"{\"command\":\"delete\"," MEMBERS "\"cas\":1,\"options\":8}",
         "Delete with meta: Document cannot have a body"},
        {"{\"command\":\"set\",\"flags\":0,\"options\":8}",
         "Failed to validate input: Missing required field: expiration"},
        {"{\"command\":\"set\"," MEMBERS "\"cas\":\"0x11223344556677889\",\"options\":8}", NULL},
        {"{\"command\":\"set\"," MEMBERS "\"cas\":\"x\",\"options\":8}", NULL},
        {"{\"command\":\"touch\"," MEMBERS "\"cas\":1,\"options\":8}", NULL},
        {"[]", NULL},
        {"", NULL},
    };
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_XATTR);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct kvr_response *response =
            mutate_with(client, rows[i].json, .value = ROOM, .value_size = ROOM_SIZE,
                        .datatype = MCBP_DATATYPE_XATTR);
        has_status(response, INVALID_ARGUMENTS);
        if (rows[i].context != NULL) {
            refused(response, rows[i].context);
        }
    }
    refused(mutate_with(client, "{\"command\":\"delete\"," MEMBERS "\"cas\":1,\"options\":8}",
                        .value = ROOM, .value_size = ROOM_SIZE - 2,
                        .datatype = MCBP_DATATYPE_XATTR),
            "Delete with meta: user-xattrs is not allowed");
    refused(mutate_with(client, "{}", .extras_size = 3), "Invalid extras length");
    refused(mutate_sized(client, (struct asked){0}, "{}", 3), "Invalid metadata length");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(a_document_has_the_meta_data_that_is_told),
        client_test(attributes_get_the_numbers_of_the_change),
        client_test(what_came_compressed_is_kept_inflated),
        client_test(what_does_not_fit_together_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
