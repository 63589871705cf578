/*
 * When late frames were on the wire.
 */
#include "replay/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka needs the three before it
#include <cmocka.h>

static void a_late_frame_comes_behind_those_of_its_packet(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    timeline_note(&timeline, 8, 1);
    timeline_note(&timeline, 10, 2);
    timeline_note(&timeline, 10, 3);
    timeline_note(&timeline, 15, 4);
    assert_int_equal(timeline_sequence(&timeline, 8), 1);
    assert_int_equal(timeline_sequence(&timeline, 9), 1);
    assert_int_equal(timeline_sequence(&timeline, 10), 3);
    assert_int_equal(timeline_sequence(&timeline, 14), 3);
    assert_int_equal(timeline_sequence(&timeline, 20), 4);
}

static void late_frames_are_passed_over(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    timeline_note(&timeline, 10, 1);
    timeline_note(&timeline, 12, 2);
    timeline_note(&timeline, 11, 3);
    assert_int_equal(timeline_sequence(&timeline, 11), 1);
    assert_int_equal(timeline_sequence(&timeline, 12), 2);
}

static void before_what_is_remembered_is_its_beginning(void **state)
{
    (void)state;
    struct timeline timeline = {0};
    assert_int_equal(timeline_sequence(&timeline, 5), 0);
    for (unsigned i = 1; i <= 3 * TIMELINE_PACKETS; i++) {
        timeline_note(&timeline, 10 * i, i);
    }
    assert_int_equal(timeline_sequence(&timeline, 5), 2 * TIMELINE_PACKETS + 1);
    assert_int_equal(timeline_sequence(&timeline, 10 * 2 * TIMELINE_PACKETS + 25),
                     2 * TIMELINE_PACKETS + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_frame_comes_behind_those_of_its_packet),
        cmocka_unit_test(late_frames_are_passed_over),
        cmocka_unit_test(before_what_is_remembered_is_its_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
