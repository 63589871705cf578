/* Commands about one document, and what they leave behind. */
#include "base/endian.h"
#include "client.h"

#include <string.h>

static const uint8_t PLAIN[8]; /* flags and expiry of 0 */

static const struct kvr_response *get(struct client *client, const char *key)
{
    return ask(client, GET, .key = key);
}

static const struct kvr_response *change(struct client *client, uint8_t opcode, const char *value,
                                         uint64_t cas)
{
    return client_ask(
        client, opcode,
        &(struct asked){.extras = PLAIN, .extras_size = 8, .key = "k", .value = value, .cas = cas});
}

static void a_document_is_read_as_it_was_stored(void **state)
{
    struct client *client = *state;
    static const uint8_t extras[8] = {0x02, 0, 0, 6, 0, 0, 0, 0};
    log_in(client, MCBP_FEATURE_XERROR);
    const struct kvr_response *response =
        ask(client, SET, .extras = extras, .extras_size = 8, .key = "k", .value = "text");
    uint64_t cas = response->cas;
    response = get(client, "k");
    gives(response, "text");
    assert_int_equal(response->cas, cas);
    assert_int_equal(response->extras_size, 4);
    assert_memory_equal(response->extras, extras, 4);
    response = ask(client, GETK, .key = "k");
    gives(response, "text");
    assert_memory_equal(response->key, "k", response->key_size);
}

static void a_miss_has_no_text_and_no_key(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    const struct kvr_response *response = ask(client, GETK, .key = "k");
    has_status(response, KEY_NOT_FOUND);
    assert_int_equal(response->key_size + response->value_size + response->extras_size, 0);
    assert_null(ask(client, GETQ, .key = "k"));
}

static void cas_and_sequence_number_rise_with_every_change(void **state)
{
    struct client *client = *state;
    uint64_t cas = 0;
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO);
    for (unsigned i = 1; i <= 3; i++) {
        const struct kvr_response *response = change(client, MCBP_SET, "x", 0);
        assert_true(response->cas > cas);
        assert_int_equal(response->extras_size, 16);
        assert_int_equal(read_be64((const uint8_t *)response->extras + 8), i);
        cas = response->cas;
    }
    const struct kvr_response *response = ask(client, DELETE, .key = "k");
    assert_true(response->cas > cas);
    assert_int_equal(read_be64((const uint8_t *)response->extras + 8), 4);
}

static void a_durable_change_takes_two_sequence_numbers(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO, MCBP_FEATURE_XERROR);
    const struct kvr_response *response = ask(client, SET, .framing = "\x11\x01", .framing_size = 2,
                                              .extras = PLAIN, .extras_size = 8, .key = "k");
    assert_int_equal(read_be64((const uint8_t *)response->extras + 8), 2);
}

static void cas_decides_whether_a_document_is_changed(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(change(client, MCBP_SET, "x", 7), KEY_NOT_FOUND);
    uint64_t cas = change(client, MCBP_SET, "x", 0)->cas;
    has_status(change(client, MCBP_SET, "y", cas + 1), KEY_EXISTS);
    has_status(change(client, MCBP_REPLACE, "y", cas + 1), KEY_EXISTS);
    has_status(change(client, MCBP_REPLACE, "y", cas), SUCCESS);
    has_status(ask(client, DELETE, .key = "k", .cas = cas), KEY_EXISTS);
    gives(get(client, "k"), "y");
}

static void add_takes_no_cas_and_no_key_that_is_there(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(change(client, MCBP_ADD, "x", 1), INVALID_ARGUMENTS);
    has_status(change(client, MCBP_REPLACE, "x", 0), KEY_NOT_FOUND);
    has_status(change(client, MCBP_ADD, "x", 0), SUCCESS);
    has_status(change(client, MCBP_ADD, "y", 0), KEY_EXISTS);
    gives(get(client, "k"), "x");
}

static void what_is_removed_is_gone_and_leaves_a_tombstone(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(ask(client, DELETE, .key = "k"), KEY_NOT_FOUND);
    client_set(client, "k", "x");
    uint64_t cas = ask(client, DELETE, .key = "k")->cas;
    has_status(get(client, "k"), KEY_NOT_FOUND);
    const struct kvr_response *response = ask(client, GET_META, .key = "k");
    has_status(response, SUCCESS);
    assert_int_equal(response->cas, cas);
    assert_int_equal(read_be32(response->extras), 1);
    assert_int_equal(read_be64((const uint8_t *)response->extras + 12), 2);
    has_status(ask(client, GET_META, .key = "other"), KEY_NOT_FOUND);
}

static void append_and_prepend_need_a_document_and_keep_its_flags(void **state)
{
    struct client *client = *state;
    static const uint8_t flags[8] = {1, 2, 3, 4, 0, 0, 0, 0};
    log_in(client, MCBP_FEATURE_XERROR);
    has_status(ask(client, APPEND, .key = "k", .value = "+"), NOT_STORED);
    ask(client, SET, .extras = flags, .extras_size = 8, .key = "k", .value = "x");
    has_status(ask(client, APPEND, .key = "k", .value = ">"), SUCCESS);
    has_status(ask(client, PREPEND, .key = "k", .value = "<"), SUCCESS);
    gives(get(client, "k"), "<x>");
    assert_memory_equal(get(client, "k")->extras, flags, 4);
}

static void quiet_changes_are_silent_but_for_errors(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    assert_null(change(client, MCBP_SETQ, "x", 0));
    has_status(change(client, MCBP_ADDQ, "x", 0), KEY_EXISTS);
    assert_null(ask(client, APPENDQ, .key = "k", .value = "y"));
    assert_null(ask(client, DELETEQ, .key = "k"));
    has_status(ask(client, DELETEQ, .key = "k"), KEY_NOT_FOUND);
}

static void with_tokens_a_quiet_append_answers(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO);
    client_set(client, "k", "x");
    assert_int_equal(ask(client, APPENDQ, .key = "k", .value = "y")->extras_size, 16);
    assert_null(change(client, MCBP_SETQ, "x", 0));
}

/* ------------------------------------------------------------------------------- counters */

static const struct kvr_response *count(struct client *client, uint8_t opcode, uint64_t delta,
                                        uint64_t initial, uint32_t expiry)
{
    static uint8_t extras[20];
    write_be64(extras, delta);
    write_be64(extras + 8, initial);
    write_be32(extras + 16, expiry);
    return client_ask(client, opcode,
                      &(struct asked){.extras = extras, .extras_size = 20, .key = "n"});
}

static void expect_number(const struct kvr_response *response, uint64_t number)
{
    has_status(response, SUCCESS);
    assert_int_equal(response->value_size, 8);
    assert_int_equal(read_be64(response->value), number);
    assert_int_equal(response->datatype, 0);
}

static void a_counter_wraps_upwards_and_stops_at_0(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_JSON);
    has_status(count(client, MCBP_INCREMENT, 1, 5, UINT32_MAX), KEY_NOT_FOUND);
    expect_number(count(client, MCBP_INCREMENT, 1, 5, 0), 5);
    expect_number(count(client, MCBP_DECREMENT, 7, 0, 0), 0);
    expect_number(count(client, MCBP_INCREMENT, UINT64_MAX, 0, 0), UINT64_MAX);
    expect_number(count(client, MCBP_INCREMENT, 2, 0, 0), 1);
    gives(get(client, "n"), "1");
    assert_int_equal(get(client, "n")->datatype, MCBP_DATATYPE_JSON);
}

static void what_is_no_number_is_not_counted(void **state)
{
    static const char *const texts[] = {"", "-1", "+", "0x1", "18446744073709551616", "1.0"};
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        client_set(client, "n", texts[i]);
        has_status(count(client, MCBP_INCREMENT, 1, 5, 0), DELTA_BAD_VALUE);
        gives(get(client, "n"), texts[i]);
    }
}

static void blanks_and_what_follows_them_do_not_keep_from_counting(void **state)
{
    static const char *const texts[] = {" 7", "+7", "7 x", "\t+7\n"};
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        client_set(client, "n", texts[i]);
        has_status(count(client, MCBP_INCREMENT, 1, 5, 0), SUCCESS);
        gives(get(client, "n"), "8");
    }
}

/* ------------------------------------------------------------------------------- expiry */

static uint32_t expiry_of(struct client *client)
{
    const struct kvr_response *response = ask(client, GET_META, .key = "k");
    has_status(response, SUCCESS);
    return read_be32((const uint8_t *)response->extras + 8);
}

static const struct kvr_response *set_expiry(struct client *client, uint32_t expiry,
                                             const char *framing)
{
    static uint8_t extras[8];
    write_be32(extras + 4, expiry);
    return ask(client, SET, .framing = framing, .framing_size = framing == NULL ? 0 : 1,
               .extras = extras, .extras_size = 8, .key = "k", .value = "x");
}

static void an_expiry_of_30_days_is_relative_and_a_longer_one_absolute(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    set_expiry(client, 30 * 86400, NULL);
    assert_int_equal(expiry_of(client), client->now + 30 * 86400);
    set_expiry(client, 30 * 86400 + 1, NULL);
    has_status(get(client, "k"), KEY_NOT_FOUND);
}

static void a_document_is_gone_in_the_second_of_its_expiry(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO);
    set_expiry(client, 10, NULL);
    client->now += 9;
    has_status(get(client, "k"), SUCCESS);
    client->now += 1;
    has_status(get(client, "k"), KEY_NOT_FOUND);
    /* that it is gone took a sequence number */
    const struct kvr_response *response = set_expiry(client, 0, NULL);
    assert_int_equal(read_be64((const uint8_t *)response->extras + 8), 3);
}

static void what_has_expired_is_replaced_without_being_deleted_first(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO);
    set_expiry(client, 10, NULL);
    client->now += 10;
    has_status(change(client, MCBP_REPLACE, "x", 0), KEY_NOT_FOUND);
    const struct kvr_response *response = ask(client, GET_META, .key = "k");
    assert_int_equal(read_be32(response->extras), 1); /* deleted, it says */
    response = set_expiry(client, 0, NULL);
    assert_int_equal(read_be64((const uint8_t *)response->extras + 8), 2);
}

static void a_tombstone_has_no_flags_and_the_time_of_its_making(void **state)
{
    static const uint8_t extras[8] = {0, 0, 0, 6, 0, 0, 0, 100};
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    ask(client, SET, .extras = extras, .extras_size = 8, .key = "k", .value = "x");
    client->now += 3;
    ask(client, DELETE, .key = "k");
    client->now += 3;
    const uint8_t *meta = ask(client, GET_META, .key = "k")->extras;
    assert_int_equal(read_be32(meta), 1);
    assert_int_equal(read_be32(meta + 4), 0);
    assert_int_equal(read_be32(meta + 8), client->now - 3);
    assert_int_equal(read_be64(meta + 12), 2);
}

static void a_new_document_has_a_revision_above_those_of_deleted_ones(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    for (unsigned i = 0; i < 3; i++) {
        client_set(client, "other", "x");
    }
    ask(client, DELETE, .key = "other");
    client_set(client, "k", "x");
    const uint8_t *meta = ask(client, GET_META, .key = "k")->extras;
    assert_int_equal(read_be64(meta + 12), 5);
}

static void an_expiry_is_replaced_unless_it_is_to_be_preserved(void **state)
{
    struct client *client = *state;
    log_in(client, MCBP_FEATURE_XERROR);
    set_expiry(client, 100, "\x50");
    assert_int_equal(expiry_of(client), client->now + 100);
    set_expiry(client, 7, "\x50");
    assert_int_equal(expiry_of(client), client->now + 100);
    set_expiry(client, 0, NULL);
    assert_int_equal(expiry_of(client), 0);
}

static void only_another_expiry_makes_a_touch_a_change(void **state)
{
    struct client *client = *state;
    static uint8_t extras[4] = {0, 0, 0, 50};
    log_in(client, MCBP_FEATURE_MUTATION_SEQNO);
    has_status(ask(client, TOUCH, .extras = extras, .extras_size = 4, .key = "k"), KEY_NOT_FOUND);
    uint64_t stored = client_set(client, "k", "x");
    const struct kvr_response *response =
        ask(client, TOUCH, .extras = extras, .extras_size = 4, .key = "k");
    uint64_t touched = response->cas;
    assert_true(touched > stored);
    assert_int_equal(response->extras_size, 0);
    response = ask(client, GAT, .extras = extras, .extras_size = 4, .key = "k");
    gives(response, "x");
    assert_int_equal(response->cas, touched);
    assert_int_equal(expiry_of(client), client->now + 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        client_test(a_document_is_read_as_it_was_stored),
        client_test(a_miss_has_no_text_and_no_key),
        client_test(cas_and_sequence_number_rise_with_every_change),
        client_test(a_durable_change_takes_two_sequence_numbers),
        client_test(cas_decides_whether_a_document_is_changed),
        client_test(add_takes_no_cas_and_no_key_that_is_there),
        client_test(what_is_removed_is_gone_and_leaves_a_tombstone),
        client_test(append_and_prepend_need_a_document_and_keep_its_flags),
        client_test(quiet_changes_are_silent_but_for_errors),
        client_test(with_tokens_a_quiet_append_answers),
        client_test(a_counter_wraps_upwards_and_stops_at_0),
        client_test(what_is_no_number_is_not_counted),
        client_test(blanks_and_what_follows_them_do_not_keep_from_counting),
        client_test(what_has_expired_is_replaced_without_being_deleted_first),
        client_test(a_tombstone_has_no_flags_and_the_time_of_its_making),
        client_test(a_new_document_has_a_revision_above_those_of_deleted_ones),
        client_test(an_expiry_of_30_days_is_relative_and_a_longer_one_absolute),
        client_test(a_document_is_gone_in_the_second_of_its_expiry),
        client_test(an_expiry_is_replaced_unless_it_is_to_be_preserved),
        client_test(only_another_expiry_makes_a_touch_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
