/*
 * Races within memcached 1.6: answers that no order of the requests gives are right where requests
 * overlap, and counted; elsewhere they are differences.
 */
#include "scene.h"

static const uint16_t NOT_STORED = MCBP_STATUS_NOT_STORED;

static void set(struct scene *scene, enum person person, uint32_t number, const char *value,
                uint64_t cas)
{
    asks(scene, person, number, SET, .key = "k", .value = value);
    answers(scene, person, number, SET, .cas = cas);
}

static void get(struct scene *scene, enum person person, uint32_t number, const char *value,
                uint64_t cas)
{
    asks(scene, person, number, GET, .key = "k");
    answers(scene, person, number, GET, .cas = cas, .value = value);
}

static uint64_t races(struct scene *scene, enum race race)
{
    const struct capture_result *found = scene_verify(scene);
    assert_int_equal(found->executed.check.different + found->executed.missing, 0);
    return found->races[race];
}

static uint64_t differences(struct scene *scene)
{
    const struct executed_counts *found = &scene_verify(scene)->executed;
    return found->check.different + found->missing;
}

/* ------------------------------------------------------------------------------------ lost add */

static void a_counter_loses_against_a_set_of_the_same_moment(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    set(scene, BOB, 1, "5", 1);
    answers(scene, ANN, 1, INCREMENT, .status = NOT_STORED);
    get(scene, ANN, 2, "5", 1);
    assert_int_equal(races(scene, RACE_LOST_ADD), 1);
    assert_verdict(scene, .identical = 2, .ambiguous = 1);
}

static void a_quiet_one_loses_against_another_counter(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, DECREMENTQ, .key = "k", .delta = 1, .initial = 7);
    asks(scene, ANN, 2, NOOP);
    asks(scene, BOB, 1, INCREMENT, .key = "k", .delta = 1, .initial = 3);
    answers(scene, BOB, 1, INCREMENT, .cas = 1, .number = 3);
    answers(scene, ANN, 1, DECREMENTQ, .status = NOT_STORED);
    answers(scene, ANN, 2, NOOP);
    get(scene, ANN, 3, "3", 1);
    assert_int_equal(races(scene, RACE_LOST_ADD), 1);
}

static void it_may_lose_before_the_other_is_answered(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    asks(scene, BOB, 1, SET, .key = "k", .value = "5");
    answers(scene, ANN, 1, INCREMENT, .status = NOT_STORED);
    answers(scene, BOB, 1, SET, .cas = 1);
    get(scene, ANN, 2, "5", 1);
    assert_int_equal(races(scene, RACE_LOST_ADD), 1);
}

static void it_may_lose_after_a_delete_of_the_same_moment(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "1", 1);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    asks(scene, BOB, 1, DELETE, .key = "k");
    answers(scene, BOB, 1, DELETE);
    set(scene, BOB, 2, "5", 2);
    answers(scene, ANN, 2, INCREMENT, .status = NOT_STORED);
    get(scene, ANN, 3, "5", 2);
    assert_int_equal(races(scene, RACE_LOST_ADD), 1);
}

static void it_may_lose_where_an_item_has_expired(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "1", .expires = 1);
    answers(scene, ANN, 1, SET, .cas = 1);
    scene_wait(scene, 2);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    set(scene, BOB, 1, "5", 2);
    answers(scene, ANN, 2, INCREMENT, .status = NOT_STORED);
    get(scene, ANN, 3, "5", 2);
    assert_int_equal(races(scene, RACE_LOST_ADD), 1);
}

static void alone_it_has_nothing_to_lose_against(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    answers(scene, ANN, 1, INCREMENT, .status = NOT_STORED);
    assert_verdict(scene, .different = 1);
}

static void a_set_before_it_is_no_race(void **state)
{
    struct scene *scene = *state;
    set(scene, BOB, 1, "5", 1);
    asks(scene, ANN, 1, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    answers(scene, ANN, 1, INCREMENT, .status = NOT_STORED);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void with_the_key_there_all_the_time_it_finds_it(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "1", 1);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    set(scene, BOB, 1, "5", 2);
    answers(scene, ANN, 2, INCREMENT, .status = NOT_STORED);
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void a_set_that_failed_has_stored_nothing(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    asks(scene, BOB, 1, SET, .key = "k", .value = "5", .cas = 99);
    answers(scene, BOB, 1, SET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    answers(scene, ANN, 1, INCREMENT, .status = NOT_STORED);
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
}

/* ------------------------------------------------------------------------------------ next CAS */

static void a_get_shows_the_old_value_with_the_cas_of_the_counter_behind_it(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "10", 1);
    asks(scene, ANN, 2, GET, .key = "k");
    asks(scene, BOB, 1, INCREMENT, .key = "k", .delta = 1);
    answers(scene, BOB, 1, INCREMENT, .cas = 2, .number = 11);
    answers(scene, ANN, 2, GET, .cas = 2, .value = "10");
    get(scene, ANN, 3, "11", 2);
    assert_int_equal(races(scene, RACE_NEXT_CAS), 1);
}

static void also_if_the_counter_is_answered_later(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "10", 1);
    asks(scene, ANN, 2, GAT, .key = "k", .expires = 100);
    asks(scene, BOB, 1, DECREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 2, GAT, .cas = 2, .value = "10");
    answers(scene, BOB, 1, DECREMENT, .cas = 2, .number = 9);
    get(scene, ANN, 3, "9 ", 2);
    assert_int_equal(races(scene, RACE_NEXT_CAS), 1);
}

static void also_if_the_counter_is_quiet(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "10", 1);
    asks(scene, ANN, 2, GET, .key = "k");
    asks(scene, BOB, 1, INCREMENTQ, .key = "k", .delta = 1);
    asks(scene, BOB, 2, NOOP);
    answers(scene, BOB, 2, NOOP);
    answers(scene, ANN, 2, GET, .cas = 2, .value = "10");
    get(scene, ANN, 3, "11", 2);
    assert_int_equal(races(scene, RACE_NEXT_CAS), 1);
}

static void a_counter_asked_after_the_answer_gives_it_no_cas(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "10", 1);
    get(scene, ANN, 2, "10", 2);
    asks(scene, BOB, 1, INCREMENT, .key = "k", .delta = 1);
    answers(scene, BOB, 1, INCREMENT, .cas = 2, .number = 11);
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void a_set_of_the_same_moment_gives_the_old_item_no_cas(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "10", 1);
    asks(scene, ANN, 2, GET, .key = "k");
    set(scene, BOB, 1, "11", 2);
    answers(scene, ANN, 2, GET, .cas = 2, .value = "10");
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
}

static void a_cas_that_the_counter_did_not_get_is_a_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "10", 1);
    asks(scene, ANN, 2, GET, .key = "k");
    asks(scene, BOB, 1, INCREMENT, .key = "k", .delta = 1);
    answers(scene, BOB, 1, INCREMENT, .cas = 2, .number = 11);
    answers(scene, ANN, 2, GET, .cas = 3, .value = "10");
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
}

static void an_order_is_a_better_explanation(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "10", 1);
    asks(scene, ANN, 2, GET, .key = "k");
    asks(scene, BOB, 1, INCREMENT, .key = "k", .delta = 0);
    answers(scene, BOB, 1, INCREMENT, .cas = 2, .number = 10);
    answers(scene, ANN, 2, GET, .cas = 1, .value = "10");
    assert_int_equal(races(scene, RACE_NEXT_CAS), 0);
}

/* ------------------------------------------------------------------------------------ shared CAS
 */

static void counts(struct scene *scene, enum person person, uint64_t cas, uint64_t number)
{
    answers(scene, person, 1, INCREMENT, .cas = cas, .number = number);
}

static void asks_to_count(struct scene *scene, enum person person)
{
    asks(scene, person, 1, INCREMENT, .key = "k", .delta = 5, .initial = 10);
}

static void a_counter_that_makes_its_item_may_tell_the_next_one_s_cas(void **state)
{
    struct scene *scene = *state;
    asks_to_count(scene, ANN);
    asks_to_count(scene, BOB);
    counts(scene, BOB, 8, 15);
    counts(scene, ANN, 8, 10);
    get(scene, ANN, 2, "15", 8);
    assert_int_equal(races(scene, RACE_NEXT_CAS), 1);
}

static void whichever_is_answered_first(void **state)
{
    struct scene *scene = *state;
    asks_to_count(scene, ANN);
    asks_to_count(scene, BOB);
    counts(scene, ANN, 8, 10);
    counts(scene, BOB, 8, 15);
    get(scene, ANN, 2, "15", 8);
    assert_int_equal(races(scene, RACE_NEXT_CAS), 1);
}

static void what_others_see_meanwhile_has_its_own(void **state)
{
    struct scene *scene = *state;
    asks_to_count(scene, ANN);
    asks(scene, BOB, 2, GET, .key = "k");
    asks_to_count(scene, BOB);
    answers(scene, BOB, 2, GET, .cas = 7, .value = "10");
    counts(scene, BOB, 8, 15);
    counts(scene, ANN, 8, 10);
    get(scene, ANN, 2, "15", 8);
    assert_int_equal(races(scene, RACE_NEXT_CAS), 1);
}

static void one_that_is_asked_later_has_a_cas_of_its_own(void **state)
{
    struct scene *scene = *state;
    asks_to_count(scene, ANN);
    counts(scene, ANN, 8, 10);
    asks_to_count(scene, BOB);
    counts(scene, BOB, 8, 15);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void two_that_have_made_none_share_no_cas(void **state)
{
    struct scene *scene = *state;
    set(scene, CLEO, 1, "10", 1);
    asks_to_count(scene, ANN);
    asks_to_count(scene, BOB);
    counts(scene, ANN, 8, 15);
    counts(scene, BOB, 8, 20);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

/* --------------------------------------------------------------------------------- outlived FLUSH
 */

static void flush(struct scene *scene, enum person person, uint32_t number)
{
    asks(scene, person, number, FLUSH);
    answers(scene, person, number, FLUSH);
}

static void what_is_counted_during_a_flush_may_outlive_it(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "5", 1);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .expires = UINT32_MAX);
    flush(scene, BOB, 1);
    answers(scene, ANN, 2, INCREMENT, .cas = 3, .number = 6);
    get(scene, CLEO, 1, "6", 3);
    assert_verdict(scene, .identical = 3, .ambiguous = 1);
}

static void whether_the_flush_is_answered_first_or_last(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "5", 1);
    asks(scene, BOB, 1, FLUSH);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .expires = UINT32_MAX);
    answers(scene, ANN, 2, INCREMENT, .cas = 3, .number = 6);
    answers(scene, BOB, 1, FLUSH);
    get(scene, CLEO, 1, "6", 3);
    assert_verdict(scene, .identical = 3, .ambiguous = 1);
}

static void so_may_what_is_appended_to(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "5", 1);
    asks(scene, ANN, 2, APPENDQ, .key = "k", .value = "+");
    asks(scene, ANN, 3, NOOP);
    flush(scene, BOB, 1);
    answers(scene, ANN, 3, NOOP);
    get(scene, CLEO, 1, "5+", 3);
    assert_int_equal(differences(scene), 0);
}

static void so_may_what_is_stored_for_its_cas(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "5", 1);
    asks(scene, ANN, 2, SET, .key = "k", .value = "6", .cas = 1);
    flush(scene, BOB, 1);
    answers(scene, ANN, 2, SET, .cas = 4);
    get(scene, CLEO, 1, "6", 4);
    assert_int_equal(differences(scene), 0);
}

static void several_flushes_may_be_outlived(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "5", 1);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .expires = UINT32_MAX);
    flush(scene, BOB, 1);
    flush(scene, BOB, 2);
    answers(scene, ANN, 2, INCREMENT, .cas = 4, .number = 6);
    get(scene, CLEO, 1, "6", 4);
    assert_int_equal(differences(scene), 0);
}

static void what_is_only_read_during_a_flush_does_not_outlive_it(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "5", 1);
    asks(scene, ANN, 2, GET, .key = "k");
    flush(scene, BOB, 1);
    answers(scene, ANN, 2, GET, .cas = 1, .value = "5");
    get(scene, CLEO, 1, "5", 1);
    assert_verdict(scene, .identical = 2, .ambiguous = 1, .different = 1);
}

static void nor_does_what_was_counted_before_it(void **state)
{
    struct scene *scene = *state;
    asks(scene, DAN, 1, GET, .key = "k");
    set(scene, ANN, 1, "5", 1);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 2, INCREMENT, .cas = 2, .number = 6);
    flush(scene, BOB, 1);
    get(scene, CLEO, 1, "6", 2);
    answers(scene, DAN, 1, GET, .cas = 1, .value = "5");
    assert_int_equal(differences(scene), 1);
}

static void nor_is_it_seen_before_it_is_counted(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "5", 1);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .expires = UINT32_MAX);
    flush(scene, BOB, 1);
    get(scene, CLEO, 1, "5", 1);
    answers(scene, ANN, 2, INCREMENT, .cas = 3, .number = 6);
    assert_int_equal(differences(scene), 1);
}

/* ---------------------------------------------------------------------------- numbered too early
 */

static void a_set_may_be_numbered_before_one_that_runs_before_it(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "ann");
    asks(scene, BOB, 1, SET, .key = "k", .value = "bob");
    answers(scene, BOB, 1, SET, .cas = 2);
    answers(scene, ANN, 1, SET, .cas = 1);
    get(scene, CLEO, 1, "ann", 1);
    assert_int_equal(races(scene, RACE_NUMBERED_EARLY), 1);
}

static void whether_it_is_answered_first_or_last(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "ann");
    asks(scene, BOB, 1, SET, .key = "k", .value = "bob");
    answers(scene, ANN, 1, SET, .cas = 1);
    answers(scene, BOB, 1, SET, .cas = 2);
    get(scene, CLEO, 1, "ann", 1);
    assert_int_equal(races(scene, RACE_NUMBERED_EARLY), 1);
}

static void so_may_an_append_behind_a_set(void **state)
{
    struct scene *scene = *state;
    set(scene, CLEO, 1, "old", 1);
    asks(scene, ANN, 1, APPEND, .key = "k", .value = "+");
    asks(scene, BOB, 1, SET, .key = "k", .value = "bob");
    answers(scene, BOB, 1, SET, .cas = 3);
    answers(scene, ANN, 1, APPEND, .cas = 2);
    get(scene, CLEO, 2, "bob+", 2);
    assert_int_equal(races(scene, RACE_NUMBERED_EARLY), 1);
}

static void so_may_a_quiet_set_whose_cas_a_read_shows(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "ann");
    asks(scene, ANN, 2, NOOP);
    asks(scene, BOB, 1, SET, .key = "k", .value = "bob");
    answers(scene, BOB, 1, SET, .cas = 2);
    answers(scene, ANN, 2, NOOP);
    get(scene, CLEO, 1, "ann", 1);
    assert_int_equal(differences(scene), 0);
}

static void or_a_touch_which_shows_no_value(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "ann");
    asks(scene, ANN, 2, TOUCH, .key = "k");
    asks(scene, BOB, 1, SET, .key = "k", .value = "bob");
    answers(scene, ANN, 2, TOUCH, .cas = 1);
    answers(scene, BOB, 1, SET, .cas = 2);
    get(scene, CLEO, 1, "ann", 1);
    assert_int_equal(differences(scene), 0);
}

static void but_not_above_what_its_connection_changes_next(void **state)
{
    struct scene *scene = *state;
    set(scene, BOB, 1, "old", 1);
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "ann");
    asks(scene, ANN, 2, APPEND, .key = "k", .value = "+");
    asks(scene, CLEO, 1, GET, .key = "k");
    answers(scene, ANN, 2, APPEND, .cas = 5);
    answers(scene, CLEO, 1, GET, .value = "ann", .cas = 7);
    assert_int_equal(differences(scene), 1);
}

static void a_counter_is_numbered_where_it_runs(void **state)
{
    struct scene *scene = *state;
    set(scene, CLEO, 1, "10", 1);
    asks(scene, ANN, 1, INCREMENT, .key = "k", .delta = 5);
    asks(scene, BOB, 1, SET, .key = "k", .value = "20");
    answers(scene, BOB, 1, SET, .cas = 3);
    answers(scene, ANN, 1, INCREMENT, .cas = 2, .number = 25);
    assert_int_equal(differences(scene), 1);
}

static void one_that_is_asked_after_the_answer_runs_behind_it(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "ann", 1);
    set(scene, BOB, 1, "bob", 2);
    get(scene, CLEO, 1, "ann", 1);
    assert_int_equal(differences(scene), 1);
}

static void no_version_is_there_again_behind_the_next(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "ann");
    asks(scene, BOB, 1, SET, .key = "k", .value = "bob");
    answers(scene, ANN, 1, SET, .cas = 1);
    answers(scene, BOB, 1, SET, .cas = 2);
    get(scene, CLEO, 1, "ann", 1);
    get(scene, CLEO, 2, "bob", 2);
    assert_int_equal(differences(scene), 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        scene_test(a_counter_loses_against_a_set_of_the_same_moment),
        scene_test(a_quiet_one_loses_against_another_counter),
        scene_test(it_may_lose_before_the_other_is_answered),
        scene_test(it_may_lose_after_a_delete_of_the_same_moment),
        scene_test(it_may_lose_where_an_item_has_expired),
        scene_test(alone_it_has_nothing_to_lose_against),
        scene_test(a_set_before_it_is_no_race),
        scene_test(with_the_key_there_all_the_time_it_finds_it),
        scene_test(a_set_that_failed_has_stored_nothing),
        scene_test(a_get_shows_the_old_value_with_the_cas_of_the_counter_behind_it),
        scene_test(also_if_the_counter_is_answered_later),
        scene_test(also_if_the_counter_is_quiet),
        scene_test(a_counter_asked_after_the_answer_gives_it_no_cas),
        scene_test(a_set_of_the_same_moment_gives_the_old_item_no_cas),
        scene_test(a_cas_that_the_counter_did_not_get_is_a_difference),
        scene_test(an_order_is_a_better_explanation),
        scene_test(a_counter_that_makes_its_item_may_tell_the_next_one_s_cas),
        scene_test(whichever_is_answered_first),
        scene_test(what_others_see_meanwhile_has_its_own),
        scene_test(one_that_is_asked_later_has_a_cas_of_its_own),
        scene_test(two_that_have_made_none_share_no_cas),
        scene_test(what_is_counted_during_a_flush_may_outlive_it),
        scene_test(whether_the_flush_is_answered_first_or_last),
        scene_test(so_may_what_is_appended_to),
        scene_test(so_may_what_is_stored_for_its_cas),
        scene_test(several_flushes_may_be_outlived),
        scene_test(what_is_only_read_during_a_flush_does_not_outlive_it),
        scene_test(nor_does_what_was_counted_before_it),
        scene_test(nor_is_it_seen_before_it_is_counted),
        scene_test(a_set_may_be_numbered_before_one_that_runs_before_it),
        scene_test(whether_it_is_answered_first_or_last),
        scene_test(so_may_an_append_behind_a_set),
        scene_test(so_may_a_quiet_set_whose_cas_a_read_shows),
        scene_test(or_a_touch_which_shows_no_value),
        scene_test(but_not_above_what_its_connection_changes_next),
        scene_test(a_counter_is_numbered_where_it_runs),
        scene_test(one_that_is_asked_after_the_answer_runs_behind_it),
        scene_test(no_version_is_there_again_behind_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
