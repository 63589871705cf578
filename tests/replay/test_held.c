/*
 * What a server may hold without the capture showing it, and what it may drop: items from before
 * the capture, items that expire or are evicted, items that it had no memory for.
 */
#include "scene.h"

static const uint16_t NOT_FOUND = MCBP_STATUS_KEY_NOT_FOUND;
static const uint16_t EXISTS = MCBP_STATUS_KEY_EXISTS;
static const uint16_t NOT_STORED = MCBP_STATUS_NOT_STORED;
static const uint16_t NO_MEMORY = MCBP_STATUS_NO_MEMORY;

static void set(struct scene *scene, uint32_t number, const char *value, uint64_t cas)
{
    asks(scene, ANN, number, SET, .key = "k", .value = value);
    answers(scene, ANN, number, SET, .cas = cas);
}

static void hit(struct scene *scene, uint32_t number, const char *value, uint64_t cas)
{
    asks(scene, ANN, number, GET, .key = "k");
    answers(scene, ANN, number, GET, .cas = cas, .value = value);
}

static void miss(struct scene *scene, uint32_t number)
{
    asks(scene, ANN, number, GET, .key = "k");
    answers(scene, ANN, number, GET, .status = NOT_FOUND);
}

/* Shows that the quiet requests before it were not answered. */
static void noop(struct scene *scene, uint32_t number)
{
    asks(scene, ANN, number, NOOP);
    answers(scene, ANN, number, NOOP);
}

/* ------------------------------------------------------------------------- quiet changes */

static void a_quiet_increment_may_count_an_item_from_before_the_capture(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, INCREMENTQ, .key = "k", .delta = 2, .initial = 1);
    noop(scene, 2);
    hit(scene, 3, "102", 6);
    hit(scene, 4, "102", 6);
    assert_verdict(scene, .identical = 2, .adopted = 1);
}

static void a_quiet_increment_may_make_the_item(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, INCREMENTQ, .key = "k", .delta = 2, .initial = 1);
    noop(scene, 2);
    hit(scene, 3, "1", 6);
    assert_verdict(scene, .identical = 2);
}

static void with_a_cold_state_a_quiet_increment_makes_the_item(void **state)
{
    struct scene *scene = *state;
    scene->options.cold = true;
    asks(scene, ANN, 1, INCREMENTQ, .key = "k", .delta = 2, .initial = 1);
    noop(scene, 2);
    hit(scene, 3, "102", 6);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void what_a_quiet_increment_came_to_is_adopted_once(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, INCREMENTQ, .key = "k", .delta = 2, .initial = 1);
    noop(scene, 2);
    hit(scene, 3, "102", 6);
    hit(scene, 4, "103", 6);
    assert_verdict(scene, .identical = 1, .adopted = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+2");
}

static void an_increment_that_comes_to_the_initial_value_tells_the_number(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, DECREMENT, .key = "k", .delta = 2, .initial = 1);
    answers(scene, ANN, 1, DECREMENT, .number = 1, .cas = 5);
    asks(scene, ANN, 2, GET, .key = "k"); /* it was "3", with flags */
    answers(scene, ANN, 2, GET, .flags = 7, .cas = 5, .value = "1");
    hit(scene, 3, "9", 5);
    assert_verdict(scene, .identical = 1, .adopted = 1, .different = 1);
}

static void quiet_adds_and_appends_may_meet_an_item_from_before_the_capture(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, ADDQ, .key = "k", .value = "new");
    answers(scene, ANN, 1, ADDQ, .status = EXISTS);
    asks(scene, ANN, 2, APPENDQ, .key = "k", .value = "+");
    noop(scene, 3);
    hit(scene, 4, "old+", 6);
    hit(scene, 5, "old+", 6);
    assert_verdict(scene, .identical = 2, .adopted = 2);
}

/* ----------------------------------------------------------------------------- expiry */

static void an_item_from_before_the_capture_may_expire(void **state)
{
    struct scene *scene = *state;
    hit(scene, 1, "v", 5);
    miss(scene, 2);
    miss(scene, 3);
    assert_verdict(scene, .identical = 1, .adopted = 2);
    assert_int_equal(scene_verify(scene)->expired, 1);
}

static void an_expired_item_does_not_come_back(void **state)
{
    struct scene *scene = *state;
    hit(scene, 1, "v", 5);
    miss(scene, 2);
    hit(scene, 3, "v", 5);
    assert_verdict(scene, .adopted = 2, .different = 1);
}

static void an_item_touched_in_the_capture_expires_when_that_says(void **state)
{
    struct scene *scene = *state;
    hit(scene, 1, "v", 5);
    asks(scene, ANN, 2, TOUCH, .key = "k", .expires = 100);
    answers(scene, ANN, 2, TOUCH, .cas = 5);
    miss(scene, 3);
    assert_verdict(scene, .identical = 1, .adopted = 1, .different = 1);
}

static void an_appended_item_from_before_the_capture_may_expire(void **state)
{
    struct scene *scene = *state;
    hit(scene, 1, "v", 5);
    asks(scene, ANN, 2, APPEND, .key = "k", .value = "+");
    answers(scene, ANN, 2, APPEND, .cas = 6);
    miss(scene, 3);
    assert_verdict(scene, .identical = 1, .adopted = 2);
}

static void a_quiet_increment_in_the_second_of_expiry_may_make_the_item_anew(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "421", .expires = 1);
    answers(scene, ANN, 1, SET, .cas = 5);
    asks(scene, ANN, 2, INCREMENTQ, .key = "k", .delta = 1000, .initial = 10);
    noop(scene, 3);
    scene_wait(scene, 1);
    hit(scene, 4, "10", 6);
    assert_verdict(scene, .identical = 2, .adopted = 1);
}

static void a_quiet_increment_long_before_expiry_counts(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "421", .expires = 10);
    answers(scene, ANN, 1, SET, .cas = 5);
    asks(scene, ANN, 2, INCREMENTQ, .key = "k", .delta = 1000, .initial = 10);
    noop(scene, 3);
    hit(scene, 4, "10", 6);
    assert_verdict(scene, .identical = 2, .different = 1);
}

/* ----------------------------------------------------------------------------- eviction */

static void a_quiet_add_of_a_stored_key_shows_an_eviction(void **state)
{
    struct scene *scene = *state;
    scene->options.allow_eviction = true;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 2, ADDQ, .key = "k", .value = "z");
    noop(scene, 3);
    hit(scene, 4, "z", 6);
    assert_verdict(scene, .identical = 3);
    assert_int_equal(scene_verify(scene)->evictions, 1);
}

static void a_quiet_add_of_a_stored_key_is_a_difference_if_nothing_may_be_evicted(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 2, ADDQ, .key = "k", .value = "z");
    noop(scene, 3);
    assert_verdict(scene, .identical = 2, .missing = 1);
}

static void an_increment_that_begins_anew_shows_an_eviction(void **state)
{
    struct scene *scene = *state;
    scene->options.allow_eviction = true;
    set(scene, 1, "50", 5);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    answers(scene, ANN, 2, INCREMENT, .number = 7, .cas = 6);
    hit(scene, 3, "7", 6);
    assert_verdict(scene, .identical = 2, .adopted = 1);
}

static void an_increment_that_begins_anew_is_a_difference_if_nothing_may_be_evicted(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "50", 5);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1, .initial = 7);
    answers(scene, ANN, 2, INCREMENT, .number = 7, .cas = 6);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void a_quiet_decrement_may_make_an_evicted_item_anew(void **state)
{
    struct scene *scene = *state;
    scene->options.allow_eviction = true;
    set(scene, 1, "50", 5);
    asks(scene, ANN, 2, DECREMENTQ, .key = "k", .delta = 1, .initial = 7);
    noop(scene, 3);
    hit(scene, 4, "7", 6);
    hit(scene, 5, "7", 6);
    assert_verdict(scene, .identical = 3, .adopted = 1);
}

static void so_may_a_quiet_counter_where_no_number_was(void **state)
{
    struct scene *scene = *state;
    scene->options.allow_eviction = true;
    set(scene, 1, "letters", 5);
    asks(scene, ANN, 2, DECREMENTQ, .key = "k", .delta = 1, .initial = 7);
    noop(scene, 3);
    hit(scene, 4, "7", 6);
    assert_verdict(scene, .identical = 3);
    assert_int_equal(scene_verify(scene)->evictions, 1);
}

static void a_quiet_counter_where_no_number_is_is_answered(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "letters", 5);
    asks(scene, ANN, 2, DECREMENTQ, .key = "k", .delta = 1, .initial = 7);
    noop(scene, 3);
    assert_verdict(scene, .identical = 2, .missing = 1);
}

/* -------------------------------------------------------------------------- out of memory */

static void a_set_without_memory_removes_what_it_meant_to_replace(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 2, SET, .key = "k", .value = "b");
    answers(scene, ANN, 2, SET, .status = NO_MEMORY, .value = "Out of memory allocating item");
    miss(scene, 3);
    assert_verdict(scene, .identical = 2, .adopted = 1);
    assert_int_equal(scene_verify(scene)->out_of_memory, 1);
}

static void it_stays_where_memory_ran_out_while_the_value_was_read(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "b");
    answers(scene, ANN, 2, SETQ, .status = NO_MEMORY, .value = "Out of memory during read");
    asks(scene, ANN, 3, ADD, .key = "j", .value = "b");
    answers(scene, ANN, 3, ADD, .status = NO_MEMORY, .value = "Out of memory during read");
    hit(scene, 4, "a", 5);
    assert_verdict(scene, .identical = 2, .adopted = 2);
}

static void an_item_that_a_set_without_memory_removed_does_not_come_back(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 2, SET, .key = "k", .value = "b");
    answers(scene, ANN, 2, SET, .status = NO_MEMORY);
    hit(scene, 3, "a", 5);
    assert_verdict(scene, .identical = 1, .adopted = 1, .different = 1);
}

static void other_requests_without_memory_change_nothing(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "1", 5);
    asks(scene, ANN, 2, ADD, .key = "k", .value = "b");
    answers(scene, ANN, 2, ADD, .status = NO_MEMORY);
    asks(scene, ANN, 3, REPLACE, .key = "k", .value = "b");
    answers(scene, ANN, 3, REPLACE, .status = NO_MEMORY);
    asks(scene, ANN, 4, APPENDQ, .key = "k", .value = "b");
    answers(scene, ANN, 4, APPENDQ, .status = NO_MEMORY);
    asks(scene, ANN, 5, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 5, INCREMENT, .status = NO_MEMORY,
            .value = "Out of memory incrementing value");
    asks(scene, ANN, 6, INCREMENTQ, .key = "other", .delta = 1);
    answers(scene, ANN, 6, INCREMENTQ, .status = NO_MEMORY,
            .value = "Out of memory allocating new item");
    hit(scene, 7, "1", 5);
    assert_verdict(scene, .identical = 2, .adopted = 5);
}

static void appends_in_vain(struct scene *scene, uint32_t opaque)
{
    asks(scene, ANN, opaque, APPEND, .key = "k", .value = "b");
    answers(scene, ANN, opaque, APPEND, .status = MCBP_STATUS_NOT_STORED);
    asks(scene, ANN, opaque + 1, PREPENDQ, .key = "k", .value = "b");
    answers(scene, ANN, opaque + 1, PREPENDQ, .status = MCBP_STATUS_NOT_STORED);
}

static void runs_out_of_memory(struct scene *scene, enum person person)
{
    asks(scene, person, 20, ADD, .key = "j", .value = "b");
    answers(scene, person, 20, ADD, .status = NO_MEMORY);
}

static void what_can_not_be_joined_without_memory_is_not_stored(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        set(scene, 1, "a", 5);
        runs_out_of_memory(scene, ANN);
        appends_in_vain(scene, 2);
        hit(scene, 4, i == 0 ? "a" : "ab", 5);
        assert_int_equal(scene_verify(scene)->executed.check.different, i);
        scene_restart(scene);
    }
}

static void that_the_server_has_none_may_show_later(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        set(scene, 1, "a", 5);
        appends_in_vain(scene, 2);
        hit(scene, 4, i == 0 ? "a" : "ab", 5);
        runs_out_of_memory(scene, BOB);
        assert_int_equal(scene_verify(scene)->executed.check.different, i);
        scene_restart(scene);
    }
}

static void else_what_is_held_can_be_joined(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    appends_in_vain(scene, 2);
    hit(scene, 4, "a", 5);
    scene_use_server(scene, BOB, 11999);
    runs_out_of_memory(scene, BOB);
    assert_int_equal(scene_verify(scene)->executed.check.different, 2);
}

static void what_was_held_before_the_capture_may_be_there_all_the_same(void **state)
{
    struct scene *scene = *state;
    runs_out_of_memory(scene, ANN);
    appends_in_vain(scene, 2);
    hit(scene, 4, "a", 5);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    scene_restart(scene);
    appends_in_vain(scene, 2);
    hit(scene, 4, "a", 5);
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
}

static void lack_of_memory_shows_while_requests_overlap(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, CLEO, 6, SET, .key = "l", .value = "c");
    asks(scene, BOB, 7, SET, .key = "l", .value = "b");
    asks(scene, DAN, 8, GET, .key = "l");
    answers(scene, BOB, 7, SET, .status = NO_MEMORY);
    appends_in_vain(scene, 2);
    hit(scene, 4, "a", 5);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

/* The SETQ comes behind the first APPEND, and before the one that is not stored. */
static void nor_does_it_say_what_others_have_stored(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 2, ADD, .key = "other", .value = "b");
    answers(scene, ANN, 2, ADD, .status = NO_MEMORY);
    asks(scene, BOB, 3, SETQ, .key = "k", .value = "b");
    asks(scene, BOB, 4, NOOP);
    asks(scene, CLEO, 5, APPEND, .key = "k", .value = "c");
    asks(scene, DAN, 6, APPEND, .key = "k", .value = "d");
    answers(scene, BOB, 4, NOOP);
    answers(scene, CLEO, 5, APPEND, .cas = 6);
    answers(scene, DAN, 6, APPEND, .status = NOT_STORED);
    hit(scene, 7, "b", 7);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

static void a_retrieval_needs_no_memory(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .status = NO_MEMORY);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void out_of_memory_is_said_as_memcached_says_it(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "b");
    answers(scene, ANN, 1, SET, .status = NO_MEMORY, .value = "Out of mammoths");
    assert_verdict(scene, .different = 1);
}

static void an_append_may_not_be_stored_once_the_server_was_out_of_memory(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 2, ADD, .key = "other", .value = "b");
    answers(scene, ANN, 2, ADD, .status = NO_MEMORY);
    asks(scene, ANN, 3, APPEND, .key = "k", .value = "b");
    answers(scene, ANN, 3, APPEND, .status = NOT_STORED);
    hit(scene, 4, "a", 5);
    assert_verdict(scene, .identical = 2, .adopted = 1, .ambiguous = 1);
}

static void an_append_has_to_be_stored_while_there_is_memory(void **state)
{
    struct scene *scene = *state;
    set(scene, 1, "a", 5);
    asks(scene, ANN, 3, APPEND, .key = "k", .value = "b");
    answers(scene, ANN, 3, APPEND, .status = NOT_STORED);
    assert_verdict(scene, .identical = 1, .different = 1);
}

/* memcached's clock may have ticked in between: the item has expired, and the answer says so. */
static void a_quiet_counter_may_miss_in_the_second_before_that_of_expiry(void **state)
{
    static const uint8_t opcodes[] = {MCBP_INCREMENTQ, MCBP_DECREMENTQ};
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        scene_restart(scene);
        scene_join(scene, ANN);
        asks(scene, ANN, 1, SET, .key = "k", .value = "771", .expires = 1);
        answers(scene, ANN, 1, SET, .cas = 1);
        scene_say(
            scene, ANN, true,
            &(struct said){.opcode = opcodes[i], .opaque = 2, .key = "k", .expires = UINT32_MAX});
        scene_say(
            scene, ANN, false,
            &(struct said){.opcode = opcodes[i], .opaque = 2, .status = MCBP_STATUS_KEY_NOT_FOUND});
        assert_verdict(scene, .identical = 1, .ambiguous = 1);
    }
}

/* BOB has counted or not; that leaves two numbers, and no third. */
static void a_number_beside_a_silent_counter_is_one_of_two(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, INCREMENT, .key = "k", .delta = 3, .initial = 100);
    answers(scene, ANN, 1, INCREMENT, .number = 100, .cas = 1);
    asks(scene, ANN, 4, GET, .key = "k");
    answers(scene, ANN, 4, GET, .value = "100", .cas = 1);
    asks(scene, BOB, 1, DECREMENTQ, .key = "k", .delta = 3, .initial = 1);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 10, .initial = 1);
    answers(scene, ANN, 2, INCREMENT, .number = 107, .cas = 3);
    asks(scene, BOB, 2, NOOP);
    answers(scene, BOB, 2, NOOP);
    asks(scene, BOB, 3, DECREMENTQ, .key = "k", .delta = 3, .initial = 1);
    asks(scene, ANN, 3, INCREMENT, .key = "k", .delta = 10, .initial = 1);
    answers(scene, ANN, 3, INCREMENT, .number = 7000, .cas = 5);
    asks(scene, BOB, 4, NOOP);
    answers(scene, BOB, 4, NOOP);
    assert_verdict(scene, .identical = 5, .different = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_quiet_increment_may_count_an_item_from_before_the_capture),
        scene_test(a_quiet_increment_may_make_the_item),
        scene_test(with_a_cold_state_a_quiet_increment_makes_the_item),
        scene_test(what_a_quiet_increment_came_to_is_adopted_once),
        scene_test(an_increment_that_comes_to_the_initial_value_tells_the_number),
        scene_test(quiet_adds_and_appends_may_meet_an_item_from_before_the_capture),
        scene_test(an_item_from_before_the_capture_may_expire),
        scene_test(an_expired_item_does_not_come_back),
        scene_test(an_item_touched_in_the_capture_expires_when_that_says),
        scene_test(an_appended_item_from_before_the_capture_may_expire),
        scene_test(a_quiet_increment_in_the_second_of_expiry_may_make_the_item_anew),
        scene_test(a_quiet_increment_long_before_expiry_counts),
        scene_test(a_quiet_add_of_a_stored_key_shows_an_eviction),
        scene_test(a_quiet_add_of_a_stored_key_is_a_difference_if_nothing_may_be_evicted),
        scene_test(an_increment_that_begins_anew_shows_an_eviction),
        scene_test(an_increment_that_begins_anew_is_a_difference_if_nothing_may_be_evicted),
        scene_test(a_quiet_decrement_may_make_an_evicted_item_anew),
        scene_test(so_may_a_quiet_counter_where_no_number_was),
        scene_test(a_quiet_counter_where_no_number_is_is_answered),
        scene_test(a_set_without_memory_removes_what_it_meant_to_replace),
        scene_test(it_stays_where_memory_ran_out_while_the_value_was_read),
        scene_test(an_item_that_a_set_without_memory_removed_does_not_come_back),
        scene_test(other_requests_without_memory_change_nothing),
        scene_test(what_can_not_be_joined_without_memory_is_not_stored),
        scene_test(that_the_server_has_none_may_show_later),
        scene_test(else_what_is_held_can_be_joined),
        scene_test(what_was_held_before_the_capture_may_be_there_all_the_same),
        scene_test(lack_of_memory_shows_while_requests_overlap),
        scene_test(nor_does_it_say_what_others_have_stored),
        scene_test(a_retrieval_needs_no_memory),
        scene_test(out_of_memory_is_said_as_memcached_says_it),
        scene_test(an_append_may_not_be_stored_once_the_server_was_out_of_memory),
        scene_test(an_append_has_to_be_stored_while_there_is_memory),
        scene_test(a_quiet_counter_may_miss_in_the_second_before_that_of_expiry),
        scene_test(a_number_beside_a_silent_counter_is_one_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
