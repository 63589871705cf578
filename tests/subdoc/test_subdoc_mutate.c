#include "base/buffer.h"
#include "subdoc/execute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* What is done, in the words of the protocol; P: and makes parents. */
#define ADD        MCBP_SUBDOC_DICT_ADD
#define UPSERT     MCBP_SUBDOC_DICT_UPSERT
#define DELETE     MCBP_SUBDOC_DELETE
#define REPLACE    MCBP_SUBDOC_REPLACE
#define PUSH_LAST  MCBP_SUBDOC_ARRAY_PUSH_LAST
#define PUSH_FIRST MCBP_SUBDOC_ARRAY_PUSH_FIRST
#define INSERT     MCBP_SUBDOC_ARRAY_INSERT
#define ADD_UNIQUE MCBP_SUBDOC_ARRAY_ADD_UNIQUE
#define COUNTER    MCBP_SUBDOC_COUNTER
enum { P = 0x100 };

static enum mcbp_status change(int opcode, const char *document, const char *path,
                               const char *value, struct buffer *changed,
                               struct subdoc_result *result)
{
    struct subdoc_operation operation = {.opcode = (uint8_t)opcode,
                                         .path = span_of(path, strlen(path)),
                                         .value = span_of(value, strlen(value)),
                                         .makes_parents = (opcode & P) != 0};
    return subdoc_mutate(&operation, span_of(document, strlen(document)), changed, result);
}

/* What `result` says of the change has to agree with the document that came of it. */
static void assert_result(const char *document, struct span changed,
                          const struct subdoc_result *result)
{
    size_t size = strlen(document);
    assert_true(result->begin <= result->end && result->end <= size);
    assert_int_equal(changed.size, size - (result->end - result->begin) + result->inserted);
    assert_memory_equal(changed.data, document, result->begin);
    assert_memory_equal(changed.data + result->begin + result->inserted, document + result->end,
                        size - result->end);
}

static void assert_changed(int opcode, const char *document, const char *path, const char *value,
                           const char *expected)
{
    struct buffer changed = {0};
    struct subdoc_result result;
    assert_int_equal(change(opcode, document, path, value, &changed, &result), MCBP_STATUS_SUCCESS);
    assert_result(document, buffer_span(&changed), &result);
    assert_true(buffer_append(&changed, span_of("", 1)));
    assert_string_equal((const char *)buffer_span(&changed).data, expected);
    buffer_deinit(&changed);
}

static void assert_refused(int opcode, const char *document, const char *path, const char *value,
                           enum mcbp_status status)
{
    struct buffer changed = {0};
    struct subdoc_result result;
    assert_int_equal(change(opcode, document, path, value, &changed, &result), status);
    assert_int_equal(buffer_span(&changed).size, 0);
    buffer_deinit(&changed);
}

static void a_member_is_added_behind_the_others_and_their_blanks(void **state)
{
    (void)state;
    assert_changed(ADD, "{}", "a", "1", "{\"a\":1}");
    assert_changed(ADD, " { } ", "a", " 1 ", " { \"a\": 1 } ");
    assert_changed(UPSERT, "{\"b\":1 }", "a", "[2]", "{\"b\":1 ,\"a\":[2]}");
    assert_changed(ADD, "{\"b\":{}}", "b.c", "1", "{\"b\":{\"c\":1}}");
    assert_changed(ADD, "{}", "`a.``b`", "1", "{\"a.`b\":1}");
    assert_changed(ADD, "[{},{}]", "[-1].a", "1", "[{},{\"a\":1}]");
    assert_refused(ADD, "{\"a\":1}", "a", "2", MCBP_STATUS_SUBDOC_PATH_EXISTS);
}

static void a_value_takes_the_place_of_another(void **state)
{
    (void)state;
    assert_changed(UPSERT, "{ \"a\" : 1 , \"b\":2}", "a", "\"x\"", "{ \"a\" : \"x\" , \"b\":2}");
    assert_changed(REPLACE, "[1, 2 ,3]", "[1]", "{}", "[1, {} ,3]");
    assert_changed(REPLACE, "[1,2]", "[-1]", "3", "[1,3]");
    assert_refused(REPLACE, "{}", "a", "1", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_refused(UPSERT, "[1]", "[0]", "2", MCBP_STATUS_SUBDOC_PATH_INVALID);
    assert_refused(UPSERT, "{}", "", "{}", MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT);
    assert_refused(REPLACE | P, "{\"a\":1}", "a", "2", MCBP_STATUS_INTERNAL_ERROR);
}

static void parents_are_made_if_wanted(void **state)
{
    (void)state;
    assert_changed(UPSERT | P, "{\"x\":1}", "a.b.c", "1", "{\"x\":1,\"a\":{\"b\":{\"c\":1}}}");
    assert_changed(PUSH_LAST | P, "{}", "a.b", "1,2", "{\"a\":{\"b\":[1,2]}}");
    assert_changed(PUSH_FIRST | P, "{}", "a", "1", "{\"a\":[1]}");
    assert_changed(ADD_UNIQUE | P, "{\"a\":{}}", "a.b", "1", "{\"a\":{\"b\":[1]}}");
    assert_changed(COUNTER | P, "{}", "a.b", "5", "{\"a\":{\"b\":5}}");
    assert_refused(UPSERT, "{}", "a.b", "1", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_refused(PUSH_LAST, "{}", "a", "1", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_refused(UPSERT | P, "{}", "a[0].b", "1", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_refused(UPSERT | P, "{\"a\":1}", "a.b", "1", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
}

static void a_deleted_member_takes_one_comma_along(void **state)
{
    (void)state;
    assert_changed(DELETE, "{ \"a\" : 1 , \"b\":2 }", "a", "", "{  \"b\":2 }");
    assert_changed(DELETE, "{ \"a\" : 1 , \"b\":2 }", "b", "", "{ \"a\" : 1  }");
    assert_changed(DELETE, "[1, 2 , 3]", "[1]", "", "[1,  3]");
    assert_changed(DELETE, "[1, 2 , 3 ]", "[-1]", "", "[1, 2  ]");
    assert_changed(DELETE, "{ \"a\" : 1 }", "a", "", "{  }");
    assert_changed(DELETE, "[ [1] ]", "[0][0]", "", "[ [] ]");
    assert_refused(DELETE, "{}", "a", "", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_refused(DELETE, "{}", "", "", MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT);
}

static void a_name_behind_the_last_element_is_deleted_as_subjson_does(void **state)
{
    (void)state;
    assert_changed(DELETE, "[{\"a\":1,\"b\":2}]", "[-1].a", "", "[{,\"b\":2}]");
}

static void values_are_pushed_to_both_ends(void **state)
{
    (void)state;
    assert_changed(PUSH_LAST, "{\"a\":[1 ]}", "a", "2, 3", "{\"a\":[1 ,2, 3]}");
    assert_changed(PUSH_LAST, "{\"a\":[ ]}", "a", "1", "{\"a\":[1]}");
    assert_changed(PUSH_FIRST, "{\"a\":[ 1]}", "a", "2,3", "{\"a\":[ 2,3,1]}");
    assert_changed(PUSH_FIRST, "[ ]", "", "1", "[1]");
    assert_changed(PUSH_FIRST, "[[1],[2]]", "[-1]", "3", "[[1],[3,2]]");
    assert_refused(PUSH_LAST, "{\"a\":{}}", "a", "1", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_refused(PUSH_FIRST, "{\"a\":1}", "a", "1", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
}

static void the_outermost_array_loses_blanks_when_pushed_to(void **state)
{
    (void)state;
    assert_changed(PUSH_LAST, "[1 ] \n", "", "2", "[1,2]");
    assert_changed(PUSH_LAST, " [ ]", "", "1", " [1]");
    assert_refused(PUSH_LAST, "{}", "", "1", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_refused(PUSH_LAST, "5", "", "1", MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON);
    assert_refused(PUSH_LAST, "", "", "1", MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON);
}

static void an_element_is_inserted_before_another_or_at_the_end(void **state)
{
    (void)state;
    assert_changed(INSERT, "[1, 3]", "[1]", "2", "[1, 2,3]");
    assert_changed(INSERT, "[1]", "[1]", "2,3", "[1,2,3]");
    assert_changed(INSERT, "[ ]", "[0]", "1", "[1]");
    assert_refused(INSERT, "[1]", "[2]", "2", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_refused(INSERT, "[1]", "[-1]", "2", MCBP_STATUS_SUBDOC_PATH_INVALID);
    assert_refused(INSERT, "{}", "a", "2", MCBP_STATUS_SUBDOC_PATH_INVALID);
    assert_refused(INSERT, "{}", "[0]", "2", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
}

static void a_scalar_is_added_once(void **state)
{
    (void)state;
    assert_changed(ADD_UNIQUE, "[1,\"1\"]", "", "2", "[1,\"1\",2]");
    assert_changed(ADD_UNIQUE, "[]", "", "null", "[null]");
    assert_refused(ADD_UNIQUE, "[2, 1]", "", "1", MCBP_STATUS_SUBDOC_PATH_EXISTS);
    assert_refused(ADD_UNIQUE, "[\"a\"]", "", "\"a\"", MCBP_STATUS_SUBDOC_PATH_EXISTS);
    assert_refused(ADD_UNIQUE, "[1,[]]", "", "2", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_refused(ADD_UNIQUE, "[1]", "", "[]", MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT);
    assert_refused(ADD_UNIQUE, "[1]", "", "2,3", MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT);
    assert_refused(ADD_UNIQUE, "{}", "", "2", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
}

static void assert_count(const char *document, const char *delta, const char *expected)
{
    struct buffer changed = {0};
    struct subdoc_result result;
    assert_int_equal(change(COUNTER, document, "a", delta, &changed, &result), MCBP_STATUS_SUCCESS);
    assert_int_equal(result.value.size, strlen(expected));
    assert_memory_equal(result.value.data, expected, strlen(expected));
    buffer_deinit(&changed);
}

static void a_counter_counts_in_64_bits(void **state)
{
    (void)state;
    assert_changed(COUNTER, "{\"a\": 41 }", "a", "1", "{\"a\": 42 }");
    assert_changed(COUNTER, "{}", "a", "-7", "{\"a\":-7}");
    assert_changed(COUNTER, "[-20]", "[0]", "1", "[-19]");
    assert_count("{\"a\":-1}", "1", "0");
    assert_count("{\"a\":9223372036854775806}", "1", "9223372036854775807");
    assert_count("{\"a\":0}", "-9223372036854775808", "-9223372036854775808");
    assert_refused(COUNTER, "{\"a\":9223372036854775807}", "a", "1",
                   MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT);
    assert_refused(COUNTER, "{\"a\":9223372036854775808}", "a", "1",
                   MCBP_STATUS_SUBDOC_NUMBER_RANGE_ERROR);
    assert_refused(COUNTER, "{\"a\":1.0}", "a", "1", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_refused(COUNTER, "{\"a\":true}", "a", "1", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_refused(COUNTER, "[]", "[0]", "1", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_refused(COUNTER | P, "{}", "a[0]", "1", MCBP_STATUS_SUBDOC_PATH_INVALID);
}

static void a_delta_is_a_plain_number_but_zero(void **state)
{
    (void)state;
    static const char *const deltas[] = {
        "0", "-0", "+1", "01", "1.0", "1e2", "-", " 1", "1 ", "x", "9223372036854775808"};
    for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++) {
        assert_refused(COUNTER, "{\"a\":1}", "a", deltas[i], MCBP_STATUS_SUBDOC_DELTA_INVALID);
    }
}

static void a_value_has_to_be_json(void **state)
{
    (void)state;
    static const char *const values[] = {
        "x",   "nul", "\"", "[1",      "1]",   "1,2", "01",  "+1",     "1.",      "{a}",
        "[,]", "tru", "1}", "{\"a\"}", "[1,]", " ",   "'a'", "\"\n\"", "\"\\x\"", "-"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_refused(ADD, "{}", "a", values[i], MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT);
    }
    assert_refused(ADD, "{}", "a", "", MCBP_STATUS_INTERNAL_ERROR);
    assert_refused(PUSH_LAST, "[]", "", "1,", MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT);
    assert_refused(PUSH_LAST, "[]", "", "1],[2", MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT);
}

static void values_that_subjson_takes_for_json_pass(void **state)
{
    (void)state;
    assert_changed(PUSH_LAST, "[]", "", "1 2", "[1 2]");
    assert_changed(PUSH_LAST, "[1]", "", " ", "[1, ]");
    assert_changed(ADD, "{}", "a", "1,\"b\":2", "{\"a\":1,\"b\":2}");
    assert_changed(ADD, "{}", "a", "-01.e5", "{\"a\":-01.e5}");
}

static void a_value_is_not_too_deep_for_its_place(void **state)
{
    (void)state;
    char path[128] = "";
    for (int i = 0; i < 30; i++) {
        strcat(path, i == 0 ? "a" : ".a");
    }
    assert_refused(UPSERT | P, "{}", path, "[[1]]", MCBP_STATUS_SUBDOC_VALUE_TOO_DEEP);
    assert_refused(PUSH_LAST | P, "{}", path, "[1]", MCBP_STATUS_SUBDOC_VALUE_TOO_DEEP);
    assert_refused(UPSERT | P, "[]", path, "[1]", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_added_behind_the_others_and_their_blanks),
        cmocka_unit_test(a_value_takes_the_place_of_another),
        cmocka_unit_test(parents_are_made_if_wanted),
        cmocka_unit_test(a_deleted_member_takes_one_comma_along),
        cmocka_unit_test(a_name_behind_the_last_element_is_deleted_as_subjson_does),
        cmocka_unit_test(values_are_pushed_to_both_ends),
        cmocka_unit_test(the_outermost_array_loses_blanks_when_pushed_to),
        cmocka_unit_test(an_element_is_inserted_before_another_or_at_the_end),
        cmocka_unit_test(a_scalar_is_added_once),
        cmocka_unit_test(a_counter_counts_in_64_bits),
        cmocka_unit_test(a_delta_is_a_plain_number_but_zero),
        cmocka_unit_test(a_value_has_to_be_json),
        cmocka_unit_test(values_that_subjson_takes_for_json_pass),
        cmocka_unit_test(a_value_is_not_too_deep_for_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
