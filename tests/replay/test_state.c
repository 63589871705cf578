/*
 * State: what a recorded answer teaches the store, and what it may never be talked into.
 */
#include "scene.h"

static const uint16_t NOT_FOUND = MCBP_STATUS_KEY_NOT_FOUND;
static const uint16_t EXISTS = MCBP_STATUS_KEY_EXISTS;

static void set(struct scene *scene, enum person person, uint32_t number, const char *value,
                uint64_t cas)
{
    asks(scene, person, number, SET, .key = "k", .value = value);
    answers(scene, person, number, SET, .cas = cas);
}

static void hit(struct scene *scene, enum person person, uint32_t number, const char *value,
                uint64_t cas)
{
    asks(scene, person, number, GET, .key = "k");
    answers(scene, person, number, GET, .cas = cas, .value = value);
}

static void miss(struct scene *scene, enum person person, uint32_t number)
{
    asks(scene, person, number, GET, .key = "k");
    answers(scene, person, number, GET, .status = NOT_FOUND);
}

/* ---------------------------------------------------------------- adoption */

static void a_hit_of_a_key_never_seen_is_adopted_once_and_compared_afterwards(void **state)
{
    struct scene *scene = *state;
    hit(scene, ANN, 1, "v", 5);
    hit(scene, ANN, 2, "v", 5);
    hit(scene, BOB, 1, "v", 5);
    assert_verdict(scene, .adopted = 1, .identical = 2);
}

static void what_was_adopted_may_not_change_by_itself(void **state)
{
    struct scene *scene = *state;
    hit(scene, ANN, 1, "v", 5);
    hit(scene, ANN, 2, "w", 5);
    assert_verdict(scene, .adopted = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

static void with_a_cold_state_a_hit_of_a_key_never_seen_is_a_difference(void **state)
{
    struct scene *scene = *state;
    scene->options.cold = true;
    hit(scene, ANN, 1, "v", 5);
    assert_verdict(scene, .different = 1);
}

static void a_touch_of_a_key_never_seen_tells_its_flags(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, TOUCH, .key = "k");
    answers(scene, ANN, 1, TOUCH, .cas = 5, .flags = 7);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .cas = 5, .flags = 7, .value = "v");
    asks(scene, ANN, 3, TOUCH, .key = "k");
    answers(scene, ANN, 3, TOUCH, .cas = 5, .flags = 6);
    assert_verdict(scene, .adopted = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "extras");
}

static void a_touch_does_not_tell_the_value_behind_an_append(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, APPEND, .key = "k", .value = "+");
    answers(scene, ANN, 1, APPEND, .cas = 5);
    asks(scene, ANN, 2, TOUCH, .key = "k");
    answers(scene, ANN, 2, TOUCH, .cas = 5, .flags = 7);
    asks(scene, ANN, 3, GET, .key = "k");
    answers(scene, ANN, 3, GET, .cas = 5, .flags = 7, .value = "v+");
    assert_verdict(scene, .adopted = 3);
}

static void an_add_with_a_cas_that_succeeds_tells_that_the_key_is_there(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, ADD, .key = "k", .value = "v", .cas = 4);
    answers(scene, ANN, 1, ADD, .cas = 5);
    hit(scene, ANN, 2, "v", 5);
    assert_verdict(scene, .adopted = 1, .identical = 1);
}

static void a_miss_of_a_key_that_is_held_is_a_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    miss(scene, ANN, 2);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void a_miss_of_a_key_that_is_held_may_be_an_eviction_if_allowed(void **state)
{
    struct scene *scene = *state;
    scene->options.allow_eviction = true;
    set(scene, ANN, 1, "v", 5);
    miss(scene, ANN, 2);
    miss(scene, ANN, 3);
    assert_verdict(scene, .identical = 2, .adopted = 1);
    assert_int_equal(scene_verify(scene)->evictions, 1);
}

static void an_eviction_does_not_come_back(void **state)
{
    struct scene *scene = *state;
    scene->options.allow_eviction = true;
    set(scene, ANN, 1, "v", 5);
    miss(scene, ANN, 2);
    hit(scene, ANN, 3, "v", 5);
    assert_verdict(scene, .identical = 1, .adopted = 1, .different = 1);
}

static void a_hit_of_a_deleted_key_is_a_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    asks(scene, ANN, 2, DELETE, .key = "k");
    answers(scene, ANN, 2, DELETE);
    hit(scene, ANN, 3, "v", 5);
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void a_hit_of_a_key_that_was_missed_is_a_difference(void **state)
{
    struct scene *scene = *state;
    miss(scene, ANN, 1);
    hit(scene, ANN, 2, "v", 5);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void a_difference_does_not_make_the_next_answers_differ(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    hit(scene, ANN, 2, "w", 6);
    hit(scene, ANN, 3, "w", 6);
    hit(scene, ANN, 4, "w", 6);
    assert_verdict(scene, .identical = 2, .adopted = 1, .different = 1);
}

/* ---------------------------------------------------------------- CAS */

static void the_cas_of_a_mutation_is_shown_by_later_reads(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    hit(scene, ANN, 2, "v", 6);
    assert_verdict(scene, .identical = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void the_cas_of_a_quiet_mutation_is_shown_by_the_first_read_and_kept(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "v");
    hit(scene, ANN, 2, "v", 5);
    hit(scene, ANN, 3, "v", 5);
    hit(scene, ANN, 4, "v", 6);
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void a_cas_that_matches_stores_and_one_that_does_not_is_refused(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    asks(scene, ANN, 2, SET, .key = "k", .value = "w", .cas = 4);
    answers(scene, ANN, 2, SET, .status = EXISTS);
    asks(scene, ANN, 3, SET, .key = "k", .value = "x", .cas = 5);
    answers(scene, ANN, 3, SET, .cas = 6);
    hit(scene, ANN, 4, "x", 6);
    assert_verdict(scene, .identical = 4);
}

static void a_store_with_another_cas_that_succeeds_is_a_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    asks(scene, ANN, 2, SET, .key = "k", .value = "w", .cas = 4);
    answers(scene, ANN, 2, SET, .cas = 6);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void a_refused_store_with_the_right_cas_is_a_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    asks(scene, ANN, 2, SET, .key = "k", .value = "w", .cas = 5);
    answers(scene, ANN, 2, SET, .status = EXISTS);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void masking_the_cas_accepts_another_one(void **state)
{
    struct scene *scene = *state;
    struct mask mask = {.any_opcode = true, .field = MASK_CAS};
    scene->options.masks = (struct mask_list){.masks = &mask, .count = 1};
    set(scene, ANN, 1, "v", 5);
    hit(scene, ANN, 2, "v", 6);
    assert_verdict(scene, .identical = 2);
    assert_int_equal(scene->result.mask_hits[0], 1);
}

/* ---------------------------------------------------------------- the clock */

static void set_for(struct scene *scene, uint32_t seconds)
{
    asks(scene, ANN, 1, SET, .key = "k", .value = "v", .expires = seconds);
    answers(scene, ANN, 1, SET, .cas = 5);
}

static void an_item_is_there_until_it_expires_and_gone_afterwards(void **state)
{
    struct scene *scene = *state;
    set_for(scene, 10);
    scene_wait(scene, 5);
    hit(scene, ANN, 2, "v", 5);
    scene_wait(scene, 10);
    miss(scene, ANN, 3);
    assert_verdict(scene, .identical = 3);
}

static void an_item_may_expire_a_second_early_or_late(void **state)
{
    struct scene *scene = *state;
    set_for(scene, 10);
    scene_wait(scene, 9);
    miss(scene, ANN, 2);
    assert_verdict(scene, .identical = 1, .ambiguous = 1);

    scene_restart(scene);
    set_for(scene, 10);
    scene_wait(scene, 10);
    hit(scene, ANN, 2, "v", 5);
    assert_verdict(scene, .identical = 1, .ambiguous = 1);
}

static void an_item_may_not_expire_two_seconds_early_or_late(void **state)
{
    struct scene *scene = *state;
    set_for(scene, 10);
    scene_wait(scene, 8);
    miss(scene, ANN, 2);
    assert_verdict(scene, .identical = 1, .different = 1);

    scene_restart(scene);
    set_for(scene, 10);
    scene_wait(scene, 12);
    hit(scene, ANN, 2, "v", 5);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void a_quiet_request_ran_when_it_came_not_when_the_next_was_answered(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "v", .expires = 10);
    scene_wait(scene, 6);
    asks(scene, ANN, 2, NOOP);
    answers(scene, ANN, 2, NOOP);
    scene_wait(scene, 6);
    miss(scene, ANN, 3);
    assert_verdict(scene, .identical = 2);
}

static void flush_in(struct scene *scene, uint32_t seconds)
{
    set(scene, ANN, 1, "v", 5);
    asks(scene, ANN, 2, FLUSH, .expires = seconds);
    answers(scene, ANN, 2, FLUSH);
}

static void a_delayed_flush_takes_effect_when_it_is_due(void **state)
{
    struct scene *scene = *state;
    flush_in(scene, 10);
    scene_wait(scene, 5);
    hit(scene, ANN, 3, "v", 5);
    scene_wait(scene, 7);
    miss(scene, ANN, 4);
    set(scene, ANN, 5, "w", 6);
    hit(scene, ANN, 6, "w", 6);
    assert_verdict(scene, .identical = 6);
}

static void a_delayed_flush_may_not_take_effect_three_seconds_early_or_late(void **state)
{
    struct scene *scene = *state;
    flush_in(scene, 10);
    scene_wait(scene, 7);
    miss(scene, ANN, 3);
    assert_verdict(scene, .identical = 2, .different = 1);

    scene_restart(scene);
    flush_in(scene, 10);
    scene_wait(scene, 12);
    hit(scene, ANN, 3, "v", 5);
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void a_flush_at_once_leaves_nothing(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    asks(scene, ANN, 2, FLUSH);
    answers(scene, ANN, 2, FLUSH);
    hit(scene, ANN, 3, "v", 5);
    assert_verdict(scene, .identical = 2, .different = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_hit_of_a_key_never_seen_is_adopted_once_and_compared_afterwards),
        scene_test(what_was_adopted_may_not_change_by_itself),
        scene_test(with_a_cold_state_a_hit_of_a_key_never_seen_is_a_difference),
        scene_test(a_touch_of_a_key_never_seen_tells_its_flags),
        scene_test(a_touch_does_not_tell_the_value_behind_an_append),
        scene_test(an_add_with_a_cas_that_succeeds_tells_that_the_key_is_there),
        scene_test(a_miss_of_a_key_that_is_held_is_a_difference),
        scene_test(a_miss_of_a_key_that_is_held_may_be_an_eviction_if_allowed),
        scene_test(an_eviction_does_not_come_back),
        scene_test(a_hit_of_a_deleted_key_is_a_difference),
        scene_test(a_hit_of_a_key_that_was_missed_is_a_difference),
        scene_test(a_difference_does_not_make_the_next_answers_differ),
        scene_test(the_cas_of_a_mutation_is_shown_by_later_reads),
        scene_test(the_cas_of_a_quiet_mutation_is_shown_by_the_first_read_and_kept),
        scene_test(a_cas_that_matches_stores_and_one_that_does_not_is_refused),
        scene_test(a_store_with_another_cas_that_succeeds_is_a_difference),
        scene_test(a_refused_store_with_the_right_cas_is_a_difference),
        scene_test(masking_the_cas_accepts_another_one),
        scene_test(an_item_is_there_until_it_expires_and_gone_afterwards),
        scene_test(an_item_may_expire_a_second_early_or_late),
        scene_test(an_item_may_not_expire_two_seconds_early_or_late),
        scene_test(a_quiet_request_ran_when_it_came_not_when_the_next_was_answered),
        scene_test(a_delayed_flush_takes_effect_when_it_is_due),
        scene_test(a_delayed_flush_may_not_take_effect_three_seconds_early_or_late),
        scene_test(a_flush_at_once_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
