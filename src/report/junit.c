#include "report/printable.h"
#include "report/report.h"
#include "report/text.h"
#include "report/utf8.h"
#include "report/verdict.h"

#include <inttypes.h>
#include <libxml/xmlwriter.h>
#include <stdlib.h>

/* A test case: passed, failed, an error (it could not be done), or skipped. */
enum outcome { PASSED, FAILED, ERROR, SKIPPED };
enum { CASES_MAX = 3 };

struct test_case {
    const char *name;
    enum outcome outcome;
    char *message; /* NULL if passed */
    char *body;    /* NULL: none */
};

struct suite {
    const struct report *report;
    const struct capture_result *capture;
    struct test_case cases[CASES_MAX];
    size_t count;
};

struct writer {
    xmlTextWriterPtr xml;
    bool ok; /* no call has failed */
};

/* ------------------------------------------------------------------------------- what to say */

/* The differences of a check that were kept, as the text report has them, or why there are none; to
 * be freed. */
static char *differences_text(const struct suite *suite, enum difference_check check)
{
    static const struct report_style style = {.width = 100};
    const struct verify_result *result = suite->report->result;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    bool any = false;
    for (size_t i = 0; i < result->differences_count; i++) {
        const struct difference *difference = &result->differences[i];
        if (difference->capture == suite->capture->path && difference->check == check) {
            text_difference(out, suite->report, difference, i + 1, &style);
            any = true;
        }
    }
    if (suite->capture->problem != NULL) {
        fprintf(out, "%s\n", suite->capture->problem);
    } else if (!any) {
        fputs("none of them is among the first differences, which are shown; --show shows more\n",
              out);
    }
    fclose(out);
    return text;
}

static void junit_fail(const struct suite *suite, struct test_case *test,
                       enum difference_check check, uint64_t different, uint64_t compared)
{
    test->outcome = FAILED;
    if (asprintf(&test->message, "%" PRIu64 " differences in %" PRIu64 " frames compared",
                 different, compared) < 0) {
        test->message = NULL;
    }
    test->body = differences_text(suite, check);
}

static struct test_case *add_case(struct suite *suite, const char *name)
{
    struct test_case *test = &suite->cases[suite->count++];
    *test = (struct test_case){.name = name};
    return test;
}

static void judge_check(struct suite *suite, enum difference_check check, uint64_t different,
                        uint64_t compared)
{
    struct test_case *test = add_case(suite, verdict_check_name(check));
    if (different > 0) {
        junit_fail(suite, test, check, different, compared);
    } else if (compared == 0) {
        test->outcome = SKIPPED;
        test->message = strdup("nothing to compare");
    }
}

/* What could not be read is an error, what is too little a failure. */
static void junit_judge_evidence(struct suite *suite)
{
    struct test_case *test = add_case(suite, "evidence");
    char *message = NULL;
    size_t size = 0;
    enum verify_status status = suite->capture->status;
    if (status == VERIFY_IDENTICAL || status == VERIFY_DIFFERENT) {
        return;
    }
    test->outcome = status == VERIFY_NO_EVIDENCE ? FAILED : ERROR;
    FILE *out = open_memstream(&message, &size);
    if (out != NULL) {
        verdict_write_problem(out, suite->capture);
        fclose(out);
    }
    test->message = message;
}

static void junit_judge(struct suite *suite)
{
    const struct check_counts *rebuilt = &suite->capture->rebuilt;
    const struct executed_counts *executed = &suite->capture->executed;
    const struct live_counts *live = &suite->capture->live;
    if (suite->report->live != NULL) {
        judge_check(suite, CHECK_LIVE,
                    live->check.different + live->missing + live->unexpected + live->malformed,
                    live->check.compared);
    } else {
        judge_check(suite, CHECK_REBUILT, rebuilt->different, rebuilt->compared);
        judge_check(suite, CHECK_EXECUTED,
                    executed->check.different + executed->missing + executed->malformed,
                    executed->check.compared);
    }
    junit_judge_evidence(suite);
}

static void suite_deinit(struct suite *suite)
{
    for (size_t i = 0; i < suite->count; i++) {
        free(suite->cases[i].message);
        free(suite->cases[i].body);
    }
}

/* ---------------------------------------------------------------------------------------- XML */

/* XML 1.0 has no way to write the others, not even escaped. */
static bool is_xml_character(uint32_t character)
{
    return (character >= 0x20 || character == '\t' || character == '\n' || character == '\r') &&
           character != 0xfffe && character != 0xffff;
}

static char *xml_text(const char *text)
{
    size_t size;
    return utf8_copy(span_of(text, strlen(text)), is_xml_character, &size);
}

static void junit_begin(struct writer *writer, const char *element)
{
    writer->ok = xmlTextWriterStartElement(writer->xml, BAD_CAST element) >= 0 && writer->ok;
}

static void junit_end(struct writer *writer)
{
    writer->ok = xmlTextWriterEndElement(writer->xml) >= 0 && writer->ok;
}

static void attribute(struct writer *writer, const char *name, const char *value)
{
    char *text = xml_text(value == NULL ? "" : value);
    writer->ok = text != NULL &&
                 xmlTextWriterWriteAttribute(writer->xml, BAD_CAST name, BAD_CAST text) >= 0 &&
                 writer->ok;
    free(text);
}

static void attribute_number(struct writer *writer, const char *name, size_t number)
{
    char text[NUMBER_TEXT_SIZE];
    snprintf(text, sizeof(text), "%zu", number);
    attribute(writer, name, text);
}

static void content(struct writer *writer, const char *value)
{
    char *text = xml_text(value);
    writer->ok =
        text != NULL && xmlTextWriterWriteString(writer->xml, BAD_CAST text) >= 0 && writer->ok;
    free(text);
}

static size_t count_outcomes(const struct suite *suite, enum outcome outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < suite->count; i++) {
        count += suite->cases[i].outcome == outcome;
    }
    return count;
}

static void write_case(struct writer *writer, const struct suite *suite,
                       const struct test_case *test)
{
    static const char *const elements[] = {
        [FAILED] = "failure", [ERROR] = "error", [SKIPPED] = "skipped"};
    junit_begin(writer, "testcase");
    attribute(writer, "classname", suite->capture->path);
    attribute(writer, "name", test->name);
    if (test->outcome != PASSED) {
        junit_begin(writer, elements[test->outcome]);
        attribute(writer, "message", test->message);
        if (test->outcome != SKIPPED) {
            attribute(writer, "type", verdict_name(suite->capture));
        }
        if (test->body != NULL) {
            content(writer, test->body);
        }
        junit_end(writer);
    }
    junit_end(writer);
}

static void write_suite(struct writer *writer, const struct report *report,
                        const struct capture_result *capture)
{
    struct suite suite = {.report = report, .capture = capture};
    junit_judge(&suite);
    junit_begin(writer, "testsuite");
    attribute(writer, "name", capture->path);
    attribute_number(writer, "tests", suite.count);
    attribute_number(writer, "failures", count_outcomes(&suite, FAILED));
    attribute_number(writer, "errors", count_outcomes(&suite, ERROR));
    attribute_number(writer, "skipped", count_outcomes(&suite, SKIPPED));
    for (size_t i = 0; i < suite.count; i++) {
        write_case(writer, &suite, &suite.cases[i]);
    }
    junit_end(writer);
    suite_deinit(&suite);
}

static void write_document(struct writer *writer, const struct report *report)
{
    const struct verify_result *result = report->result;
    writer->ok = xmlTextWriterSetIndent(writer->xml, 1) >= 0 &&
                 xmlTextWriterStartDocument(writer->xml, NULL, "UTF-8", NULL) >= 0;
    junit_begin(writer, "testsuites");
    attribute(writer, "name", report->live != NULL ? "kvreplay replay" : "kvreplay verify");
    for (size_t i = 0; i < result->captures_count; i++) {
        write_suite(writer, report, &result->captures[i]);
    }
    junit_end(writer);
    writer->ok = xmlTextWriterEndDocument(writer->xml) >= 0 && writer->ok;
}

bool report_junit(FILE *out, const struct report *report)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    struct writer writer = {.xml = buffer == NULL ? NULL : xmlNewTextWriterMemory(buffer, 0)};
    if (writer.xml != NULL) {
        write_document(&writer, report);
        xmlFreeTextWriter(writer.xml); /* flushes into the buffer */
    }
    if (writer.ok) {
        fwrite(xmlBufferContent(buffer), 1, (size_t)xmlBufferLength(buffer), out);
    }
    if (buffer != NULL) {
        xmlBufferFree(buffer);
    }
    return writer.ok;
}
