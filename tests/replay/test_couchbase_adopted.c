/*
 * Documents of Couchbase's dialect that were there before the capture: what answers tell of them is
 * taken over, and what they don't tell may be anything.
 */
#include "couchbase_scene.h"

static void logs_in(struct scene *scene)
{
    asks(scene, ANN, 1, HELLO, .key = "agent");
    answers(scene, ANN, 1, HELLO);
    asks(scene, ANN, 2, SELECT_BUCKET, .key = "travel");
    answers(scene, ANN, 2, SELECT_BUCKET);
}

static void gets(struct scene *scene, const char *value, uint64_t cas)
{
    asks(scene, ANN, 3, GET, .key = "k");
    answers(scene, ANN, 3, GET, .value = value, .cas = cas);
}

static void misses(struct scene *scene)
{
    asks(scene, ANN, 4, GET, .key = "k");
    answers(scene, ANN, 4, GET, .status = MCBP_STATUS_KEY_NOT_FOUND, .value = "");
}

static void a_document_may_expire_whose_time_was_not_told(void **state)
{
    struct scene *scene = *state;
    logs_in(scene);
    gets(scene, "a", 1000);
    scene_wait(scene, 5);
    misses(scene);
    misses(scene);
    assert_verdict(scene, .identical = 2, .adopted = 3);
    assert_int_equal(scene_verify(scene)->expired, 1);
}

static void what_appends_then_finds_none(void **state)
{
    struct scene *scene = *state;
    logs_in(scene);
    gets(scene, "a", 1000);
    asks(scene, ANN, 5, APPEND, .key = "k", .value = "b");
    answers(scene, ANN, 5, APPEND, .status = MCBP_STATUS_NOT_STORED, .value = "");
    misses(scene);
    assert_verdict(scene, .identical = 2, .adopted = 3);
}

static void one_that_is_stored_without_a_time_stays(void **state)
{
    struct scene *scene = *state;
    logs_in(scene);
    gets(scene, "a", 1000);
    asks(scene, ANN, 5, SET, .key = "k", .value = "b");
    answers(scene, ANN, 5, SET, .cas = 1001);
    misses(scene);
    assert_verdict(scene, .identical = 2, .adopted = 2, .different = 1);
}

static void numbers_its(struct scene *scene, uint64_t first, uint64_t second)
{
    come(scene, ANN);
    asks_for(scene, ANN, MCBP_SET, 0, "k", "a");
    is_told_number(scene, ANN, MCBP_SET, 7, first);
    asks_for(scene, ANN, MCBP_SET, 0, "k", "b");
    is_told_number(scene, ANN, MCBP_SET, 7, second);
}

/* That takes a number. */
static void others_may_expire_that_nobody_asks_for(void **state)
{
    numbers_its(*state, 51, 53);
    assert_int_equal(scene_verify(*state)->executed.check.different, 0);
}

static void not_where_the_first_change_is_in_the_capture(void **state)
{
    numbers_its(*state, 1, 3);
    assert_one_difference(*state, DIFFERENCE_FIELD, "extras");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_document_may_expire_whose_time_was_not_told),
        scene_test(what_appends_then_finds_none),
        scene_test(one_that_is_stored_without_a_time_stays),
        scene_test(others_may_expire_that_nobody_asks_for),
        scene_test(not_where_the_first_change_is_in_the_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
