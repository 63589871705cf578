#include "report/printable.h"
#include "report/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What `write` writes, compared with `expected`. */
#define assert_writes(expected, write)                                                             \
    do {                                                                                           \
        char *text = NULL;                                                                         \
        size_t size;                                                                               \
        FILE *out = open_memstream(&text, &size);                                                  \
        write;                                                                                     \
        fclose(out);                                                                               \
        assert_string_equal(text, expected);                                                       \
        free(text);                                                                                \
    } while (0)

static void bytes_are_escaped_so_that_they_can_be_read_back(void **state)
{
    (void)state;
    assert_writes("plain key:1", printable_write(out, span_of("plain key:1", 11)));
    assert_writes("\\\"\\\\\\x00\\x1f\\x7f\\x80\\xff",
                  printable_write(out, span_of("\"\\\0\x1f\x7f\x80\xff", 7)));
}

static void text_keeps_what_can_be_shown(void **state)
{
    (void)state;
    assert_writes("caf\xc3\xa9 \xe2\x82\xac",
                  printable_write_text(out, "caf\xc3\xa9 \xe2\x82\xac"));
    /* Escape, a C1 control, an overlong slash, half a character, right-to-left override. */
    assert_writes("\\x1b[31m", printable_write_text(out, "\x1b[31m"));
    assert_writes("\\xc2\\x85", printable_write_text(out, "\xc2\x85"));
    assert_writes("\\xc0\\xaf", printable_write_text(out, "\xc0\xaf"));
    assert_writes("\\xe2\\x82", printable_write_text(out, "\xe2\x82"));
    assert_writes("\\xe2\\x80\\xae", printable_write_text(out, "\xe2\x80\xae"));
}

static void width_counts_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(printable_text_width("caf\xc3\xa9"), 4);
    assert_int_equal(printable_text_width("\x1b"), 4);
}

static void a_long_path_loses_its_middle_and_keeps_its_tail(void **state)
{
    (void)state;
    const char *path = "/var/captures/2026/november/monday.pcap";
    assert_writes(path, printable_write_shortened(out, path, 39));
    assert_writes("/va...er/monday.pcap", printable_write_shortened(out, path, 20));
}

static void numbers_are_grouped_by_thousands(void **state)
{
    (void)state;
    char text[NUMBER_TEXT_SIZE];
    assert_string_equal(number_text(0, text), "0");
    assert_string_equal(number_text(999, text), "999");
    assert_string_equal(number_text(1000, text), "1,000");
    assert_string_equal(number_text(UINT64_MAX, text), "18,446,744,073,709,551,615");
    char count[COUNT_TEXT_SIZE];
    assert_string_equal(count_text(1, "frame", count), "1 frame");
    assert_string_equal(count_text(1200, "frame", count), "1,200 frames");
}

static void times_are_utc_and_rounded_down(void **state)
{
    (void)state;
    char text[TIME_TEXT_SIZE];
    assert_string_equal(time_text(0, 6, text), "1970-01-01T00:00:00.000000Z");
    assert_string_equal(time_text(1700000000123456789, 6, text), "2023-11-14T22:13:20.123456Z");
    assert_string_equal(time_text(1700000000123456789, 9, text), "2023-11-14T22:13:20.123456789Z");
    assert_string_equal(time_text(-1, 9, text), "1969-12-31T23:59:59.999999999Z");
    assert_string_equal(time_text(INT64_MAX, 9, text), "2262-04-11T23:47:16.854775807Z");
    assert_string_equal(time_text(INT64_MIN, 9, text), "1677-09-21T00:12:43.145224192Z");
}

static void bytes_that_are_no_utf8_are_replaced_one_by_one(void **state)
{
    (void)state;
    size_t size;
    char *copy = utf8_copy(span_of("a\xff\xe2\x82z\xf0\x9f\x98\x80\xed\xa0\x80", 12), NULL, &size);
    assert_string_equal(copy, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xf0\x9f\x98\x80"
                              "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    assert_int_equal(size, strlen(copy));
    free(copy);
    copy = utf8_copy(span_of(NULL, 0), NULL, &size);
    assert_string_equal(copy, "");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_escaped_so_that_they_can_be_read_back),
        cmocka_unit_test(text_keeps_what_can_be_shown),
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(a_long_path_loses_its_middle_and_keeps_its_tail),
        cmocka_unit_test(numbers_are_grouped_by_thousands),
        cmocka_unit_test(times_are_utc_and_rounded_down),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
