#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// cmocka needs the three before it
#include <cmocka.h>

#define HOLDS(buffer, text)                                                                        \
    assert_true(span_equal(buffer_span(buffer), span_of(text, sizeof(text) - 1)))

static bool append(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, span_of(text, strlen(text)));
}

static void what_is_added_is_there_until_it_is_taken(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    HOLDS(&buffer, "");
    assert_true(append(&buffer, "one"));
    assert_true(append(&buffer, "two"));
    HOLDS(&buffer, "onetwo");
    buffer_take(&buffer, 2);
    HOLDS(&buffer, "etwo");
    assert_true(append(&buffer, "three"));
    HOLDS(&buffer, "etwothree");
    buffer_take(&buffer, 9);
    HOLDS(&buffer, "");
    buffer_deinit(&buffer);
}

static void nothing_may_be_added(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    assert_true(buffer_append(&buffer, span_of(NULL, 0)));
    assert_null(buffer.bytes);
    buffer_deinit(&buffer);
}

static void a_place_that_was_added_is_the_callers_to_write(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    assert_true(append(&buffer, "a"));
    uint8_t *place = buffer_extend(&buffer, 3);
    assert_non_null(place);
    memcpy(place, "bcd", 3);
    HOLDS(&buffer, "abcd");
    buffer_deinit(&buffer);
}

/* Numbers in and out, at random; AddressSanitizer watches. */
static void bytes_come_out_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    uint8_t in = 0;
    uint8_t out = 0;
    unsigned seed = 1;
    for (int i = 0; i < 20000; i++) {
        size_t size = (size_t)rand_r(&seed) % 300;
        uint8_t *place = buffer_extend(&buffer, size);
        assert_non_null(place);
        for (size_t k = 0; k < size; k++) {
            place[k] = in++;
        }
        struct span there = buffer_span(&buffer);
        size_t taken = (size_t)rand_r(&seed) % (there.size + 1);
        for (size_t k = 0; k < taken; k++) {
            assert_int_equal(there.data[k], out++);
        }
        buffer_take(&buffer, taken);
    }
    buffer_deinit(&buffer);
}

static void room_is_in_proportion_to_what_is_there(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    for (int i = 0; i < 10000; i++) { /* never empty */
        assert_true(append(&buffer, "0123456789"));
        buffer_take(&buffer, i == 0 ? 9 : 10);
    }
    assert_true(buffer.room <= 512);
    assert_non_null(buffer_extend(&buffer, 1000000));
    assert_true(buffer.room <= 2000100);
    buffer_deinit(&buffer);
}

static void without_memory_it_is_as_it_was(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    assert_true(append(&buffer, "there"));
    assert_null(buffer_extend(&buffer, SIZE_MAX));
    assert_null(buffer_extend(&buffer, SIZE_MAX / 2));
    HOLDS(&buffer, "there");
    buffer_deinit(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_there_until_it_is_taken),
        cmocka_unit_test(nothing_may_be_added),
        cmocka_unit_test(a_place_that_was_added_is_the_callers_to_write),
        cmocka_unit_test(bytes_come_out_in_the_order_in_which_they_came),
        cmocka_unit_test(room_is_in_proportion_to_what_is_there),
        cmocka_unit_test(without_memory_it_is_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
