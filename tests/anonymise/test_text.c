/*
 * Replacements of strings, names and numbers: of the same form, no two the same, and the same
 * however a character is written.
 */
#include "anonymise/text.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// cmocka needs the three before it
#include <cmocka.h>

static struct secret *secret;

static int create(void **state)
{
    static const char bytes[] = "sixteen bytes and more";
    (void)state;
    secret = secret_create(span_of(bytes, sizeof(bytes)));
    return secret == NULL ? -1 : 0;
}

static int destroy(void **state)
{
    (void)state;
    assert_false(secret_failed(secret));
    secret_destroy(secret);
    return 0;
}

/* What the text becomes, in memory that lasts until the next but seven. */
static const char *replaced(void (*replace)(struct secret *, uint8_t *, size_t), const char *text)
{
    static char results[8][128];
    static unsigned next;
    char *result = results[next++ % 8];
    strcpy(result, text);
    replace(secret, (uint8_t *)result, strlen(text));
    return result;
}

static void single_letters_become_single_letters_each_another(void **state)
{
    (void)state;
    bool seen[256] = {false};
    for (int letter = '0'; letter <= 'z'; letter++) {
        char text[] = {(char)letter, '\0'};
        if (isalnum(letter)) {
            uint8_t result = (uint8_t)replaced(text_replace_names, text)[0];
            assert_true(isalnum(result) && !seen[result]);
            assert_true(!isdigit(letter) == !isdigit(result));
            seen[result] = true;
        }
    }
}

static void numbers_keep_their_digits_and_differ(void **state)
{
    (void)state;
    bool seen[1000] = {false};
    for (int number = 100; number < 1000; number++) {
        char text[24];
        snprintf(text, sizeof(text), "-%d.0e7", number);
        const char *result = replaced(text_replace_number, text);
        int digits = atoi(result + 1);
        assert_true(result[0] == '-' && digits >= 100 && digits < 1000 && result[4] == '.');
        assert_true(strcmp(result + 6, "e7") == 0);
        seen[digits] = true;
    }
    size_t count = 0;
    for (int number = 100; number < 1000; number++) {
        count += seen[number];
    }
    assert_true(count > 500); /* the digit behind the point depends on the others, too */
    assert_true(strcmp(replaced(text_replace_number, "0"), "0") == 0);
    assert_true(strncmp(replaced(text_replace_number, "-0.00"), "-0.00", 5) == 0);
}

static void a_path_becomes_what_the_names_in_it_become(void **state)
{
    (void)state;
    char expected[128];
    snprintf(expected, sizeof(expected), "_%s.`%s %s`[17][-1].%s",
             replaced(text_replace_names, "sync"), replaced(text_replace_names, "größe"),
             replaced(text_replace_names, "2023"), replaced(text_replace_names, "a"));
    const char *path = "_sync.`größe 2023`[17][-1].a";
    assert_true(strcmp(replaced(text_replace_names, path), expected) == 0);
    assert_true(strspn(replaced(text_replace_names, "2023"), "0123456789") == 4);
}

/* The characters of a text without escapes, as escapes. */
static void escape(const char *text, char *out)
{
    while (*text != '\0') {
        unsigned first = (uint8_t)*text++;
        unsigned point = first;
        if (first >= 0xc0) {
            point = (first & 0x1f) << 6 | ((uint8_t)*text++ & 0x3f);
        }
        out += sprintf(out, "\\u%04x", point);
    }
}

static void escapes_become_escapes_of_what_the_character_becomes(void **state)
{
    (void)state;
    char text[128];
    char expected[128];
    escape("Größe 1", text);
    escape(replaced(text_replace_string, "Größe 1"), expected);
    assert_true(strcmp(replaced(text_replace_string, text), expected) == 0);
    const char *pair = replaced(text_replace_string, "\\ud83d\\ude00\\n\\\"\\ud83d");
    assert_true(strncmp(pair, "\\ud", 3) == 0 && strncmp(pair + 6, "\\ud", 3) == 0);
    assert_true(strcmp(pair + 12, "\\n\\\"\\ud83d") == 0);
}

static void strings_stay_strings(void **state)
{
    (void)state;
    const char *long_one = "a string of more characters than a permutation is made of, größer";
    const char *result = replaced(text_replace_string, long_one);
    assert_true(strlen(result) == strlen(long_one) && strpbrk(result, "\"\\") == NULL);
    assert_true(text_is_utf8(span_of(result, strlen(result))));
    assert_true(strcmp(result, replaced(text_replace_string, long_one)) == 0);
    assert_true(strspn(replaced(text_replace_string, "8675309"), "0123456789") == 7);
    assert_true(!text_is_utf8(span_of("\xc3", 1)) && !text_is_utf8(span_of("\xed\xa0\x80", 3)));
    assert_true(!text_is_utf8(span_of("\x1f", 1)) && !text_is_utf8(span_of("\xc1\x81", 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_letters_become_single_letters_each_another),
        cmocka_unit_test(numbers_keep_their_digits_and_differ),
        cmocka_unit_test(a_path_becomes_what_the_names_in_it_become),
        cmocka_unit_test(escapes_become_escapes_of_what_the_character_becomes),
        cmocka_unit_test(strings_stay_strings),
    };
    return cmocka_run_group_tests(tests, create, destroy);
}
