/* Subdocument commands on documents: results, statuses, and what is stored by them. The edits of
 * JSON text have tests of their own (tests/subdoc). */
#include "base/buffer.h"
#include "base/endian.h"
#include "client.h"
#include "mcbp/subdoc_spec.h"

#include <stdio.h>
#include <string.h>

enum { ATTRIBUTE = MCBP_SUBDOC_PATH_XATTR, MACRO = MCBP_SUBDOC_PATH_EXPAND_MACROS };
enum { MAKES = MCBP_SUBDOC_DOC_MKDOC, ADDS = MCBP_SUBDOC_DOC_ADD };

struct spec {
    uint8_t opcode;
    uint8_t flags;
    const char *path;
    const char *value; /* NULL: a lookup */
};

static void add_spec(struct buffer *specs, const struct spec *spec)
{
    uint8_t *head = buffer_extend(specs, spec->value == NULL ? 4 : 8);
    head[0] = spec->opcode;
    head[1] = spec->flags;
    write_be16(head + 2, (uint16_t)strlen(spec->path));
    if (spec->value != NULL) {
        write_be32(head + 4, (uint32_t)strlen(spec->value));
    }
    assert_true(buffer_append(specs, span_of(spec->path, strlen(spec->path))));
    if (spec->value != NULL) {
        assert_true(buffer_append(specs, span_of(spec->value, strlen(spec->value))));
    }
}

static const struct kvr_response *multi(struct client *client, uint8_t opcode, uint8_t flags,
                                        const struct spec *specs, size_t count)
{
    struct buffer value = {0};
    for (size_t i = 0; i < count; i++) {
        add_spec(&value, &specs[i]);
    }
    const struct kvr_response *response =
        client_ask(client, opcode,
                   &(struct asked){.extras = &flags,
                                   .extras_size = flags != 0,
                                   .key = "k",
                                   .value = (const char *)buffer_span(&value).data,
                                   .value_size = buffer_span(&value).size});
    buffer_deinit(&value);
    return response;
}

#define look_up(client, ...)                                                                       \
    multi(client, MCBP_SUBDOC_MULTI_LOOKUP, 0, (const struct spec[]){__VA_ARGS__},                 \
          sizeof((const struct spec[]){__VA_ARGS__}) / sizeof(struct spec))
#define edit(client, flags, ...)                                                                   \
    multi(client, MCBP_SUBDOC_MULTI_MUTATION, flags, (const struct spec[]){__VA_ARGS__},           \
          sizeof((const struct spec[]){__VA_ARGS__}) / sizeof(struct spec))

static void has_bytes(const struct kvr_response *response, const char *bytes, size_t size)
{
    assert_int_equal(response->value_size, size);
    assert_memory_equal(response->value, bytes, size);
}
#define has(response, text) has_bytes(response, text, sizeof(text) - 1)

static void log_in_fully(struct client *client)
{
    log_in(client, MCBP_FEATURE_XATTR, MCBP_FEATURE_XERROR, MCBP_FEATURE_JSON,
           MCBP_FEATURE_MUTATION_SEQNO);
}

static const struct kvr_response *body(struct client *client)
{
    return ask(client, GET, .key = "k");
}

static void each_path_of_a_lookup_has_a_result(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    uint64_t cas = client_set(client, "k", "{\"a\":[1,2],\"b\":\"x\"}");
    const struct kvr_response *response =
        look_up(client, {MCBP_SUBDOC_GET, 0, "a[1]", NULL}, {MCBP_SUBDOC_EXISTS, 0, "b", NULL},
                {MCBP_SUBDOC_GET_COUNT, 0, "a", NULL});
    has_status(response, SUCCESS);
    assert_int_equal(response->cas, cas);
    assert_int_equal(response->datatype, 0);
    has(response, "\0\0\0\0\0\0012"
                  "\0\0\0\0\0\0"
                  "\0\0\0\0\0\0012");
}

static void a_lookup_with_a_failure_says_so_in_its_status(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{\"a\":1}");
    const struct kvr_response *response =
        look_up(client, {MCBP_SUBDOC_GET, 0, "b", NULL}, {MCBP_SUBDOC_GET, 0, "a", NULL});
    has_status(response, SUBDOC_MULTI_PATH_FAILURE);
    has(response, "\0\xc0\0\0\0\0"
                  "\0\0\0\0\0\0011");
}

static void a_missing_document_has_no_paths(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    const struct kvr_response *response = look_up(client, {MCBP_SUBDOC_GET, 0, "b", NULL});
    has_status(response, KEY_NOT_FOUND);
    assert_int_equal(response->value_size, 0);
    has_status(edit(client, 0, {MCBP_SUBDOC_DICT_UPSERT, 0, "a", "1"}), KEY_NOT_FOUND);
}

static void edits_are_done_in_their_order_and_counters_tell_what_they_came_to(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{ \"n\":1 }");
    const struct kvr_response *response =
        edit(client, 0, {MCBP_SUBDOC_DICT_ADD, 0, "a", "[]"},
             {MCBP_SUBDOC_ARRAY_PUSH_LAST, 0, "a", "true"}, {MCBP_SUBDOC_COUNTER, 0, "n", "41"});
    has_status(response, SUCCESS);
    has(response, "\2\0\0\0\0\0\00242");
    assert_int_equal(response->extras_size, 16);
    gives(body(client), "{ \"n\":42 ,\"a\":[true]}");
    assert_int_equal(body(client)->cas, response->cas);
}

static void one_edit_that_fails_undoes_all(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{\"n\":1}");
    const struct kvr_response *response = edit(client, 0, {MCBP_SUBDOC_DICT_UPSERT, 0, "a", "2"},
                                               {MCBP_SUBDOC_DICT_ADD, 0, "n", "3"});
    has_status(response, SUBDOC_MULTI_PATH_FAILURE);
    has(response, "\1\0\xc9");
    assert_int_equal(response->extras_size + response->cas, 0);
    gives(body(client), "{\"n\":1}");
}

static void a_document_is_made_if_that_is_asked_for(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    has_status(edit(client, MAKES, {MCBP_SUBDOC_DICT_UPSERT, 0, "a.b", "1"}), SUCCESS);
    gives(body(client), "{\"a\":{\"b\":1}}");
    has_status(edit(client, ADDS, {MCBP_SUBDOC_DICT_UPSERT, 0, "a", "1"}), KEY_EXISTS);
    ask(client, DELETE, .key = "k");
    has_status(edit(client, ADDS, {MCBP_SUBDOC_ARRAY_PUSH_LAST, 0, "", "1,2"}), SUCCESS);
    gives(body(client), "[1,2]");
}

static void what_is_not_json_has_no_paths(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "text");
    has(look_up(client, {MCBP_SUBDOC_GET, 0, "a", NULL}, {MCBP_GET, 0, "", NULL}),
        "\0\xc6\0\0\0\0"
        "\0\0\0\0\0\4text");
    has(edit(client, 0, {MCBP_SUBDOC_DICT_UPSERT, 0, "a", "1"}), "\0\0\xc6");
}

static void a_single_command_answers_with_the_value_alone(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{\"a\":1}");
    const struct kvr_response *response =
        ask(client, SUBDOC_GET, .extras = "\0\1\0", .extras_size = 3, .key = "k", .value = "a");
    gives(response, "1");
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON);
    response =
        ask(client, SUBDOC_GET, .extras = "\0\1\0", .extras_size = 3, .key = "k", .value = "b");
    has_status(response, SUBDOC_PATH_NOT_FOUND);
    response = ask(client, SUBDOC_COUNTER, .extras = "\0\1\0", .extras_size = 3, .key = "k",
                   .value = "a5");
    gives(response, "6");
    assert_int_equal(response->extras_size, 16);
    response = ask(client, SUBDOC_DICT_UPSERT, .extras = "\0\1\0", .extras_size = 3, .key = "k",
                   .value = "b7");
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, 0);
    gives(body(client), "{\"a\":6,\"b\":7}");
}

/* ------------------------------------------------------------------------- extended attributes */

static void attributes_are_beside_the_body_and_outlive_its_changes(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{}");
    has_status(edit(client, 0, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "meta", "{\"x\":1}"}), SUCCESS);
    gives(body(client), "{}");
    client_set(client, "k", "[]");
    has(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "meta.x", NULL}), "\0\0\0\0\0\0011");
    has_status(edit(client, 0, {MCBP_SUBDOC_DELETE, ATTRIBUTE, "meta", ""}), SUCCESS);
    has_status(look_up(client, {MCBP_SUBDOC_EXISTS, ATTRIBUTE, "meta", NULL}),
               SUBDOC_MULTI_PATH_FAILURE);
    has_status(ask(client, DELETE, .key = "k"), SUCCESS);
}

static void attributes_need_to_be_granted_and_to_come_first(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    client_set(client, "k", "{}");
    has_status(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "meta", NULL}), NOT_SUPPORTED);
    log_in_fully(client);
    has_status(look_up(client, {MCBP_GET, 0, "", NULL}, {MCBP_SUBDOC_GET, ATTRIBUTE, "m", NULL}),
               SUBDOC_INVALID_XATTR_ORDER);
}

static void macros_become_what_the_change_gives_the_document(void **state)
{
    char expected[64];
    uint8_t cas[8];
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{}");
    const struct kvr_response *response =
        edit(client, 0, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE | MACRO, "m", "\"${Mutation.CAS}\""});
    has_status(response, SUCCESS);
    write_be64(cas, response->cas);
    snprintf(expected, sizeof(expected), "\"0x%02x%02x%02x%02x%02x%02x%02x%02x\"", cas[7], cas[6],
             cas[5], cas[4], cas[3], cas[2], cas[1], cas[0]);
    response = look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "m", NULL});
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, 6 + strlen(expected));
    assert_memory_equal((const char *)response->value + 6, expected, strlen(expected));
    /* of the body that the same request makes; 0xe3069283 is CRC32C's check value */
    has_status(
        edit(client, 0,
             {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE | MACRO, "m", "\"${Mutation.value_crc32c}\""},
             {MCBP_SET, 0, "", "123456789"}),
        SUCCESS);
    response = look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "m", NULL});
    assert_memory_equal((const char *)response->value + 6, "\"0xe3069283\"", 12);
}

static void the_server_tells_about_a_document_in_a_virtual_attribute(void **state)
{
    static const uint8_t extras[8] = {0, 0, 0, 5, 0, 0, 0, 100};
    struct client *client = *state;
    log_in_fully(client);
    ask(client, SET, .extras = extras, .extras_size = 8, .key = "k", .value = "123456789");
    has(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "$document.exptime", NULL},
                {MCBP_SUBDOC_GET, ATTRIBUTE, "$document.flags", NULL},
                {MCBP_SUBDOC_GET, ATTRIBUTE, "$document.value_crc32c", NULL},
                {MCBP_SUBDOC_GET, ATTRIBUTE, "$document.revid", NULL}),
        "\0\0\0\0\0\0121700000100"
        "\0\0\0\0\0\0015"
        "\0\0\0\0\0\014\"0xe3069283\""
        "\0\0\0\0\0\003\"1\"");
    has(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "$documents.flags", NULL}), "\0\xd1\0\0\0\0");
}

static void an_edit_removes_the_expiry_unless_it_is_to_be_preserved(void **state)
{
    static const uint8_t extras[8] = {0, 0, 0, 0, 0, 0, 0, 100};
    struct client *client = *state;
    log_in_fully(client);
    ask(client, SET, .extras = extras, .extras_size = 8, .key = "k", .value = "{}");
    has_status(ask(client, SUBDOC_DICT_UPSERT, .framing = "\x50", .framing_size = 1,
                   .extras = "\0\1\0", .extras_size = 3, .key = "k", .value = "a1"),
               SUCCESS);
    assert_int_equal(read_be32((const uint8_t *)ask(client, GET_META, .key = "k")->extras + 8),
                     client->now + 100);
    ask(client, SUBDOC_DICT_UPSERT, .extras = "\0\1\0", .extras_size = 3, .key = "k",
        .value = "a1");
    assert_int_equal(read_be32((const uint8_t *)ask(client, GET_META, .key = "k")->extras + 8), 0);
}

enum {
    SEES = MCBP_SUBDOC_DOC_ACCESS_DELETED,
    BURIED = MCBP_SUBDOC_DOC_CREATE_AS_DELETED,
    REVIVES = MCBP_SUBDOC_DOC_REVIVE_DOCUMENT,
};

static void system_attributes_outlive_the_document(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{}");
    edit(client, 0, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "_s", "1"},
         {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "user", "2"});
    /* what keeps attributes takes one sequence number, though it is to be durable */
    const struct kvr_response *response =
        ask(client, DELETE, .framing = "\x11\1", .framing_size = 2, .key = "k");
    assert_int_equal(read_be64((const uint8_t *)response->extras + 8), 3);
    has_status(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "_s", NULL}), KEY_NOT_FOUND);
    response = multi(client, MCBP_SUBDOC_MULTI_LOOKUP, SEES,
                     (const struct spec[]){{MCBP_SUBDOC_GET, ATTRIBUTE, "_s", NULL},
                                           {MCBP_SUBDOC_GET, ATTRIBUTE, "user", NULL}},
                     2);
    has_status(response, SUBDOC_MULTI_PATH_FAILURE_DELETED);
    has(response, "\0\0\0\0\0\0011\0\xc0\0\0\0\0");
    client_set(client, "k", "{}");
    has(look_up(client, {MCBP_SUBDOC_EXISTS, ATTRIBUTE, "_s", NULL}), "\0\xc0\0\0\0\0");
}

static void a_document_may_be_created_as_deleted_and_be_revived(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    has_status(edit(client, MAKES | BURIED, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "user", "1"}),
               SUBDOC_SUCCESS_DELETED);
    has_status(body(client), KEY_NOT_FOUND);
    has_status(edit(client, ADDS | BURIED, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "user", "1"}),
               NOT_STORED);
    has_status(edit(client, SEES, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "user", "2"}),
               SUBDOC_SUCCESS_DELETED);
    has_status(edit(client, SEES | REVIVES, {MCBP_SUBDOC_REPLACE, ATTRIBUTE, "user", "3"}),
               SUCCESS);
    gives(body(client), "");
    has(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "user", NULL}), "\0\0\0\0\0\0013");
    has_status(edit(client, SEES | REVIVES, {MCBP_SUBDOC_REPLACE, ATTRIBUTE, "user", "3"}),
               SUBDOC_CAN_ONLY_REVIVE_DELETED_DOCUMENTS);
}

static void a_deleted_document_has_no_body(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    edit(client, MAKES | BURIED, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "user", "{\"a\":1}"});
    has_status(edit(client, SEES, {MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR, ATTRIBUTE, "user", ""}),
               SUBDOC_DELETED_DOCUMENT_CANNOT_HAVE_VALUE);
    has_status(
        edit(client, SEES | REVIVES, {MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR, ATTRIBUTE, "user", ""}),
        SUCCESS);
    gives(body(client), "{\"a\":1}");
}

static void a_deleted_document_can_not_be_removed_with_its_last_attributes(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    edit(client, MAKES | BURIED, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "user", "1"});
    has_status(edit(client, SEES, {MCBP_DELETE, 0, "", ""}), KEY_NOT_FOUND);
    edit(client, SEES, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "_s", "1"});
    has_status(edit(client, SEES, {MCBP_DELETE, 0, "", ""}), SUBDOC_SUCCESS_DELETED);
}

static void attributes_are_kept_sorted_and_without_blanks(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{}");
    edit(client, 0, {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "u", "{\"b\": [1, 2], \"a\": 1}"},
         {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE, "_s", "1"});
    has(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "u", NULL},
                {MCBP_SUBDOC_GET, ATTRIBUTE, "$XTOC", NULL}),
        "\0\0\0\0\0\021{\"a\":1,\"b\":[1,2]}"
        "\0\0\0\0\0\012[\"_s\",\"u\"]");
    has(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "$vbucket.HLC.mode", NULL}),
        "\0\0\0\0\0\6\"real\"");
}

static void macros_tell_what_the_document_was_before(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{\"a\":1}");
    edit(client, 0,
         {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE | MACRO, "u", "\"${$document.value_bytes}\""},
         {MCBP_SUBDOC_REPLACE, 0, "a", "12345"});
    has(look_up(client, {MCBP_SUBDOC_GET, ATTRIBUTE, "u", NULL}), "\0\0\0\0\0\0017");
    has(edit(client, 0,
             {MCBP_SUBDOC_DICT_UPSERT, ATTRIBUTE | MACRO, "u", "\"${$document.value_crc32c}\""}),
        "\0\0\xd5");
}

static void an_attribute_may_be_no_json(void **state)
{
    enum { BINARY = ATTRIBUTE | MCBP_SUBDOC_PATH_BINARY };
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{}");
    edit(client, 0, {MCBP_SUBDOC_DICT_UPSERT, BINARY, "u", "{]"});
    has(look_up(client, {MCBP_SUBDOC_GET, BINARY, "u", NULL},
                {MCBP_SUBDOC_GET, ATTRIBUTE, "u", NULL},
                {MCBP_SUBDOC_GET, BINARY, "$document.revid", NULL}),
        "\0\0\0\0\0\2{]"
        "\0\0\0\0\0\040\"cb-content-base64-encoded:e10=\""
        "\0\xd8\0\0\0\0");
    edit(client, 0, {MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR, BINARY, "u", ""});
    gives(body(client), "{]");
}

static void a_lookup_may_have_a_cas(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    uint64_t cas = client_set(client, "k", "{\"a\":1}");
    has_status(ask(client, SUBDOC_GET, .extras = "\0\1\0", .extras_size = 3, .key = "k",
                   .value = "a", .cas = cas),
               SUCCESS);
    has_status(ask(client, SUBDOC_GET, .extras = "\0\1\0", .extras_size = 3, .key = "k",
                   .value = "a", .cas = cas + 1),
               KEY_EXISTS);
}

static void a_lookup_of_a_locked_document_does_not_tell_its_cas(void **state)
{
    struct client *client = *state;
    log_in_fully(client);
    client_set(client, "k", "{\"a\":1}");
    ask(client, GET_LOCKED, .key = "k");
    assert_true(look_up(client, {MCBP_SUBDOC_GET, 0, "a", NULL})->cas == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(each_path_of_a_lookup_has_a_result),
        client_test(a_lookup_with_a_failure_says_so_in_its_status),
        client_test(a_missing_document_has_no_paths),
        client_test(edits_are_done_in_their_order_and_counters_tell_what_they_came_to),
        client_test(one_edit_that_fails_undoes_all),
        client_test(a_document_is_made_if_that_is_asked_for),
        client_test(what_is_not_json_has_no_paths),
        client_test(a_single_command_answers_with_the_value_alone),
        client_test(attributes_are_beside_the_body_and_outlive_its_changes),
        client_test(attributes_need_to_be_granted_and_to_come_first),
        client_test(macros_become_what_the_change_gives_the_document),
        client_test(the_server_tells_about_a_document_in_a_virtual_attribute),
        client_test(an_edit_removes_the_expiry_unless_it_is_to_be_preserved),
        client_test(system_attributes_outlive_the_document),
        client_test(a_document_may_be_created_as_deleted_and_be_revived),
        client_test(a_deleted_document_has_no_body),
        client_test(a_deleted_document_can_not_be_removed_with_its_last_attributes),
        client_test(attributes_are_kept_sorted_and_without_blanks),
        client_test(macros_tell_what_the_document_was_before),
        client_test(an_attribute_may_be_no_json),
        client_test(a_lookup_may_have_a_cas),
        client_test(a_lookup_of_a_locked_document_does_not_tell_its_cas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
