#include "live/value_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct value_map map;
static uint64_t expected;

static int empty(void **state)
{
    (void)state;
    value_map_deinit(&map);
    return 0;
}

static void a_value_never_seen_is_learnt(void **state)
{
    (void)state;
    uint64_t to;
    assert_false(value_map_find(&map, 5, &to));
    assert_int_equal(value_map_note(&map, 5, 900, &expected), VALUE_NEW);
    assert_true(value_map_find(&map, 5, &to));
    assert_int_equal(to, 900);
    assert_int_equal(value_map_note(&map, 5, 900, &expected), VALUE_KNOWN);
}

static void another_value_where_it_was_the_same_is_a_conflict(void **state)
{
    (void)state;
    value_map_note(&map, 5, 900, &expected);
    assert_int_equal(value_map_note(&map, 5, 901, &expected), VALUE_CONFLICT);
    assert_int_equal(expected, 900);
}

static void the_same_value_where_it_was_another_is_a_conflict(void **state)
{
    (void)state;
    value_map_note(&map, 5, 900, &expected);
    assert_int_equal(value_map_note(&map, 6, 900, &expected), VALUE_CONFLICT);
    assert_int_equal(expected, 0);
}

static void a_wrong_value_does_not_make_the_right_one_wrong(void **state)
{
    (void)state;
    value_map_note(&map, 5, 900, &expected);
    value_map_note(&map, 5, 901, &expected);
    assert_int_equal(value_map_note(&map, 5, 900, &expected), VALUE_KNOWN);
}

static void a_conflict_is_told_of_twice(void **state)
{
    (void)state;
    value_map_note(&map, 5, 900, &expected);
    value_map_note(&map, 5, 901, &expected);
    assert_int_equal(value_map_note(&map, 5, 901, &expected), VALUE_CONFLICT);
    assert_int_equal(value_map_note(&map, 5, 901, &expected), VALUE_KNOWN);
    assert_int_equal(value_map_note(&map, 6, 900, &expected),
                     VALUE_NEW); /* belongs to nothing now */
}

static void the_last_ones_are_remembered_and_memory_is_bounded(void **state)
{
    (void)state;
    uint64_t to;
    uint64_t count = 3 * (uint64_t)VALUE_MAP_KEPT;
    for (uint64_t i = 1; i <= count; i++) {
        assert_int_equal(value_map_note(&map, i, i + 7, &expected), VALUE_NEW);
    }
    for (uint64_t i = count - VALUE_MAP_KEPT + 1; i <= count; i++) {
        assert_true(value_map_find(&map, i, &to));
        assert_int_equal(to, i + 7);
    }
    assert_false(value_map_find(&map, 1, &to));
    assert_true(map.forward.recent.room + map.forward.older.room <= 4 * (size_t)VALUE_MAP_KEPT);
}

static void what_is_in_use_is_not_forgotten(void **state)
{
    (void)state;
    uint64_t to;
    value_map_note(&map, UINT64_MAX, 1, &expected);
    for (uint64_t i = 2; i < 5 * (uint64_t)VALUE_MAP_KEPT; i++) {
        value_map_note(&map, i, i, &expected);
        assert_true(value_map_find(&map, UINT64_MAX, &to));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_value_never_seen_is_learnt, empty),
        cmocka_unit_test_teardown(another_value_where_it_was_the_same_is_a_conflict, empty),
        cmocka_unit_test_teardown(the_same_value_where_it_was_another_is_a_conflict, empty),
        cmocka_unit_test_teardown(a_wrong_value_does_not_make_the_right_one_wrong, empty),
        cmocka_unit_test_teardown(a_conflict_is_told_of_twice, empty),
        cmocka_unit_test_teardown(the_last_ones_are_remembered_and_memory_is_bounded, empty),
        cmocka_unit_test_teardown(what_is_in_use_is_not_forgotten, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
