/* Changes that bring their meta data with them. */
#include "base/endian.h"
#include "client.h"

#include <string.h>

enum { FORCE_ACCEPT = 2, REGENERATE_CAS = 4, SKIP_CONFLICT = 8, NO_OPTIONS = -1 };

struct meta {
    uint32_t flags;
    uint32_t expiry;
    uint64_t revision;
    uint64_t cas;
    int options;
};

static const struct meta first = {1, 0, 10, 0x1000, NO_OPTIONS};

static const struct kvr_response *change(struct client *client, uint8_t opcode,
                                         const struct meta *meta, struct asked asked)
{
    uint8_t extras[28];
    write_be32(extras, meta->flags);
    write_be32(extras + 4, meta->expiry);
    write_be64(extras + 8, meta->revision);
    write_be64(extras + 16, meta->cas);
    write_be32(extras + 24, (uint32_t)meta->options);
    asked.extras = extras;
    asked.extras_size = meta->options == NO_OPTIONS ? 24 : 28;
    asked.key = "k";
    return client_ask(client, opcode, &asked);
}

#define META(...) (&(const struct meta){__VA_ARGS__})
#define change_with(client, opcode, meta, ...)                                                     \
    change(client, MCBP_##opcode, meta, (struct asked){__VA_ARGS__})

static void expect_meta(struct client *client, bool deleted, const struct meta *meta)
{
    const struct kvr_response *response = ask(client, GET_META, .key = "k");
    const uint8_t *extras = response->extras;
    has_status(response, SUCCESS);
    assert_int_equal(read_be32(extras), deleted);
    assert_int_equal(read_be32(extras + 4), meta->flags);
    assert_int_equal(read_be32(extras + 8), meta->expiry);
    assert_int_equal(read_be64(extras + 12), meta->revision);
    assert_int_equal(response->cas, meta->cas);
}

static void a_document_has_the_meta_data_that_it_came_with(void **state)
{
    struct client *client = *state;
    const struct meta meta = {0x02000006, 1800000000, 10, 0x1000, NO_OPTIONS};
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_MUTATION_SEQNO);
    const struct kvr_response *response =
        change_with(client, SET_WITH_META, &meta, .value = "text");
    has_status(response, SUCCESS);
    assert_int_equal(response->cas, 0x1000);
    assert_int_equal(response->extras_size, 16);
    assert_int_equal(read_be64((const uint8_t *)response->extras + 8), 1);
    gives(ask(client, GET, .key = "k"), "text");
    expect_meta(client, false, &meta);
    assert_null(change_with(client, SETQ_WITH_META, META(0, 0, 11, 1, NO_OPTIONS)));
}

static void the_clock_goes_on_from_a_cas_that_is_ahead_of_it(void **state)
{
    struct client *client = *state;
    const struct meta ahead = {0, 0, 1, 0x7000000000000000, NO_OPTIONS};
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(change_with(client, SET_WITH_META, &ahead), SUCCESS);
    has_status(change_with(client, SET_WITH_META, META(0, 0, 2, 5, NO_OPTIONS)), SUCCESS);
    assert_int_equal(client_set(client, "k", "x"), 0x7000000000000001);
}

static void the_higher_revision_wins(void **state)
{
    struct client *client = *state;
    static const struct {
        struct meta meta;
        bool wins;
        bool wins_as_deletion;
    } rows[] = {
        {{1, 0, 9, 0x2000, NO_OPTIONS}, false, false},
        {{1, 0, 10, 0x0fff, NO_OPTIONS}, false, false},
        {{1, 0, 10, 0x1000, NO_OPTIONS}, false, false},
        {{1, 0, 10, 0x1001, NO_OPTIONS}, true, true},
        {{1, 0, 11, 0x0001, NO_OPTIONS}, true, true},
        {{1, 1800000000, 10, 0x1000, NO_OPTIONS}, true, false},
        {{0x01000000, 0, 10, 0x1000, NO_OPTIONS}, false, false}, /* of little-endian machines */
        {{2, 0, 10, 0x1000, NO_OPTIONS}, true, false},
        {{1, 0, 1, 1, SKIP_CONFLICT}, true, true},
        {{1, 0, 1, 1, 1}, true, true},
        {{1, 0, 1, 1, 16}, false, false},
    };
    log_in(client, MCBP_FEATURE_XERROR);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct meta again = {1, 0, 10, 0x1000, SKIP_CONFLICT};
        has_status(change_with(client, SET_WITH_META, &again), SUCCESS);
        client_expect_status(change_with(client, SET_WITH_META, &rows[i].meta),
                             rows[i].wins ? MCBP_STATUS_SUCCESS : MCBP_STATUS_KEY_EXISTS);
        has_status(change_with(client, SET_WITH_META, &again), SUCCESS);
        client_expect_status(change_with(client, DELETE_WITH_META, &rows[i].meta),
                             rows[i].wins_as_deletion ? MCBP_STATUS_SUCCESS
                                                      : MCBP_STATUS_KEY_EXISTS);
    }
}

static void options_have_to_fit_together_and_to_the_bucket(void **state)
{
    struct client *client = *state;
    static const int refused[] = {FORCE_ACCEPT, REGENERATE_CAS, REGENERATE_CAS | FORCE_ACCEPT,
                                  FORCE_ACCEPT | SKIP_CONFLICT};
    log_in(client, MCBP_FEATURE_XERROR);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const struct meta meta = {0, 0, 1, 1, refused[i]};
        has_status(change_with(client, SET_WITH_META, &meta), INVALID_ARGUMENTS);
    }
    has_status(
        ask(client, SET_WITH_META, .key = "k", .extras = (uint8_t[25]){0}, .extras_size = 25),
        INVALID_ARGUMENTS);
    has_status(change_with(client, SET_WITH_META, META(0, 0, 1, 0, NO_OPTIONS)), CAS_VALUE_INVALID);
    has_status(change_with(client, DELETE_WITH_META, META(0, 0, 1, UINT64_MAX, 8)),
               CAS_VALUE_INVALID);
}

static void a_cas_can_be_made_anew(void **state)
{
    struct client *client = *state;
    const struct meta meta = {0, 0, 10, 0x1000, REGENERATE_CAS | SKIP_CONFLICT};
    log_in(client, MCBP_FEATURE_XERROR);
    const struct kvr_response *response = change_with(client, SET_WITH_META, &meta);
    has_status(response, SUCCESS);
    assert_true(response->cas > 0x1000);
}

static void add_takes_no_document_that_is_there(void **state)
{
    struct client *client = *state;
    const struct meta second = {1, 0, 11, 0x1000, NO_OPTIONS};
    const struct meta third = {1, 0, 12, 0x1000, NO_OPTIONS};
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(change_with(client, ADD_WITH_META, &first), SUCCESS);
    has_status(change_with(client, ADD_WITH_META, &second), KEY_EXISTS);
    has_status(change_with(client, DELETE_WITH_META, &second), SUCCESS);
    has_status(change_with(client, ADD_WITH_META, &first), KEY_EXISTS); /* its tombstone is newer */
    has_status(change_with(client, ADD_WITH_META, &third), SUCCESS);
}

static void a_deletion_needs_no_document_and_says_when_it_was(void **state)
{
    struct client *client = *state;
    const struct meta meta = {7, 1600000000, 10, 0x1000, NO_OPTIONS};
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(change_with(client, DELETE_WITH_META, &meta), SUCCESS);
    expect_meta(client, true, META(0, 1600000000, 10, 0x1000, 0));
    has_status(ask(client, GET, .key = "k"), KEY_NOT_FOUND);
    has_status(change_with(client, DELETE_WITH_META, META(7, 0, 11, 0x1001, NO_OPTIONS)), SUCCESS);
    expect_meta(client, true, META(0, (uint32_t)client->now, 11, 0x1001, 0));
    client_set(client, "k", "x");
    assert_int_equal(read_be64((const uint8_t *)ask(client, GET_META, .key = "k")->extras + 12),
                     12);
}

static void the_requests_cas_is_looked_at_too(void **state)
{
    struct client *client = *state;
    struct meta meta = first;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(change_with(client, SET_WITH_META, &meta, .cas = 1), KEY_NOT_FOUND);
    has_status(change_with(client, SET_WITH_META, &meta), SUCCESS);
    meta.revision++;
    has_status(change_with(client, SET_WITH_META, &meta, .cas = 1), KEY_EXISTS);
    has_status(change_with(client, SET_WITH_META, &meta, .cas = 0x1000), SUCCESS);
    meta.revision++;
    uint64_t lock = ask(client, GET_LOCKED, .key = "k")->cas;
    has_status(change_with(client, SET_WITH_META, &meta), LOCKED);
    has_status(change_with(client, DELETE_WITH_META, &meta), LOCKED);
    has_status(change_with(client, SET_WITH_META, &meta, .cas = lock), SUCCESS);
    has_status(ask(client, UNLOCK_KEY, .key = "k", .cas = lock), NOT_LOCKED);
}

static void what_stands_behind_the_value_is_not_kept(void **state)
{
    struct client *client = *state;
    uint8_t extras[26] = {[15] = 1, [23] = 1, [25] = 3};
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(ask(client, SET_WITH_META, .extras = extras, .extras_size = 26, .key = "k",
                   .value = "text\1\0\0", .value_size = 7),
               SUCCESS);
    gives(ask(client, GET, .key = "k"), "text");
    assert_null(
        ask(client, SET_WITH_META, .extras = extras, .extras_size = 26, .key = "k", .value = "ab"));
    assert_true(client->answer.close);
}

static void a_compressed_value_is_not_cut(void **state)
{
    struct client *client = *state;
    uint8_t extras[26] = {[15] = 1, [23] = 1, [25] = 1};
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_SNAPPY);
    has_status(ask(client, SET_WITH_META, .extras = extras, .extras_size = 26, .key = "k",
                   .value = "\4\14text", .datatype = MCBP_DATATYPE_SNAPPY),
               INVALID_ARGUMENTS);
    has_status(ask(client, DELETE_WITH_META, .extras = extras, .extras_size = 26, .key = "k",
                   .value = "\4\14text", .datatype = MCBP_DATATYPE_SNAPPY),
               INVALID_ARGUMENTS);
}

static const struct kvr_response *look_up(struct client *client, const char *path,
                                          uint8_t doc_flags)
{
    uint8_t extras[4] = {0, (uint8_t)strlen(path), 4, doc_flags};
    return ask(client, SUBDOC_GET, .extras = extras, .extras_size = 4, .key = "k", .value = path);
}

/* {"_s":{"a":1}} and {"u":"b"}, and a body. */
static const char ATTRIBUTES[] = "\0\0\0\x19\0\0\0\x0b_s\0{\"a\":1}\0\0\0\0\6u\0\"b\"\0{}";
enum { ATTRIBUTES_SIZE = sizeof(ATTRIBUTES) - 1, BODY_SIZE = 2 };

static void attributes_come_before_the_body(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_XATTR, MCBP_FEATURE_JSON);
    has_status(change_with(client, SET_WITH_META, &first, .datatype = MCBP_DATATYPE_XATTR,
                           .value = ATTRIBUTES, .value_size = ATTRIBUTES_SIZE),
               SUCCESS);
    const struct kvr_response *response = ask(client, GET, .key = "k");
    gives(response, "{}");
    assert_int_equal(response->datatype, MCBP_DATATYPE_JSON);
    gives(look_up(client, "_s.a", 0), "1");
    gives(look_up(client, "u", 0), "\"b\"");
    /* A document with the same meta data, but without attributes, is not newer; the other way round
     * it is. */
    has_status(change_with(client, SET_WITH_META, &first), KEY_EXISTS);
    has_status(change_with(client, SET_WITH_META, META(1, 0, 10, 0x1000, SKIP_CONFLICT)), SUCCESS);
    has_status(change_with(client, SET_WITH_META, &first, .datatype = MCBP_DATATYPE_XATTR,
                           .value = ATTRIBUTES, .value_size = ATTRIBUTES_SIZE),
               SUCCESS);
}

static void a_deletion_keeps_what_it_brings_or_system_attributes(void **state)
{
    struct client *client = *state;
    struct meta meta = first;
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_XATTR, MCBP_FEATURE_JSON);
    has_status(change_with(client, DELETE_WITH_META, &meta, .datatype = MCBP_DATATYPE_XATTR,
                           .value = ATTRIBUTES, .value_size = ATTRIBUTES_SIZE - BODY_SIZE),
               SUCCESS);
    client_expect_status(look_up(client, "u", 4), MCBP_STATUS_SUBDOC_SUCCESS_DELETED);
    meta.revision++;
    has_status(change_with(client, DELETE_WITH_META, &meta), SUCCESS);
    client_expect_status(look_up(client, "u", 4), MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    client_expect_status(look_up(client, "_s", 4), MCBP_STATUS_SUBDOC_SUCCESS_DELETED);
    meta.revision++; /* it brings none */
    has_status(change_with(client, DELETE_WITH_META, &meta, .datatype = MCBP_DATATYPE_XATTR,
                           .value = "\0\0\0", .value_size = 4),
               SUCCESS);
    client_expect_status(look_up(client, "_s", 4), MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
}

/* Unlike others, it is stored as documents are. */
static void a_deletion_with_attributes_looks_at_a_cas_as_a_document_does(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XATTR);
    has_status(change_with(client, DELETE_WITH_META, &first, .datatype = MCBP_DATATYPE_XATTR,
                           .value = ATTRIBUTES, .value_size = ATTRIBUTES_SIZE, .cas = 1),
               KEY_NOT_FOUND);
    has_status(change_with(client, DELETE_WITH_META, &first, .cas = 1), KEY_EXISTS);
    client_set(client, "k", "text");
    ask(client, GET_LOCKED, .key = "k");
    has_status(change_with(client, DELETE_WITH_META, &first, .datatype = MCBP_DATATYPE_XATTR,
                           .value = ATTRIBUTES, .value_size = ATTRIBUTES_SIZE),
               KEY_EXISTS);
    has_status(change_with(client, DELETE_WITH_META, &first), TEMPORARY_FAILURE);
}

static void attributes_that_are_none_are_refused(void **state)
{
    struct client *client = *state;
    static const struct {
        const char *value;
        size_t size;
    } rows[] = {
        {"", 0},
        {"\0\0\0", 3},
        {"\0\0\0\1", 4},
        {"\0\0\0\x0a\0\0\0\7u\0\"b\"\0", 14},               /* longer than all */
        {"\0\0\0\x0a\0\0\0\5u\0\"b\"\0", 14},               /* or shorter */
        {"\0\0\0\x0b\0\0\0\7u\0\"b\"\0x", 15},              /* more behind it */
        {"\0\0\0\x0a\0\0\0\6u\0\"bc\0", 14},                /* no JSON */
        {"\0\0\0\x0a\0\0\0\6.\0\"b\"\0", 14},               /* no name */
        {"\0\0\0\x09\0\0\0\5u\0\"b\"", 13},                 /* no NUL at the end */
        {"\0\0\0\x10\0\0\0\4u\0001\0\0\0\0\4u\0001\0", 20}, /* twice */
    };
    log_in(client, MCBP_FEATURE_XERROR, MCBP_FEATURE_XATTR);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        has_status(change_with(client, SET_WITH_META, &first, .datatype = MCBP_DATATYPE_XATTR,
                               .value = rows[i].value, .value_size = rows[i].size),
                   XATTR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(a_document_has_the_meta_data_that_it_came_with),
        client_test(the_clock_goes_on_from_a_cas_that_is_ahead_of_it),
        client_test(the_higher_revision_wins),
        client_test(options_have_to_fit_together_and_to_the_bucket),
        client_test(a_cas_can_be_made_anew),
        client_test(add_takes_no_document_that_is_there),
        client_test(a_deletion_needs_no_document_and_says_when_it_was),
        client_test(the_requests_cas_is_looked_at_too),
        client_test(what_stands_behind_the_value_is_not_kept),
        client_test(a_compressed_value_is_not_cut),
        client_test(a_deletion_with_attributes_looks_at_a_cas_as_a_document_does),
        client_test(attributes_come_before_the_body),
        client_test(a_deletion_keeps_what_it_brings_or_system_attributes),
        client_test(attributes_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
