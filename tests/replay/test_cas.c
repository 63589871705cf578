/*
 * CAS: what the store can't know of the values that a server gives, and what is certain of them all
 * the same.
 */
#include "scene.h"

static void set(struct scene *scene, enum person person, uint32_t number, const char *key,
                uint64_t cas)
{
    asks(scene, person, number, SET, .key = key, .value = "v");
    answers(scene, person, number, SET, .cas = cas);
}

static void get(struct scene *scene, enum person person, uint32_t number, const char *key,
                uint64_t cas)
{
    asks(scene, person, number, GET, .key = key);
    answers(scene, person, number, GET, .cas = cas, .value = "v");
}

static void noop(struct scene *scene, enum person person, uint32_t number)
{
    asks(scene, person, number, NOOP);
    answers(scene, person, number, NOOP);
}

/* ------------------------------------------------------------------------------ one connection */

static void a_cas_below_the_one_before_is_one_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    set(scene, ANN, 2, "j", 4);
    get(scene, ANN, 3, "j", 4);
    set(scene, ANN, 4, "k", 6);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void a_cas_that_stays_as_it_was_is_a_difference_for_every_change(void **state)
{
    static const uint8_t changes[] = {MCBP_SET,     MCBP_REPLACE,   MCBP_APPEND,
                                      MCBP_PREPEND, MCBP_INCREMENT, MCBP_DECREMENT};
    for (size_t i = 0; i < sizeof(changes); i++) {
        struct scene *scene = *state;
        struct said change = {
            .opcode = changes[i], .opaque = 2, .key = "k", .cas = 0, .value = "1", .delta = 0};
        bool counts = changes[i] == MCBP_INCREMENT || changes[i] == MCBP_DECREMENT;
        change.value = counts ? NULL : "1";
        asks(scene, ANN, 1, SET, .key = "k", .value = "1");
        answers(scene, ANN, 1, SET, .cas = 5);
        scene_say(scene, ANN, true, &change);
        change = (struct said){.opcode = changes[i], .opaque = 2, .cas = 5, .number = 1};
        scene_say(scene, ANN, false, &change);
        assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
        scene_restart(scene);
    }
}

static void a_touch_leaves_the_cas_as_it_is(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    asks(scene, ANN, 2, TOUCH, .key = "k", .expires = 100);
    answers(scene, ANN, 2, TOUCH, .cas = 5);
    asks(scene, ANN, 3, GAT, .key = "k", .expires = 100);
    answers(scene, ANN, 3, GAT, .cas = 5, .value = "v");
    assert_verdict(scene, .identical = 3);
}

static void datagrams_may_have_changed_places(void **state)
{
    struct scene *scene = *state;
    scene_use_udp(scene, ANN);
    asks(scene, ANN, 1, SET, .key = "k", .value = "v");
    asks(scene, ANN, 2, SET, .key = "j", .value = "v");
    answers(scene, ANN, 2, SET, .cas = 4);
    answers(scene, ANN, 1, SET, .cas = 3);
    assert_verdict(scene, .identical = 2);
}

static void after_a_loss_values_still_rise(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    scene_lose(scene, ANN, true, 100);
    scene_lose(scene, ANN, false, 100);
    noop(scene, ANN, 2);
    set(scene, ANN, 3, "k", 9);
    set(scene, ANN, 4, "k", 8);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

/* Which of the two is wrong is not known: neither is a measure for the next. */
static void a_cas_far_too_high_is_one_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    set(scene, ANN, 2, "k", 900);
    set(scene, ANN, 3, "k", 7);
    set(scene, ANN, 4, "k", 8);
    get(scene, ANN, 5, "k", 8);
    set(scene, BOB, 1, "j", 900);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void a_get_that_shows_another_cas_is_one_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 900);
    get(scene, ANN, 2, "k", 6);
    set(scene, ANN, 3, "k", 7);
    get(scene, ANN, 4, "k", 7);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

/* ---------------------------------------------------------------------------- all connections */

static void connections_need_not_rise_together(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "a", .value = "v");
    asks(scene, BOB, 1, SET, .key = "b", .value = "v");
    answers(scene, BOB, 1, SET, .cas = 6);
    answers(scene, ANN, 1, SET, .cas = 5);
    get(scene, ANN, 2, "a", 5);
    get(scene, BOB, 2, "b", 6);
    assert_verdict(scene, .identical = 4);
}

static void a_cas_given_twice_is_a_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "a", 5);
    set(scene, BOB, 1, "b", 5);
    assert_verdict(scene, .identical = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void each_server_gives_its_own(void **state)
{
    struct scene *scene = *state;
    scene_use_server(scene, BOB, 11212);
    set(scene, ANN, 1, "a", 5);
    set(scene, BOB, 1, "b", 5);
    assert_verdict(scene, .identical = 2);
}

static void a_cas_seen_in_another_key_is_not_given(void **state)
{
    struct scene *scene = *state;
    get(scene, ANN, 1, "held", 5);
    set(scene, BOB, 1, "b", 5);
    assert_verdict(scene, .adopted = 1, .different = 1);
}

static void nor_is_one_that_was_seen_while_requests_overlapped(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "j", 4);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "v");
    asks(scene, ANN, 3, GET, .key = "k");
    asks(scene, BOB, 4, GET, .key = "k");
    asks(scene, ANN, 5, SET, .key = "l", .value = "v");
    answers(scene, ANN, 3, GET, .cas = 5, .value = "v");
    answers(scene, BOB, 4, GET, .cas = 5, .value = "v");
    answers(scene, ANN, 5, SET, .cas = 5);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void a_key_held_before_does_not_show_what_another_got(void **state)
{
    struct scene *scene = *state;
    set(scene, BOB, 1, "b", 5);
    get(scene, ANN, 1, "held", 5);
    assert_verdict(scene, .identical = 1, .different = 1);
    assert_string_equal(scene->result.differences[0].detail,
                        "this CAS is that of another key (packet 5)");
}

static void a_key_changed_after_an_answer_has_a_higher_cas(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 50);
    set(scene, BOB, 1, "k", 49);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

/* memcached 1.6.30 takes the value before it locks the key. */
static void overlapping_changes_of_a_key_may_get_theirs_in_either_order(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "a");
    asks(scene, BOB, 1, SET, .key = "k", .value = "b");
    answers(scene, BOB, 1, SET, .cas = 51);
    answers(scene, ANN, 1, SET, .cas = 50);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .cas = 51, .value = "b");
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

static void so_many_values_are_remembered(void **state)
{
    enum { MANY = 40000 };
    struct scene *scene = *state;
    for (uint32_t i = 1; i <= MANY; i++) {
        set(scene, ANN, i, "a", i);
    }
    set(scene, BOB, 1, "b", MANY / 2);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

/* --------------------------------------------------------------------------------------- none */

static void zero_from_a_server_that_gives_cas_is_a_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    set(scene, ANN, 2, "k", 6);
    set(scene, ANN, 3, "k", 0);
    set(scene, ANN, 4, "k", 8);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void one_from_a_server_that_gives_none_is_a_difference(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 0);
    get(scene, BOB, 1, "k", 0);
    set(scene, ANN, 2, "k", 0);
    set(scene, ANN, 3, "k", 7);
    set(scene, ANN, 4, "k", 0);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void a_server_that_gives_none_stores_whatever_cas_is_asked_for(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "v1", .cas = 9);
    answers(scene, ANN, 1, SET);
    asks(scene, ANN, 2, SET, .key = "k", .value = "v2", .cas = 7);
    answers(scene, ANN, 2, SET);
    asks(scene, ANN, 3, APPEND, .key = "k", .value = "+", .cas = 7);
    answers(scene, ANN, 3, APPEND);
    asks(scene, ANN, 4, ADD, .key = "k", .value = "v3", .cas = 7);
    answers(scene, ANN, 4, ADD, .status = MCBP_STATUS_KEY_EXISTS);
    asks(scene, ANN, 5, REPLACE, .key = "absent", .value = "v", .cas = 7);
    answers(scene, ANN, 5, REPLACE, .status = MCBP_STATUS_KEY_NOT_FOUND);
    asks(scene, ANN, 6, GET, .key = "k");
    answers(scene, ANN, 6, GET, .value = "v2+");
    assert_verdict(scene, .identical = 6);
}

static void but_deletes_and_counts_for_none(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 0);
    asks(scene, ANN, 2, DELETE, .key = "k", .cas = 7);
    answers(scene, ANN, 2, DELETE, .status = MCBP_STATUS_KEY_EXISTS);
    asks(scene, ANN, 3, INCREMENT, .key = "k", .cas = 7);
    answers(scene, ANN, 3, INCREMENT, .status = MCBP_STATUS_KEY_EXISTS);
    asks(scene, ANN, 4, DELETE, .key = "k", .cas = 7);
    answers(scene, ANN, 4, DELETE);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.status");
}

static void items_without_a_cas_are_eight_bytes_smaller(void **state)
{
    struct scene *scene = *state;
    char value[207];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = 0;
    scene->options.item_size_max = 256;
    set(scene, ANN, 1, "k", 0);
    asks(scene, ANN, 2, SET, .key = "k", .value = value + 2);
    answers(scene, ANN, 2, SET);
    asks(scene, ANN, 3, SET, .key = "k", .value = value + 1);
    answers(scene, ANN, 3, SET, .status = MCBP_STATUS_TOO_LARGE);
    assert_verdict(scene, .identical = 3);

    scene_restart(scene);
    scene->options.item_size_max = 256;
    set(scene, ANN, 1, "k", 1);
    asks(scene, ANN, 2, SET, .key = "k", .value = value + 2);
    answers(scene, ANN, 2, SET, .cas = 2);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void the_first_answer_alone_proves_neither(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 0);
    set(scene, ANN, 2, "k", 6);
    set(scene, ANN, 3, "k", 7);
    get(scene, ANN, 4, "k", 7);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void without_cas_a_set_needs_no_item_with_the_cas_it_names(void **state)
{
    struct scene *scene = *state;
    set(scene, BOB, 1, "j", 0);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    asks(scene, ANN, 3, SETQ, .key = "k", .value = "v", .cas = 380);
    asks(scene, BOB, 4, SET, .key = "k", .value = "v", .cas = 381);
    answers(scene, BOB, 4, SET, .cas = 0);
    noop(scene, ANN, 5);
    get(scene, ANN, 6, "k", 0);
    assert_verdict(scene, .identical = 5);
}

static void before_anything_is_told_a_quiet_set_need_not_find_its_cas(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, GET, .key = "k");
    answers(scene, ANN, 1, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "v", .cas = 2);
    noop(scene, ANN, 3);
    get(scene, ANN, 4, "k", 0);
    set(scene, ANN, 5, "k", 0);
    assert_verdict(scene, .identical = 4);
}

static void that_it_did_not_shows_that_there_are_none(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, DELETE, .key = "k");
    answers(scene, ANN, 1, DELETE, .status = MCBP_STATUS_KEY_NOT_FOUND);
    asks(scene, ANN, 2, REPLACEQ, .key = "k", .value = "v", .cas = 2);
    answers(scene, ANN, 2, REPLACEQ, .status = MCBP_STATUS_KEY_NOT_FOUND);
    asks(scene, ANN, 3, ADDQ, .key = "k", .value = "v", .cas = 2);
    noop(scene, ANN, 4);
    set(scene, ANN, 5, "j", 7);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void nor_does_one_among_overlapping_requests_need_it(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, GET, .key = "k");
    answers(scene, ANN, 1, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "v", .cas = 380);
    asks(scene, BOB, 3, DELETE, .key = "k");
    answers(scene, BOB, 3, DELETE);
    noop(scene, ANN, 4);
    set(scene, ANN, 5, "k", 0);
    assert_verdict(scene, .identical = 4);
}

/* -------------------------------------------------------------------------------------- quiet */

static void a_quiet_change_changes_the_cas(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "v");
    noop(scene, ANN, 3);
    get(scene, ANN, 4, "k", 5);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void so_do_two_and_a_quiet_counter(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "1");
    answers(scene, ANN, 1, SET, .cas = 5);
    asks(scene, ANN, 2, INCREMENTQ, .key = "k", .delta = 1);
    asks(scene, ANN, 3, DECREMENTQ, .key = "k", .delta = 1);
    noop(scene, ANN, 4);
    asks(scene, ANN, 5, GET, .key = "k");
    answers(scene, ANN, 5, GET, .cas = 5, .value = "1");
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void the_cas_from_before_a_quiet_change_does_not_match_any_more(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    asks(scene, ANN, 2, APPENDQ, .key = "k", .value = "v");
    asks(scene, ANN, 3, SET, .key = "k", .value = "w", .cas = 5);
    answers(scene, ANN, 3, SET, .cas = 7);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.status");
}

static void a_quiet_change_shows_no_lower_cas(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "v");
    noop(scene, ANN, 3);
    get(scene, ANN, 4, "k", 3);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void nor_does_a_counter_whose_padding_is_open(void **state)
{
    static const uint64_t too_low[] = {4, 0};
    for (size_t i = 0; i < sizeof(too_low) / sizeof(too_low[0]); i++) {
        struct scene *scene = *state;
        asks(scene, ANN, 1, SET, .key = "k", .value = "50");
        answers(scene, ANN, 1, SET, .cas = 5);
        asks(scene, ANN, 2, DECREMENTQ, .key = "k", .delta = 3);
        asks(scene, ANN, 3, GET, .key = "k");
        answers(scene, ANN, 3, GET, .cas = too_low[i], .value = "47");
        noop(scene, ANN, 4);
        assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
        scene_restart(scene);
    }
}

static void nor_does_one_among_overlapping_requests(void **state)
{
    static const uint64_t too_low[] = {4, 0};
    for (size_t i = 0; i < sizeof(too_low) / sizeof(too_low[0]); i++) {
        struct scene *scene = *state;
        set(scene, ANN, 1, "k", 5);
        asks(scene, ANN, 2, SETQ, .key = "k", .value = "w");
        asks(scene, BOB, 3, GET, .key = "k");
        asks(scene, ANN, 4, GET, .key = "k");
        answers(scene, ANN, 4, GET, .cas = too_low[i], .value = "w");
        answers(scene, BOB, 3, GET, .cas = 5, .value = "v");
        noop(scene, ANN, 5);
        assert_int_equal(scene_verify(scene)->executed.check.different, 1);
        scene_restart(scene);
    }
}

static void the_next_cas_is_that_of_the_quiet_change(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "v");
    noop(scene, ANN, 3);
    get(scene, ANN, 4, "k", 6);
    get(scene, ANN, 5, "k", 6);
    set(scene, ANN, 6, "k", 7);
    assert_verdict(scene, .identical = 5);
}

static void a_change_that_is_asked_for_later_has_a_higher_cas(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "k", 5);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "v");
    noop(scene, ANN, 3);
    get(scene, ANN, 4, "k", 60);
    set(scene, BOB, 1, "j", 7);
    set(scene, BOB, 2, "j", 8);
    assert_verdict(scene, .identical = 4, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void so_has_one_after_the_first_sight_of_a_key(void **state)
{
    struct scene *scene = *state;
    get(scene, ANN, 1, "k", 60);
    set(scene, BOB, 1, "j", 60);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void a_change_asked_for_before_may_have_a_lower_cas(void **state)
{
    struct scene *scene = *state;
    asks(scene, BOB, 1, SET, .key = "j", .value = "v");
    get(scene, ANN, 1, "k", 60);
    answers(scene, BOB, 1, SET, .cas = 59);
    assert_verdict(scene, .identical = 1, .adopted = 1);
}

/* ---------------------------------------------------------------------------------- exceptions */

static void a_vbucket_has_a_counter_of_its_own(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "a", 5);
    asks(scene, ANN, 2, SET, .key = "b", .value = "v", .status = 17);
    answers(scene, ANN, 2, SET, .cas = 3);
    assert_verdict(scene, .identical = 2);
}

static void a_mask_lets_any_cas_pass(void **state)
{
    struct scene *scene = *state;
    static const struct mask mask = {.opcode = MCBP_SET, .field = MASK_CAS};
    scene->options.masks = (struct mask_list){.masks = &mask, .count = 1};
    set(scene, ANN, 1, "a", 5);
    set(scene, ANN, 2, "b", 4);
    assert_verdict(scene, .identical = 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        scene_test(a_cas_below_the_one_before_is_one_difference),
        scene_test(a_cas_that_stays_as_it_was_is_a_difference_for_every_change),
        scene_test(a_touch_leaves_the_cas_as_it_is),
        scene_test(datagrams_may_have_changed_places),
        scene_test(after_a_loss_values_still_rise),
        scene_test(a_cas_far_too_high_is_one_difference),
        scene_test(a_get_that_shows_another_cas_is_one_difference),
        scene_test(connections_need_not_rise_together),
        scene_test(a_cas_given_twice_is_a_difference),
        scene_test(each_server_gives_its_own),
        scene_test(a_cas_seen_in_another_key_is_not_given),
        scene_test(nor_is_one_that_was_seen_while_requests_overlapped),
        scene_test(a_key_held_before_does_not_show_what_another_got),
        scene_test(a_key_changed_after_an_answer_has_a_higher_cas),
        scene_test(overlapping_changes_of_a_key_may_get_theirs_in_either_order),
        scene_test(so_many_values_are_remembered),
        scene_test(zero_from_a_server_that_gives_cas_is_a_difference),
        scene_test(one_from_a_server_that_gives_none_is_a_difference),
        scene_test(a_server_that_gives_none_stores_whatever_cas_is_asked_for),
        scene_test(but_deletes_and_counts_for_none),
        scene_test(items_without_a_cas_are_eight_bytes_smaller),
        scene_test(the_first_answer_alone_proves_neither),
        scene_test(without_cas_a_set_needs_no_item_with_the_cas_it_names),
        scene_test(before_anything_is_told_a_quiet_set_need_not_find_its_cas),
        scene_test(that_it_did_not_shows_that_there_are_none),
        scene_test(nor_does_one_among_overlapping_requests_need_it),
        scene_test(a_quiet_change_changes_the_cas),
        scene_test(so_do_two_and_a_quiet_counter),
        scene_test(the_cas_from_before_a_quiet_change_does_not_match_any_more),
        scene_test(a_quiet_change_shows_no_lower_cas),
        scene_test(nor_does_a_counter_whose_padding_is_open),
        scene_test(nor_does_one_among_overlapping_requests),
        scene_test(the_next_cas_is_that_of_the_quiet_change),
        scene_test(a_change_that_is_asked_for_later_has_a_higher_cas),
        scene_test(so_has_one_after_the_first_sight_of_a_key),
        scene_test(a_change_asked_for_before_may_have_a_lower_cas),
        scene_test(a_vbucket_has_a_counter_of_its_own),
        scene_test(a_mask_lets_any_cas_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
