#include "sample.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct sample sample;
    sample_init(&sample);
    char *text = sample_junit(&sample);
    /* Without recovery: a document that is not well-formed gives NULL. */
    *state = xmlReadMemory(text, (int)strlen(text), "report.xml", NULL, XML_PARSE_NONET);
    free(text);
    sample_deinit(&sample);
    return *state == NULL;
}

static int teardown(void **state)
{
    xmlFreeDoc(*state);
    xmlCleanupParser();
    return 0;
}

/* The string value of an XPath expression, to be freed with xmlFree. */
static xmlChar *evaluate(void **state, const char *expression)
{
    xmlXPathContextPtr context = xmlXPathNewContext(*state);
    xmlXPathObjectPtr object = xmlXPathEvalExpression(BAD_CAST expression, context);
    assert_non_null(object);
    xmlChar *text = xmlXPathCastToString(object);
    xmlXPathFreeObject(object);
    xmlXPathFreeContext(context);
    return text;
}

static void assert_evaluates(void **state, const char *expression, const char *expected)
{
    xmlChar *text = evaluate(state, expression);
    assert_string_equal((const char *)text, expected);
    xmlFree(text);
}

static void has_a_suite_for_each_capture_with_three_cases(void **state)
{
    assert_evaluates(state, "count(/testsuites/testsuite)", "3");
    assert_evaluates(state, "count(/testsuites/testsuite/testcase)", "9");
    assert_evaluates(state, "string(//testsuite[1]/testcase[1]/@name)", "rebuilt");
    assert_evaluates(state, "string(//testsuite[1]/testcase[2]/@name)", "executed");
    assert_evaluates(state, "string(//testsuite[1]/testcase[3]/@name)", "evidence");
    assert_evaluates(state, "string(//testsuite[1]/testcase[3]/@classname)", "captures/good.pcap");
}

static void an_identical_capture_passes(void **state)
{
    assert_evaluates(state, "count(//testsuite[1]/testcase/*)", "0");
    assert_evaluates(state, "string(//testsuite[1]/@failures)", "0");
}

static void a_failure_carries_the_first_differences(void **state)
{
    assert_evaluates(state, "string(//testsuite[2]/@failures)", "2");
    assert_evaluates(state, "string(//testsuite[2]/testcase[1]/failure/@message)",
                     "2 differences in 1001 frames compared");
    assert_evaluates(state, "string(//testsuite[2]/testcase[2]/failure/@message)",
                     "4 differences in 998 frames compared");
    assert_evaluates(state, "contains(//testsuite[2]/testcase[1]/failure, 'could not be built')",
                     "true");
    assert_evaluates(state, "contains(//testsuite[2]/testcase[2]/failure, 'value+6 differs')",
                     "true");
    assert_evaluates(state, "contains(//testsuite[2]/testcase[2]/failure, 'could not be built')",
                     "false");
}

static void what_cannot_be_read_is_an_error_of_the_evidence(void **state)
{
    assert_evaluates(state, "string(//testsuite[3]/@errors)", "1");
    assert_evaluates(state, "string(//testsuite[3]/@skipped)", "2");
    assert_evaluates(state, "string(//testsuite[3]/testcase[3]/error/@type)", "unreadable");
    assert_evaluates(state, "string(//testsuite[3]/testcase[3]/error/@message)",
                     "captures/bad.pcap: byte 0: \\x01 is <no> capture");
}

static void bytes_that_xml_has_no_place_for_are_replaced(void **state)
{
    assert_evaluates(state, "string(//testsuite[2]/@name)",
                     "captures/a long folder/\xef\xbf\xbd[31m\xef\xbf\xbd \xe2\x82\xac.pcap");
    assert_evaluates(state, "contains(//testsuite[2]/testcase[2]/failure, '\\x00\\x01\\x02')",
                     "true");
    assert_evaluates(state, "contains(//testsuite[2]/testcase[2]/failure, '\\xfe\\xff')", "true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_a_suite_for_each_capture_with_three_cases),
        cmocka_unit_test(an_identical_capture_passes),
        cmocka_unit_test(a_failure_carries_the_first_differences),
        cmocka_unit_test(what_cannot_be_read_is_an_error_of_the_evidence),
        cmocka_unit_test(bytes_that_xml_has_no_place_for_are_replaced),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
