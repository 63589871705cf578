/*
 * The pieces of values: whatever is joined with whatever, it is cut where its parts are.
 */
#include "anonymise/bifix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// cmocka needs the three before it
#include <cmocka.h>

enum { PLENTY = 1 << 20 };

static struct span text(const char *string)
{
    return span_of(string, strlen(string));
}

static void add(struct bifix *bifix, const char *value)
{
    assert_int_equal(bifix_add(bifix, text(value), PLENTY), BIFIX_ADDED);
}

/* The value with a bar between its pieces. */
static const char *cut(const struct bifix *bifix, struct span value)
{
    static char out[4096];
    size_t size = 0;
    while (value.size > 0) {
        void **beside;
        size_t piece = bifix_first(bifix, value, &beside);
        assert_true(piece > 0 && piece <= value.size);
        if (size > 0) {
            out[size++] = '|';
        }
        memcpy(out + size, value.data, piece);
        size += piece;
        value = span_skip(value, piece);
    }
    out[size] = '\0';
    return out;
}

static void expect(const struct bifix *bifix, const char *value, const char *pieces)
{
    assert_string_equal(cut(bifix, text(value)), pieces);
}

static void a_value_is_cut_where_it_was_put_together(void **state)
{
    (void)state;
    struct bifix bifix = {0};
    add(&bifix, "first value");
    add(&bifix, " plus");
    add(&bifix, "first value plus");
    add(&bifix, "second value");
    expect(&bifix, "second value plus plus", "second value| plus| plus");
    expect(&bifix, "first value", "first value");
    bifix_deinit(&bifix);
}

static void what_was_there_before_is_what_is_left(void **state)
{
    (void)state;
    struct bifix bifix = {0};
    add(&bifix, " more");
    add(&bifix, "from before more more");
    add(&bifix, "head ");
    expect(&bifix, "head from before more", "head |from before| more");
    bifix_deinit(&bifix);
}

static void pieces_are_no_shorter_than_they_have_to_be(void **state)
{
    (void)state;
    struct bifix bifix = {0};
    add(&bifix, "abc");
    add(&bifix, "bcd");
    add(&bifix, "xabcx");
    expect(&bifix, "xabcx", "xabcx");
    add(&bifix, "x");
    expect(&bifix, "xabcx", "x|abc|x");
    bifix_deinit(&bifix);
}

static void a_piece_that_ends_another_is_one_of_its_own(void **state)
{
    (void)state;
    struct bifix bifix = {0};
    add(&bifix, "one more");
    add(&bifix, " more");
    add(&bifix, "from before, one more");
    expect(&bifix, "from before, one more", "from before, |one| more");
    bifix_deinit(&bifix);
}

static void what_no_piece_begins_is_left_whole(void **state)
{
    (void)state;
    struct bifix bifix = {0};
    expect(&bifix, "anything", "anything");
    add(&bifix, "any");
    add(&bifix, "");
    expect(&bifix, "anything", "any|thing");
    bifix_deinit(&bifix);
}

static void without_room_nothing_is_added(void **state)
{
    (void)state;
    struct bifix bifix = {0};
    assert_int_equal(bifix_add(&bifix, text("value"), 4), BIFIX_FULL);
    assert_int_equal(bifix.bytes, 0);
    add(&bifix, "value");
    assert_int_equal(bifix_add(&bifix, text("valuevalue"), 0), BIFIX_ADDED);
    assert_int_equal(bifix.bytes, 5);
    bifix_deinit(&bifix);
}

static void what_is_kept_beside_a_word_is_found_with_it(void **state)
{
    (void)state;
    struct bifix bifix = {0};
    void **beside;
    add(&bifix, "word");
    add(&bifix, "other");
    bifix_first(&bifix, text("words"), &beside);
    assert_null(*beside);
    void *kept = *beside = malloc(1);
    bifix_first(&bifix, text("otherword"), &beside);
    assert_null(*beside);
    bifix_first(&bifix, text("wordother"), &beside);
    assert_ptr_equal(*beside, kept);
    bifix_first(&bifix, text("wor"), &beside);
    assert_null(beside);
    add(&bifix, "wo");
    bifix_first(&bifix, text("wo"), &beside);
    assert_null(*beside);
    bifix_deinit(&bifix);
}

/* ------------------------------------------------------------------------------------- random */

enum { VALUES = 40, JOINED = 6 };

static size_t random_value(char *value, const char *letters, size_t longest)
{
    size_t size = 1 + (size_t)rand() % longest;
    for (size_t i = 0; i < size; i++) {
        value[i] = letters[(size_t)rand() % strlen(letters)];
    }
    value[size] = '\0';
    return size;
}

/* The pieces of the whole are those of its parts, one after the other. */
static void check_joined(const struct bifix *bifix, char values[][16])
{
    char whole[JOINED * 16] = "";
    char pieces[4096] = "";
    for (unsigned i = 0; i < JOINED; i++) {
        const char *part = values[rand() % VALUES];
        strcat(whole, part);
        strcat(pieces, i == 0 ? "" : "|");
        strcat(pieces, cut(bifix, text(part)));
    }
    expect(bifix, whole, pieces);
}

static void pieces_of_the_whole_are_those_of_its_parts(void **state)
{
    (void)state;
    static const char *const alphabets[] = {"ab", "abc", "abcdefghijklmnopqrstuvwxyz"};
    for (unsigned seed = 0; seed < 300; seed++) {
        srand(seed);
        struct bifix bifix = {0};
        char values[VALUES][16];
        for (unsigned i = 0; i < VALUES; i++) {
            random_value(values[i], alphabets[seed % 3], 15);
            add(&bifix, values[i]);
        }
        for (unsigned i = 0; i < 50; i++) {
            check_joined(&bifix, values);
        }
        bifix_deinit(&bifix);
    }
}

/* As a log does: each line is appended, and the whole is read again and again. */
static void a_value_that_grows_is_not_kept_again(void **state)
{
    (void)state;
    struct bifix bifix = {0};
    static char log[40000];
    size_t size = 0;
    srand(1);
    for (unsigned i = 0; i < 1000; i++) {
        size_t line = random_value(log + size, "abcdefghijklmnopqrstuvwxyz", 30);
        assert_int_equal(bifix_add(&bifix, span_of(log + size, line), PLENTY), BIFIX_ADDED);
        size += line;
        assert_int_equal(bifix_add(&bifix, span_of(log, size), PLENTY), BIFIX_ADDED);
    }
    assert_true(bifix.bytes > 0 && bifix.bytes <= size);
    bifix_deinit(&bifix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_cut_where_it_was_put_together),
        cmocka_unit_test(what_was_there_before_is_what_is_left),
        cmocka_unit_test(pieces_are_no_shorter_than_they_have_to_be),
        cmocka_unit_test(a_piece_that_ends_another_is_one_of_its_own),
        cmocka_unit_test(what_no_piece_begins_is_left_whole),
        cmocka_unit_test(without_room_nothing_is_added),
        cmocka_unit_test(what_is_kept_beside_a_word_is_found_with_it),
        cmocka_unit_test(pieces_of_the_whole_are_those_of_its_parts),
        cmocka_unit_test(a_value_that_grows_is_not_kept_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
