#include "subdoc/execute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static enum mcbp_status look_up(uint8_t opcode, const char *document, const char *path,
                                struct subdoc_result *result)
{
    struct subdoc_operation operation = {.opcode = opcode, .path = span_of(path, strlen(path))};
    return subdoc_lookup(&operation, span_of(document, strlen(document)), result);
}

static void assert_found(uint8_t opcode, const char *document, const char *path,
                         const char *expected)
{
    struct subdoc_result result;
    assert_int_equal(look_up(opcode, document, path, &result), MCBP_STATUS_SUCCESS);
    assert_int_equal(result.value.size, strlen(expected));
    assert_memory_equal(result.value.data, expected, strlen(expected));
}

static void assert_get(const char *document, const char *path, const char *expected)
{
    assert_found(MCBP_SUBDOC_GET, document, path, expected);
    assert_found(MCBP_SUBDOC_EXISTS, document, path, expected);
}

static void assert_status(const char *document, const char *path, enum mcbp_status status)
{
    struct subdoc_result result;
    assert_int_equal(look_up(MCBP_SUBDOC_GET, document, path, &result), status);
    assert_int_equal(look_up(MCBP_SUBDOC_EXISTS, document, path, &result), status);
    assert_int_equal(look_up(MCBP_SUBDOC_GET_COUNT, document, path, &result), status);
}

#define DOCUMENT " { \"a\" : [ 1 , {\"b\": \"x,y]\" } , [] ] , \"c\":{ } , \"d\":-1.5e3 }\n"

static void a_value_is_found_without_the_blanks_around_it(void **state)
{
    (void)state;
    assert_get(DOCUMENT, "a[0]", "1");
    assert_get(DOCUMENT, "a[1].b", "\"x,y]\"");
    assert_get(DOCUMENT, "a[1]", "{\"b\": \"x,y]\" }");
    assert_get(DOCUMENT, "a[2]", "[]");
    assert_get(DOCUMENT, "c", "{ }");
    assert_get(DOCUMENT, "d", "-1.5e3");
}

static void the_last_element_is_minus_one(void **state)
{
    (void)state;
    assert_get(DOCUMENT, "a[-1]", "[]");
    assert_get("[[1, 2 ],[3 , [4] ]  ]", "[-1][-1][-1]", "4");
    assert_get("[{\"a\":1},{\"a\":2}]", "[-1].a", "2");
    assert_status("[]", "[-1]", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_status("{}", "[-1]", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_status(DOCUMENT, "b", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_status(DOCUMENT, "a[3]", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_status(DOCUMENT, "c.d.e", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_status(DOCUMENT, "aa", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
}

static void a_path_into_something_else_is_a_mismatch(void **state)
{
    (void)state;
    assert_status(DOCUMENT, "a.b", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_status(DOCUMENT, "[0]", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_status(DOCUMENT, "d.e", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_status("5", "a", MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_status("5", "a..b", MCBP_STATUS_SUBDOC_PATH_INVALID);
}

static void members_and_elements_are_counted(void **state)
{
    (void)state;
    assert_found(MCBP_SUBDOC_GET_COUNT, DOCUMENT, "", "3");
    assert_found(MCBP_SUBDOC_GET_COUNT, DOCUMENT, "a", "3");
    assert_found(MCBP_SUBDOC_GET_COUNT, DOCUMENT, "a[-1]", "0");
    assert_found(MCBP_SUBDOC_GET_COUNT, DOCUMENT, "c", "0");
    struct subdoc_result result;
    assert_int_equal(look_up(MCBP_SUBDOC_GET_COUNT, DOCUMENT, "d", &result),
                     MCBP_STATUS_SUBDOC_PATH_MISMATCH);
    assert_int_equal(look_up(MCBP_SUBDOC_DELETE, DOCUMENT, "d", &result),
                     MCBP_STATUS_INTERNAL_ERROR);
}

static void names_are_compared_as_written_but_for_numbered_escapes(void **state)
{
    (void)state;
    assert_get("{\"a\\u0062\":1}", "ab", "1");
    assert_get("{\"\\u00e9\":1}", "\xc3\xa9", "1");
    assert_get("{\"\\uD83D\\ude00!\":1}", "\xf0\x9f\x98\x80!", "1");
    assert_get("{\"a\\nb\":1}", "a\\nb", "1");
    assert_get("{\"a.b`c\":1}", "`a.b``c`", "1");
    assert_status("{\"a\\ud83d\":1}", "ab", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
}

static void the_first_of_equal_names_counts_if_it_can(void **state)
{
    (void)state;
    assert_get("{\"a\":1,\"a\":2}", "a", "1");
    assert_get("{\"a\":1,\"a\":[2]}", "a[0]", "2");
    assert_status("{\"a\":[],\"a\":[2]}", "a[0]", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
}

static void only_what_is_read_has_to_be_json(void **state)
{
    (void)state;
    assert_get("{\"a\":1 nonsense", "a", "1");
    assert_status("{\"a\":1 nonsense", "b", MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON);
    assert_status("?", "a", MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON);
    assert_status("{\"a\":01}", "a", MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON);
    assert_status("[1,2", "[5]", MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON);
    assert_status("\"text\"", "a", MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON);
}

static void nest(char text[128], int levels)
{
    memset(text, '[', (size_t)levels);
    memset(text + levels, ']', (size_t)levels);
    text[2 * levels] = '\0';
}

static void a_document_has_32_levels(void **state)
{
    (void)state;
    char document[128];
    nest(document, 32);
    assert_status(document, "[1]", MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    nest(document, 33);
    assert_status(document, "[1]", MCBP_STATUS_SUBDOC_DOCUMENT_TOO_DEEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_without_the_blanks_around_it),
        cmocka_unit_test(the_last_element_is_minus_one),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_path_into_something_else_is_a_mismatch),
        cmocka_unit_test(members_and_elements_are_counted),
        cmocka_unit_test(names_are_compared_as_written_but_for_numbered_escapes),
        cmocka_unit_test(the_first_of_equal_names_counts_if_it_can),
        cmocka_unit_test(only_what_is_read_has_to_be_json),
        cmocka_unit_test(a_document_has_32_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
