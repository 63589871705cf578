#include "sample.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
    static struct sample sample;
    sample_init(&sample);
    char *text = sample_json(&sample);
    json_error_t error;
    /* NUL in a key is written as \u0000, which jansson reads only if told to. */
    *state = json_loads(text, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    free(text);
    sample_deinit(&sample);
    return *state == NULL;
}

static int teardown(void **state)
{
    json_decref(*state);
    return 0;
}

/* Walks down by the given format of json_unpack, and compares the integer there. */
static void assert_integer(json_t *root, const char *key, json_int_t expected)
{
    json_t *value = json_object_get(root, key);
    assert_non_null(value);
    assert_true(json_is_integer(value));
    assert_int_equal(json_integer_value(value), expected);
}

static void assert_text(json_t *root, const char *key, const char *expected)
{
    const char *value = json_string_value(json_object_get(root, key));
    assert_non_null(value);
    assert_string_equal(value, expected);
}

static json_t *capture(void **state, size_t index)
{
    return json_array_get(json_object_get(*state, "captures"), index);
}

static json_t *difference(void **state, size_t index)
{
    return json_array_get(json_object_get(capture(state, 1), "differences"), index);
}

static void names_its_schema_first(void **state)
{
    assert_string_equal(json_object_iter_key(json_object_iter(*state)), "schema");
    assert_text(*state, "schema", "kvreplay-verify-1");
}

static void has_the_settings_of_the_run(void **state)
{
    json_t *settings = json_object_get(*state, "settings");
    json_t *masks = json_object_get(settings, "masks");
    assert_text(settings, "writer", "reserve");
    assert_text(settings, "reference", "capture");
    assert_text(settings, "state", "adopt");
    assert_integer(settings, "require_compared", 1);
    assert_integer(settings, "max_loss", 0);
    assert_true(json_is_null(json_object_get(settings, "filter")));
    assert_int_equal(json_array_size(masks), SAMPLE_MASKS);
    assert_text(json_array_get(masks, 0), "mask", "*:cas");
    assert_text(json_array_get(masks, 1), "mask", "STAT:value");
    assert_integer(json_array_get(masks, 1), "frames", 12);
}

static void names_the_keys_of_undecided_answers(void **state)
{
    struct sample sample;
    (void)state;
    sample_init_identical(&sample);
    struct capture_result *capture = &sample.result.captures[0];
    capture->executed.undecided = 3;
    undecided_keys_add(&capture->undecided_keys, span_of("k1", 2));
    undecided_keys_add(&capture->undecided_keys, span_of("k1", 2));
    undecided_keys_add(&capture->undecided_keys, span_of("\xff", 1));
    char *text = sample_json(&sample);
    json_t *root = json_loads(text, 0, NULL);
    json_t *one = json_array_get(json_object_get(root, "captures"), 0);
    json_t *keys = json_object_get(one, "undecided_keys");
    assert_text(one, "verdict", "undecided");
    assert_integer(json_object_get(one, "executed"), "undecided", 3);
    assert_int_equal(json_array_size(keys), 2);
    assert_text(json_array_get(keys, 0), "key", "k1");
    assert_text(json_array_get(keys, 1), "key_hex", "ff");
    json_decref(root);
    free(text);
    sample_deinit(&sample);
}

static void has_the_counts_of_each_capture(void **state)
{
    json_t *one = capture(state, 1);
    json_t *executed = json_object_get(one, "executed");
    json_t *ledger = json_object_get(one, "ledger");
    assert_int_equal(json_array_size(json_object_get(*state, "captures")), 3);
    assert_integer(one, "packets", 1234567);
    assert_integer(one, "connections", 2);
    assert_integer(one, "client_frames", 1000);
    assert_integer(one, "server_frames", 1001);
    assert_integer(json_object_get(one, "rebuilt"), "different", 2);
    assert_integer(executed, "compared", 998);
    assert_integer(executed, "not_executed", 2);
    assert_integer(executed, "missing", 1);
    assert_integer(executed, "malformed", 1);
    assert_integer(ledger, "total", 110096);
    assert_integer(ledger, "tls", 5);
    assert_integer(one, "differences_found", 6);
    assert_integer(one, "status", 1);
    assert_text(one, "verdict", "different");
    assert_true(json_is_null(json_object_get(one, "problem")));
}

static void has_opcodes_and_statuses_by_name(void **state)
{
    json_t *get = json_object_get(json_object_get(capture(state, 0), "opcodes"), "GET");
    json_t *hello = json_object_get(json_object_get(capture(state, 1), "opcodes"), "HELLO");
    json_t *server = json_object_get(capture(state, 1), "server_opcodes");
    assert_integer(get, "requests", 2);
    assert_integer(json_object_get(get, "statuses"), "KEY_NOT_FOUND", 1);
    assert_integer(hello, "not_executed", 1);
    assert_integer(json_object_get(hello, "statuses"), "0x4242", 1);
    assert_integer(json_object_get(server, "CLUSTERMAP_CHANGE_NOTIFICATION"), "requests", 1);
}

static void has_totals_of_the_same_form(void **state)
{
    json_t *totals = json_object_get(*state, "totals");
    const char *key;
    json_t *value;
    json_object_foreach(capture(state, 0), key, value)
    {
        bool own = strcmp(key, "file") == 0 || strcmp(key, "problem") == 0 ||
                   strcmp(key, "differences") == 0;
        assert_int_equal(json_object_get(totals, key) == NULL, own);
    }
    assert_integer(totals, "server_frames", 1004);
    assert_integer(*state, "status", 3);
    assert_text(*state, "verdict", "unreadable");
}

static void says_why_a_capture_cannot_be_read(void **state)
{
    assert_text(capture(state, 2), "problem", "captures/bad.pcap: byte 0: \x01 is <no> capture");
    assert_text(capture(state, 2), "verdict", "unreadable");
}

static void a_path_that_is_no_utf8_is_made_so(void **state)
{
    assert_text(capture(state, 1), "file",
                "captures/a long folder/\x1b[31m\xef\xbf\xbd \xe2\x82\xac.pcap");
}

static void a_difference_has_both_sides(void **state)
{
    json_t *field = difference(state, 0);
    assert_text(field, "check", "executed");
    assert_text(field, "kind", "field");
    assert_integer(field, "packet", 17);
    assert_text(field, "time", "2023-11-14T22:13:20.123456789Z");
    assert_text(field, "client", "192.0.2.1:40001");
    assert_text(field, "server", "[::1]:11211");
    assert_integer(field, "opaque", 0xdeadbeef);
    assert_text(field, "field", "value+6");
    assert_integer(field, "field_offset", 34);
    assert_text(json_object_get(field, "request"), "opcode", "GETQ");
    assert_integer(json_object_get(field, "reference"), "frame_size", 50);
    assert_text(json_object_get(field, "built"), "hex", "74776f206f722061206b696e642c20666f72");
}

static void what_a_difference_does_not_have_is_null(void **state)
{
    json_t *missing = difference(state, 1);
    assert_true(json_is_null(json_object_get(missing, "status")));
    assert_true(json_is_null(json_object_get(missing, "field")));
    assert_true(json_is_null(json_object_get(missing, "reference")));
    assert_true(json_is_null(json_object_get(missing, "built")));
    assert_true(json_is_null(json_object_get(difference(state, 2), "request")));
    assert_true(json_is_null(json_object_get(difference(state, 0), "detail")));
}

static void keys_of_any_bytes_come_back_from_their_hexadecimal_form(void **state)
{
    for (size_t half = 0; half < 2; half++) {
        json_t *request = json_object_get(difference(state, half), "request");
        const char *hex = json_string_value(json_object_get(request, "key_hex"));
        assert_int_equal(strlen(hex), 256);
        for (unsigned i = 0; i < 128; i++) {
            unsigned byte;
            assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
            assert_int_equal(byte, half * 128 + i);
        }
    }
    json_t *low = json_object_get(json_object_get(difference(state, 0), "request"), "key");
    assert_int_equal(json_string_length(low), 128);
}

static void is_the_same_each_time(void **state)
{
    (void)state;
    struct sample sample;
    sample_init(&sample);
    char *one = sample_json(&sample);
    char *two = sample_json(&sample);
    assert_string_equal(one, two);
    free(one);
    free(two);
    sample_deinit(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_its_schema_first),
        cmocka_unit_test(has_the_settings_of_the_run),
        cmocka_unit_test(names_the_keys_of_undecided_answers),
        cmocka_unit_test(has_the_counts_of_each_capture),
        cmocka_unit_test(has_opcodes_and_statuses_by_name),
        cmocka_unit_test(has_totals_of_the_same_form),
        cmocka_unit_test(says_why_a_capture_cannot_be_read),
        cmocka_unit_test(a_path_that_is_no_utf8_is_made_so),
        cmocka_unit_test(a_difference_has_both_sides),
        cmocka_unit_test(what_a_difference_does_not_have_is_null),
        cmocka_unit_test(keys_of_any_bytes_come_back_from_their_hexadecimal_form),
        cmocka_unit_test(is_the_same_each_time),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
