/* GET_EX: all that is stored of a document, as it is stored. */
#include "base/endian.h"
#include "client.h"

#include <snappy-c.h>
#include <string.h>

#define TAKES_ALL MCBP_FEATURE_XATTR, MCBP_FEATURE_JSON, MCBP_FEATURE_SNAPPY_EVERYWHERE

/* {"_s":{"a": 1}} and {"u":"b"}, and a body. */
static const char WHOLE[] = "\0\0\0\x1a\0\0\0\x0c_s\0{\"a\": 1}\0\0\0\0\6u\0\"b\"\0{\"n\":[]}";
enum { WHOLE_SIZE = sizeof(WHOLE) - 1, ALL_DATATYPES = 7 };

/* Stores all of it at once. */
static void put(struct client *client, const void *value, size_t size, uint8_t datatype)
{
    const uint8_t extras[24] = {[3] = 6, [15] = 1, [23] = 1};
    has_status(ask(client, SET_WITH_META, .extras = extras, .extras_size = sizeof(extras),
                   .key = "k", .value = value, .value_size = size, .datatype = datatype),
               SUCCESS);
}

static void edit(struct client *client, const char *path, uint8_t flags, const char *value)
{
    char both[64];
    const uint8_t extras[4] = {0, (uint8_t)strlen(path), flags, 1};
    strcat(strcpy(both, path), value);
    has_status(ask(client, SUBDOC_DICT_UPSERT, .extras = extras, .extras_size = 4, .key = "k",
                   .value = both),
               SUCCESS);
}

static void is_whole(const struct kvr_response *response, const void *value, size_t size,
                     uint8_t datatype)
{
    has_status(response, SUCCESS);
    assert_int_equal(response->extras_size, 4);
    assert_int_equal(response->key_size, 0);
    assert_int_equal(response->datatype, datatype);
    assert_int_equal(response->value_size, size);
    assert_memory_equal(response->value, value, size);
}

static void attributes_and_value_come_as_they_are_stored(void **state)
{
    struct client *client = *state;
    log_in(client, TAKES_ALL);
    put(client, WHOLE, WHOLE_SIZE, MCBP_DATATYPE_XATTR);
    const struct kvr_response *response = ask(client, GET_EX, .key = "k");
    is_whole(response, WHOLE, WHOLE_SIZE, MCBP_DATATYPE_XATTR | MCBP_DATATYPE_JSON);
    assert_int_equal(read_be32(response->extras), 6);
    assert_int_equal(response->cas, 1);
    gives(ask(client, GET, .key = "k"), "{\"n\":[]}");
}

static void attributes_that_are_edited_are_sorted_by_name(void **state)
{
    struct client *client = *state;
    enum { OF_XATTR = 4 };
    log_in(client, TAKES_ALL);
    client_set(client, "k", "text");
    edit(client, "u", OF_XATTR, "{\"b\" : [1, \"},\\\"\"]}");
    edit(client, "_s", OF_XATTR, "7");
    is_whole(ask(client, GET_EX, .key = "k"),
             "\0\0\0\x20\0\0\0\5_s\0007\0\0\0\0\x13u\0{\"b\":[1,\"},\\\"\"]}\0text", 40,
             MCBP_DATATYPE_XATTR);
}

static void a_document_without_attributes_is_its_value(void **state)
{
    struct client *client = *state;
    log_in(client, TAKES_ALL);
    client_set(client, "k", "[1]");
    is_whole(ask(client, GET_EX, .key = "k"), "[1]", 3, MCBP_DATATYPE_JSON);
    client_set(client, "k", "");
    is_whole(ask(client, GET_EX, .key = "k"), "", 0, 0);
}

static void what_came_compressed_is_sent_compressed(void **state)
{
    char text[WHOLE_SIZE + 100];
    char packed[300];
    size_t size = sizeof(packed);
    struct client *client = *state;
    memset(text, ' ', sizeof(text));
    memcpy(text, WHOLE, WHOLE_SIZE);
    assert_int_equal(snappy_compress(text, sizeof(text), packed, &size), SNAPPY_OK);
    log_in(client, TAKES_ALL);
    put(client, packed, size, MCBP_DATATYPE_XATTR | MCBP_DATATYPE_SNAPPY);
    is_whole(ask(client, GET_EX, .key = "k"), packed, size, ALL_DATATYPES);
    const struct kvr_response *response =
        ask(client, GET_META, .key = "k", .extras = "\2", .extras_size = 1);
    assert_int_equal(((const uint8_t *)response->extras)[20], ALL_DATATYPES);
    response = ask(client, GET, .key = "k");
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON);
    assert_int_equal(response->value_size, 108);
    edit(client, "n", 0, "[]"); /* which inflates it */
    is_whole(ask(client, GET_EX, .key = "k"), text, sizeof(text),
             MCBP_DATATYPE_XATTR | MCBP_DATATYPE_JSON);
}

static void attributes_may_be_none(void **state)
{
    char packed[100];
    size_t size = sizeof(packed);
    static const char none[] = "\0\0\0\0[\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]";
    struct client *client = *state;
    log_in(client, TAKES_ALL);
    put(client, none, sizeof(none) - 1, MCBP_DATATYPE_XATTR);
    is_whole(ask(client, GET_EX, .key = "k"), none, sizeof(none) - 1,
             MCBP_DATATYPE_XATTR | MCBP_DATATYPE_JSON);
    ask(client, DELETE, .key = "k");
    assert_int_equal(snappy_compress(none, sizeof(none) - 1, packed, &size), SNAPPY_OK);
    has_status(ask(client, SET_WITH_META, .extras = (uint8_t[24]){[8] = 1, [23] = 1},
                   .extras_size = 24, .key = "k", .value = packed, .value_size = size,
                   .datatype = MCBP_DATATYPE_XATTR | MCBP_DATATYPE_SNAPPY),
               SUCCESS);
    is_whole(ask(client, GET_EX, .key = "k"), packed, size, ALL_DATATYPES);
    gives(ask(client, GET, .key = "k"), none + 4);
}

/* The last of several faults to be looked at, and each is named. */
static void clients_have_to_take_all_that_may_be_stored(void **state)
{
    struct client *client = *state;
    static const char text[] = "{\"error\":{\"context\":\"JSON support must be enabled\"}}";
    log_in(client, MCBP_FEATURE_XATTR, MCBP_FEATURE_SNAPPY_EVERYWHERE);
    const struct kvr_response *response = ask(client, GET_EX, .key = "k");
    has_status(response, NOT_SUPPORTED);
    assert_int_equal(response->value_size, sizeof(text) - 1);
    assert_memory_equal(response->value, text, sizeof(text) - 1);
    has_status(ask(client, GET_EX, .key = "k", .cas = 1), INVALID_ARGUMENTS);
    log_in(client, MCBP_FEATURE_XATTR, MCBP_FEATURE_JSON, MCBP_FEATURE_SNAPPY);
    has_status(ask(client, GET_EX, .key = "k"), NOT_SUPPORTED);
    log_in(client, MCBP_FEATURE_JSON, MCBP_FEATURE_SNAPPY_EVERYWHERE);
    has_status(ask(client, GET_EX_REPLICA, .key = "k"), NOT_SUPPORTED);
    has_status(ask(client, GET_EX, .key = "k", .vbucket = 99), NOT_SUPPORTED);
}

static void what_is_not_there_or_locked_shows(void **state)
{
    struct client *client = *state;
    log_in(client, TAKES_ALL);
    has_status(ask(client, GET_EX, .key = "k"), KEY_NOT_FOUND);
    client_set(client, "k", "text");
    ask(client, GET_LOCKED, .key = "k");
    const struct kvr_response *response = ask(client, GET_EX, .key = "k");
    has_status(response, SUCCESS);
    assert_int_equal(response->cas, UINT64_MAX);
    has_status(ask(client, GET_EX, .key = "k", .vbucket = 99), NOT_MY_VBUCKET);
    has_status(ask(client, GET_EX_REPLICA, .key = "k"), NOT_MY_VBUCKET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(attributes_and_value_come_as_they_are_stored),
        client_test(attributes_that_are_edited_are_sorted_by_name),
        client_test(a_document_without_attributes_is_its_value),
        client_test(what_came_compressed_is_sent_compressed),
        client_test(attributes_may_be_none),
        client_test(clients_have_to_take_all_that_may_be_stored),
        client_test(what_is_not_there_or_locked_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
