#include "subdoc/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* The parts as text: names, [index], [-1]; `q` behind a name with backticks to be taken out. */
static void describe(const struct subdoc_path *path, char text[512])
{
    size_t size = 0;
    text[0] = '\0';
    for (size_t i = 0; i < path->count; i++) {
        const struct subdoc_part *part = &path->parts[i];
        const char *separator = i > 0 ? " " : "";
        size_t room = 512 - size;
        int written;
        if (part->is_last) {
            written = snprintf(text + size, room, "%s[-1]", separator);
        } else if (part->is_index) {
            written = snprintf(text + size, room, "%s[%ju]", separator, (uintmax_t)part->index);
        } else {
            written = snprintf(text + size, room, "%s%.*s%s", separator, (int)part->name.size,
                               (const char *)part->name.data, part->is_quoted ? "(q)" : "");
        }
        size += (size_t)written;
    }
}

static void assert_parts(const char *text, const char *parts)
{
    struct subdoc_path path;
    char found[512];
    assert_int_equal(subdoc_path_parse(span_of(text, strlen(text)), &path), MCBP_STATUS_SUCCESS);
    describe(&path, found);
    assert_string_equal(found, parts);
}

static void assert_invalid(const char *text)
{
    struct subdoc_path path;
    assert_int_equal(subdoc_path_parse(span_of(text, strlen(text)), &path),
                     MCBP_STATUS_SUBDOC_PATH_INVALID);
}

static void names_and_indexes_make_a_path(void **state)
{
    (void)state;
    assert_parts("", "");
    assert_parts("a", "a");
    assert_parts("a.b.c", "a b c");
    assert_parts("a[0].b[12][3]", "a [0] b [12] [3]");
    assert_parts("[1]", "[1]");
    assert_parts("a[-1].b", "a [-1] b");
}

static void a_full_stop_may_be_left_over(void **state)
{
    (void)state;
    assert_parts("a.", "a");
    assert_parts("a[0].", "a [0]");
    assert_parts("a.[0]", "a [0]");
    assert_invalid(".a");
    assert_invalid("a..b");
    assert_invalid(".");
    assert_invalid("[0]a");
}

static void an_index_is_digits_only(void **state)
{
    (void)state;
    assert_parts("[007]", "[7]");
    assert_parts("[]", "[0]");
    assert_parts("[18446744073709551615]", "[-1]");
    assert_invalid("[-2]");
    assert_invalid("[ 1]");
    assert_invalid("[x]");
    assert_invalid("[1");
    assert_invalid("[18446744073709551616]");
    assert_invalid("a]");
}

static void backticks_make_anything_a_name(void **state)
{
    (void)state;
    assert_parts("`a.b`.c", "a.b c");
    assert_parts("`[0]`", "[0]");
    assert_parts("a``b", "a``b(q)");
    assert_parts("`a``b`", "a``b(q)");
    assert_parts("x`.`y", "x`.`y(q)");
    assert_invalid("`a");
    assert_invalid("``");
}

static void a_name_is_written_as_in_json(void **state)
{
    (void)state;
    assert_parts("say \\\"hi\\\"", "say \\\"hi\\\"");
    assert_parts("a\\\\b\\n", "a\\\\b\\n");
    assert_invalid("\"a\"");
    assert_invalid("a\\x");
    assert_invalid("a\\u0041");
    assert_invalid("a\\");
    assert_invalid("a\nb");
}

static void a_path_has_at_most_31_parts(void **state)
{
    (void)state;
    char text[512] = "a";
    struct subdoc_path path;
    for (int i = 1; i < SUBDOC_PATH_PARTS; i++) {
        strcat(text, i % 2 ? ".a" : "[0]");
    }
    assert_int_equal(subdoc_path_parse(span_of(text, strlen(text)), &path), MCBP_STATUS_SUCCESS);
    assert_int_equal(path.count, SUBDOC_PATH_PARTS);
    strcat(text, "[0]");
    assert_int_equal(subdoc_path_parse(span_of(text, strlen(text)), &path),
                     MCBP_STATUS_SUBDOC_PATH_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_indexes_make_a_path),
        cmocka_unit_test(a_full_stop_may_be_left_over),
        cmocka_unit_test(an_index_is_digits_only),
        cmocka_unit_test(backticks_make_anything_a_name),
        cmocka_unit_test(a_name_is_written_as_in_json),
        cmocka_unit_test(a_path_has_at_most_31_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
