#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
// cmocka needs the three before it
#include <cmocka.h>

static void items_stay_while_others_are_added(void **state)
{
    (void)state;
    uint32_t *items = NULL;
    size_t room = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        items = array_grow(items, sizeof(*items), i, &room);
        assert_non_null(items);
        items[i] = i; /* AddressSanitizer watches */
    }
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(items[i], i);
    }
    free(items);
}

static void an_array_with_room_stays_where_it_is(void **state)
{
    (void)state;
    size_t room = 0;
    uint8_t *items = array_grow(NULL, 1, 0, &room);
    assert_non_null(items);
    assert_true(room > 0);
    size_t before = room;
    assert_ptr_equal(array_grow(items, 1, room - 1, &room), items);
    assert_int_equal(room, before);
    free(items);
}

static void it_grows_by_half(void **state)
{
    (void)state;
    size_t room = 0;
    uint8_t *items = array_grow(NULL, 1, 1000, &room);
    assert_non_null(items);
    assert_in_range(room, 1500, 1510);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stay_while_others_are_added),
        cmocka_unit_test(an_array_with_room_stays_where_it_is),
        cmocka_unit_test(it_grows_by_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
