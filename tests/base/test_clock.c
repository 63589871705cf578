#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka needs the three before it
#include <cmocka.h>

static void real_time_is_unix_time_in_nanoseconds(void **state)
{
    (void)state;
    int64_t before = time(NULL) - 1; /* which may be behind by a tick */
    int64_t now = clock_now(CLOCK_REALTIME) / 1000000000;
    assert_in_range(now, before, time(NULL) + 1);
}

static void a_clock_goes_on(void **state)
{
    (void)state;
    const struct timespec two = {.tv_nsec = 2 * CLOCK_MILLISECOND};
    int64_t before = clock_now(CLOCK_MONOTONIC);
    nanosleep(&two, NULL);
    int64_t passed = clock_now(CLOCK_MONOTONIC) - before;
    assert_true(passed >= two.tv_nsec);
    assert_true(passed < INT64_C(60000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_time_is_unix_time_in_nanoseconds),
        cmocka_unit_test(a_clock_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
