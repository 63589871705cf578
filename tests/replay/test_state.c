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

static void a_touch_shows_another_cas_than_it_asks_for(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, TOUCH, .key = "k", .expires = 60, .cas = 7);
    answers(scene, ANN, 1, TOUCH, .flags = 3, .cas = 9);
    asks(scene, ANN, 2, TOUCH, .key = "k", .expires = 60, .cas = 7);
    answers(scene, ANN, 2, TOUCH, .flags = 3, .cas = 9);
    assert_verdict(scene, .identical = 1, .adopted = 1);
}

/* memcached reads on behind the blanks, and finds what the memory held before. */
static void blanks_may_count_as_any_number(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "  ", 5);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 2, INCREMENT, .status = MCBP_STATUS_DELTA_BAD_VALUE);
    asks(scene, ANN, 3, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 3, INCREMENT, .number = 6, .cas = 6);
    asks(scene, ANN, 4, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 4, INCREMENT, .number = 7, .cas = 7);
    hit(scene, ANN, 5, "7 ", 7);
    assert_verdict(scene, .identical = 3, .adopted = 1, .ambiguous = 1);
}

/* What was in the memory behind it has a minus. */
static void a_large_number_may_count_as_none(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "9223372036854775808", 5);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 2, INCREMENT, .status = MCBP_STATUS_DELTA_BAD_VALUE);
    hit(scene, ANN, 3, "9223372036854775808", 5);
    set(scene, ANN, 4, "9223372036854775807", 6);
    asks(scene, ANN, 5, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 5, INCREMENT, .status = MCBP_STATUS_DELTA_BAD_VALUE);
    assert_verdict(scene, .identical = 3, .ambiguous = 1, .different = 1);
}

static void also_where_requests_overlap(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "7", 5);
    asks(scene, ANN, 2, SET, .key = "k", .value = "9223372036854775808");
    asks(scene, ANN, 3, SET, .key = "k", .value = "5");
    asks(scene, BOB, 4, INCREMENT, .key = "k", .delta = 1);
    asks(scene, BOB, 5, INCREMENT, .key = "k", .delta = 1);
    answers(scene, BOB, 4, INCREMENT, .status = MCBP_STATUS_DELTA_BAD_VALUE);
    answers(scene, ANN, 2, SET, .cas = 6);
    answers(scene, ANN, 3, SET, .cas = 7);
    answers(scene, BOB, 5, INCREMENT, .number = 6, .cas = 8);
    assert_verdict(scene, .identical = 4, .ambiguous = 1);
}

static void text_says(struct scene *scene, bool client, const char *line)
{
    scene_say_bytes(scene, BOB, client, span_of(line, strlen(line)));
}

static void nothing_is_decremented_to_the_largest_number(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 5);
    text_says(scene, true, "delete k\r\n");
    text_says(scene, false, "DELETED\r\n");
    asks(scene, ANN, 2, DECREMENT, .key = "k", .delta = 1, .initial = UINT64_MAX);
    answers(scene, ANN, 2, DECREMENT, .number = UINT64_MAX, .cas = 6);
    hit(scene, ANN, 3, "18446744073709551615", 6);
    assert_verdict(scene, .identical = 2, .adopted = 1);
}

static void but_nothing_is_no_number(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "", 5);
    asks(scene, ANN, 2, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 2, INCREMENT, .number = 6, .cas = 6);
    assert_verdict(scene, .identical = 1, .different = 1);
}

/* memcached pads the number, unless somebody holds the item: its LRU, for a while after a read. */
static void shows_unpadded(struct scene *scene, const char *before, const char *after)
{
    set(scene, ANN, 1, before, 5);
    asks(scene, ANN, 2, INCREMENTQ, .key = "k", .delta = UINT64_MAX);
    hit(scene, ANN, 3, after, 6);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
    hit(scene, ANN, 4, after, 6);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
    hit(scene, ANN, 5, "8", 6);
    assert_int_equal(scene_verify(scene)->status, VERIFY_DIFFERENT);
}

static void a_quiet_count_that_wraps_around_may_be_unpadded(void **state)
{
    struct scene *scene = *state;
    shows_unpadded(scene, "10", "9");
    scene_restart(scene);
    shows_unpadded(scene, "10", "9 ");
}

static void so_may_one_of_a_number_with_a_sign_or_blanks(void **state)
{
    struct scene *scene = *state;
    shows_unpadded(scene, "+5", "4");
    scene_restart(scene);
    shows_unpadded(scene, " 5", "4");
    scene_restart(scene);
    shows_unpadded(scene, "5 x", "4");
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

/* ------------------------------------------- what a quiet counter may have counted, or made */

static void number_expires(struct scene *scene, const char *number, uint32_t flags)
{
    asks(scene, ANN, 1, SET, .key = "n", .value = number, .flags = flags, .expires = 2);
    answers(scene, ANN, 1, SET, .cas = 1);
    scene_wait(scene, 2);
}

static void counts_quietly(struct scene *scene, uint32_t opaque, uint64_t initial)
{
    asks(scene, ANN, opaque, INCREMENTQ, .key = "n", .delta = 1, .initial = initial);
    asks(scene, ANN, opaque + 1, NOOP);
    answers(scene, ANN, opaque + 1, NOOP);
}

static void reads(struct scene *scene, uint32_t opaque, const char *number, uint32_t flags)
{
    asks(scene, ANN, opaque, GET, .key = "n");
    answers(scene, ANN, opaque, GET, .value = number, .flags = flags, .cas = 9);
}

static void an_expiring_number_is_counted_or_made_by_a_quiet_counter(void **state)
{
    struct scene *scene = *state;
    const char *right[] = {"6", "70"};
    for (size_t i = 0; i < 2; i++) {
        number_expires(scene, "5", 0);
        counts_quietly(scene, 2, 70);
        reads(scene, 4, right[i], 0);
        assert_int_equal(scene_verify(scene)->executed.check.different, 0);
        scene_restart(scene);
    }
    const char *wrong[] = {"5", "7", "69", "71", "99", "6x", "x"};
    for (size_t i = 0; i < 7; i++) {
        number_expires(scene, "5", 0);
        counts_quietly(scene, 2, 70);
        reads(scene, 4, wrong[i], 0);
        assert_int_equal(scene_verify(scene)->executed.check.different, 1);
        scene_restart(scene);
    }
}

static void an_expired_number_may_still_be_counted(void **state)
{
    struct scene *scene = *state;
    number_expires(scene, "5", 0);
    scene_wait(scene, 1);
    counts_quietly(scene, 2, 70);
    reads(scene, 4, "70", 0);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    scene_restart(scene);
    number_expires(scene, "5", 0);
    scene_wait(scene, 1);
    counts_quietly(scene, 2, 70);
    reads(scene, 4, "50", 0);
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
}

static void it_has_its_flags_or_none(void **state)
{
    struct scene *scene = *state;
    const struct {
        const char *number;
        uint32_t flags;
        bool right;
    } all[] = {{"6", 3, true}, {"70", 0, true}, {"6", 0, false}, {"70", 3, false}, {"6", 4, false}};
    for (size_t i = 0; i < 5; i++) {
        number_expires(scene, "5", 3);
        counts_quietly(scene, 2, 70);
        reads(scene, 4, all[i].number, all[i].flags);
        assert_int_equal(scene_verify(scene)->executed.check.different, all[i].right ? 0 : 1);
        scene_restart(scene);
    }
}

static void counted_once_more_it_is_one_of_three(void **state)
{
    struct scene *scene = *state;
    const char *numbers[] = {"7", "71", "700", "6", "70", "72", "701"};
    for (size_t i = 0; i < 7; i++) {
        number_expires(scene, "5", 0);
        counts_quietly(scene, 2, 70);
        counts_quietly(scene, 4, 700);
        reads(scene, 6, numbers[i], 0);
        assert_int_equal(scene_verify(scene)->executed.check.different, i < 3 ? 0 : 1);
        scene_restart(scene);
    }
}

static void counted_many_times_it_is_a_number(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        number_expires(scene, "5", 0);
        for (uint32_t times = 0; times < 6; times++) {
            counts_quietly(scene, 2 + 2 * times, 70 + 10 * times);
        }
        reads(scene, 20, i == 0 ? "83" : "x", 0);
        assert_int_equal(scene_verify(scene)->executed.check.different, i);
        scene_restart(scene);
    }
}

static void then_a_loud_counter_tells_which_it_was(void **state)
{
    struct scene *scene = *state;
    const struct {
        uint64_t told;
        const char *number;
        uint32_t flags;
        bool right;
    } all[] = {{16, "16", 3, true},  {80, "80", 0, true},   {17, "17", 0, false},
               {16, "80", 0, false}, {80, "16", 3, false},  {16, "16", 0, false},
               {80, "80", 3, false}, {700, "700", 0, true}, {16, "700", 0, false}};
    for (size_t i = 0; i < 9; i++) {
        number_expires(scene, "5", 3);
        counts_quietly(scene, 2, 70);
        asks(scene, ANN, 4, INCREMENT, .key = "n", .delta = 10, .initial = 700);
        answers(scene, ANN, 4, INCREMENT, .number = all[i].told, .cas = 8);
        asks(scene, ANN, 5, GET, .key = "n");
        answers(scene, ANN, 5, GET, .value = all[i].number, .flags = all[i].flags, .cas = 8);
        assert_int_equal(scene_verify(scene)->executed.check.different, all[i].right ? 0 : 1);
        scene_restart(scene);
    }
}

static void an_evictable_number_is_counted_or_made_too(void **state)
{
    struct scene *scene = *state;
    const char *numbers[] = {"6", "77", "78"};
    for (size_t i = 0; i < 3; i++) {
        scene->options.allow_eviction = true;
        asks(scene, ANN, 1, SET, .key = "n", .value = "5");
        answers(scene, ANN, 1, SET, .cas = 1);
        counts_quietly(scene, 2, 77);
        reads(scene, 4, numbers[i], 0);
        assert_int_equal(scene_verify(scene)->executed.check.different, i < 2 ? 0 : 1);
        scene_restart(scene);
    }
}

static void a_counter_that_may_not_make_it_has_counted(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        number_expires(scene, "5", 0);
        asks(scene, ANN, 2, DECREMENTQ, .key = "n", .delta = 1, .initial = 70, .expires = ~0u);
        asks(scene, ANN, 3, NOOP);
        answers(scene, ANN, 3, NOOP);
        reads(scene, 4, i == 0 ? "4" : "70", 0);
        assert_int_equal(scene_verify(scene)->executed.check.different, i);
        scene_restart(scene);
    }
}

static void what_is_appended_to_it_leaves_open_where_it_stands(void **state)
{
    struct scene *scene = *state;
    number_expires(scene, "12345", 0);
    asks(scene, ANN, 2, INCREMENTQ, .key = "n", .delta = 1, .initial = 7);
    asks(scene, ANN, 3, APPENDQ, .key = "n", .value = "x");
    asks(scene, ANN, 4, NOOP);
    answers(scene, ANN, 4, NOOP);
    reads(scene, 5, "7x", 0);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

/* ------------------------------------------------------ what was held before, and was changed */

static void noop(struct scene *scene, uint32_t opaque)
{
    asks(scene, ANN, opaque, NOOP);
    answers(scene, ANN, opaque, NOOP);
}

static void what_was_counted_in_silence_is_a_number(void **state)
{
    struct scene *scene = *state;
    const char *values[] = {"6", "18446744073709551615", "8  ", "abc", "", " 6", "6a", "-1"};
    for (size_t i = 0; i < 8; i++) {
        asks(scene, ANN, 1, INCREMENTQ, .key = "n", .delta = 1);
        noop(scene, 2);
        reads(scene, 3, values[i], 5);
        assert_int_equal(scene_verify(scene)->executed.check.different, i < 3 ? 0 : 1);
        scene_restart(scene);
    }
}

static void what_was_appended_is_at_its_end(void **state)
{
    struct scene *scene = *state;
    const char *values[] = {"X", "abcX", "XX", "abc", "", "Xa"};
    for (size_t i = 0; i < 6; i++) {
        asks(scene, ANN, 1, APPENDQ, .key = "n", .value = "X");
        noop(scene, 2);
        reads(scene, 3, values[i], 5);
        assert_int_equal(scene_verify(scene)->executed.check.different, i < 3 ? 0 : 1);
        scene_restart(scene);
    }
}

static void what_was_joined_more_than_once_is_at_both_ends(void **state)
{
    struct scene *scene = *state;
    const char *values[] = {"BAXY", "BA-XY", "BAXY-XY", "AXY", "BAX", "BAY", "ABXY", "BAXY-"};
    for (size_t i = 0; i < 8; i++) {
        asks(scene, ANN, 1, APPENDQ, .key = "n", .value = "X");
        asks(scene, ANN, 2, PREPEND, .key = "n", .value = "A");
        answers(scene, ANN, 2, PREPEND, .cas = 4);
        asks(scene, ANN, 3, PREPENDQ, .key = "n", .value = "B");
        asks(scene, ANN, 4, APPENDQ, .key = "n", .value = "Y");
        noop(scene, 5);
        reads(scene, 6, values[i], 5);
        assert_int_equal(scene_verify(scene)->executed.check.different, i < 3 ? 0 : 1);
        scene_restart(scene);
    }
}

static void nothing_of_that_is_left_by_a_counter(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        asks(scene, ANN, 1, APPENDQ, .key = "n", .value = "9");
        asks(scene, ANN, 2, INCREMENTQ, .key = "n", .delta = 1);
        noop(scene, 3);
        reads(scene, 4, i == 0 ? "10" : "x9", 5);
        assert_int_equal(scene_verify(scene)->executed.check.different, i);
        scene_restart(scene);
    }
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

static void it_may_have_another_cas_than_the_one_asked_for_then(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "v", .expires = 10);
    asks(scene, ANN, 2, NOOP);
    answers(scene, ANN, 2, NOOP);
    scene_wait(scene, 10);
    asks(scene, ANN, 3, SET, .key = "k", .value = "w", .cas = 7);
    answers(scene, ANN, 3, SET, .status = MCBP_STATUS_KEY_EXISTS);
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

static void an_answer_that_comes_late_may_have_been_right_when_it_was_asked_for(void **state)
{
    struct scene *scene = *state;
    set_for(scene, 1);
    asks(scene, ANN, 2, GET, .key = "k");
    scene_wait(scene, 3);
    answers(scene, ANN, 2, GET, .value = "v", .cas = 5);
    assert_verdict(scene, .identical = 1, .ambiguous = 1);

    scene_restart(scene);
    set_for(scene, 1);
    scene_wait(scene, 2);
    asks(scene, ANN, 2, GET, .key = "k");
    scene_wait(scene, 3);
    answers(scene, ANN, 2, GET, .value = "v", .cas = 5);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void a_touch_around_the_turn_of_a_second_counts_from_its_end(void **state)
{
    struct scene *scene = *state;
    scene->time += 990 * 1000 * 1000;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "v", .expires = 1);
    asks(scene, ANN, 2, TOUCH, .key = "k", .expires = 1);
    scene->time += 10 * 1000 * 1000;
    answers(scene, ANN, 2, TOUCH, .cas = 5);
    hit(scene, ANN, 3, "v", 5);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
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

/* The flush takes what was stored nine seconds behind `flush_in`, by the capture's clock. */
static void sets_around_the_flush(struct scene *scene, int seconds)
{
    flush_in(scene, 10);
    scene_wait(scene, seconds);
    set(scene, ANN, 3, "w", 8);
    scene_wait(scene, 4);
}

static void a_delayed_flush_may_leave_what_is_stored_in_its_second(void **state)
{
    struct scene *scene = *state;
    sets_around_the_flush(scene, 9);
    hit(scene, ANN, 4, "w", 8);
    hit(scene, ANN, 5, "w", 8);
    assert_verdict(scene, .identical = 4, .ambiguous = 1);
    miss(scene, ANN, 6);
    assert_verdict(scene, .identical = 4, .ambiguous = 1, .different = 1);
}

static void it_may_take_what_is_stored_in_the_next(void **state)
{
    struct scene *scene = *state;
    sets_around_the_flush(scene, 10);
    miss(scene, ANN, 4);
    miss(scene, ANN, 5);
    assert_verdict(scene, .identical = 4, .ambiguous = 1);
    hit(scene, ANN, 6, "w", 8);
    assert_verdict(scene, .identical = 4, .ambiguous = 1, .different = 1);
}

static void it_takes_what_is_stored_before_and_leaves_what_is_stored_behind(void **state)
{
    struct scene *scene = *state;
    sets_around_the_flush(scene, 8);
    hit(scene, ANN, 4, "w", 8);
    assert_verdict(scene, .identical = 3, .different = 1);

    scene_restart(scene);
    sets_around_the_flush(scene, 11);
    miss(scene, ANN, 4);
    assert_verdict(scene, .identical = 3, .different = 1);
}

static void flushes_and_sets(struct scene *scene, uint64_t cas)
{
    set(scene, ANN, 1, "v", cas);
    set(scene, ANN, 2, "v", cas + (cas > 0));
    asks(scene, ANN, 3, FLUSH);
    answers(scene, ANN, 3, FLUSH);
    set(scene, ANN, 4, "v", cas > 0 ? cas + 3 : 0);
}

static void misses_k(struct scene *scene, uint32_t number)
{
    asks(scene, ANN, number, GET, .key = "k");
    answers(scene, ANN, number, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
}

static void without_cas_values_a_flush_takes_all_of_its_second(void **state)
{
    struct scene *scene = *state;
    flushes_and_sets(scene, 0);
    misses_k(scene, 5);
    misses_k(scene, 6);
    assert_verdict(scene, .identical = 5, .ambiguous = 1);
}

static void it_may_be_what_shows_that_there_are_none(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, FLUSH);
    answers(scene, ANN, 1, FLUSH);
    asks(scene, ANN, 2, SETQ, .key = "k", .value = "v");
    misses_k(scene, 3);
    set(scene, ANN, 4, "v", 0);
    assert_verdict(scene, .identical = 2, .adopted = 1);
    set(scene, ANN, 5, "v", 6);
    assert_verdict(scene, .identical = 2, .adopted = 1, .different = 1);
}

static void without_cas_values_a_delayed_flush_comes_a_second_later(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, "v", 0);
    asks(scene, ANN, 2, FLUSH, .expires = 1);
    answers(scene, ANN, 2, FLUSH);
    hit(scene, ANN, 3, "v", 0);
    scene_wait(scene, 3);
    misses_k(scene, 4);
    assert_verdict(scene, .identical = 4);

    scene_restart(scene);
    set(scene, ANN, 1, "v", 5);
    asks(scene, ANN, 2, FLUSH, .expires = 1);
    answers(scene, ANN, 2, FLUSH);
    misses_k(scene, 3);
    assert_verdict(scene, .identical = 3);
}

static void so_that_a_quiet_counter_begins_anew(void **state)
{
    struct scene *scene = *state;
    flushes_and_sets(scene, 0);
    asks(scene, ANN, 5, INCREMENTQ, .key = "k", .delta = 1, .initial = 7);
    hit(scene, ANN, 6, "7", 0);
    assert_verdict(scene, .identical = 5);
}

static void but_not_what_is_stored_later(void **state)
{
    struct scene *scene = *state;
    flushes_and_sets(scene, 0);
    scene_wait(scene, 2);
    set(scene, ANN, 5, "v", 0);
    misses_k(scene, 6);
    assert_verdict(scene, .identical = 5, .different = 1);
}

static void with_cas_values_it_takes_what_was_stored_before(void **state)
{
    struct scene *scene = *state;
    flushes_and_sets(scene, 1);
    misses_k(scene, 5);
    assert_verdict(scene, .identical = 4, .different = 1);
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
        scene_test(a_touch_shows_another_cas_than_it_asks_for),
        scene_test(blanks_may_count_as_any_number),
        scene_test(a_large_number_may_count_as_none),
        scene_test(also_where_requests_overlap),
        scene_test(nothing_is_decremented_to_the_largest_number),
        scene_test(but_nothing_is_no_number),
        scene_test(a_quiet_count_that_wraps_around_may_be_unpadded),
        scene_test(so_may_one_of_a_number_with_a_sign_or_blanks),
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
        scene_test(it_may_have_another_cas_than_the_one_asked_for_then),
        scene_test(an_item_may_not_expire_two_seconds_early_or_late),
        scene_test(an_answer_that_comes_late_may_have_been_right_when_it_was_asked_for),
        scene_test(a_touch_around_the_turn_of_a_second_counts_from_its_end),
        scene_test(a_quiet_request_ran_when_it_came_not_when_the_next_was_answered),
        scene_test(a_delayed_flush_takes_effect_when_it_is_due),
        scene_test(a_delayed_flush_may_leave_what_is_stored_in_its_second),
        scene_test(it_may_take_what_is_stored_in_the_next),
        scene_test(it_takes_what_is_stored_before_and_leaves_what_is_stored_behind),
        scene_test(without_cas_values_a_flush_takes_all_of_its_second),
        scene_test(it_may_be_what_shows_that_there_are_none),
        scene_test(without_cas_values_a_delayed_flush_comes_a_second_later),
        scene_test(so_that_a_quiet_counter_begins_anew),
        scene_test(an_expiring_number_is_counted_or_made_by_a_quiet_counter),
        scene_test(an_expired_number_may_still_be_counted),
        scene_test(it_has_its_flags_or_none),
        scene_test(counted_once_more_it_is_one_of_three),
        scene_test(counted_many_times_it_is_a_number),
        scene_test(then_a_loud_counter_tells_which_it_was),
        scene_test(an_evictable_number_is_counted_or_made_too),
        scene_test(a_counter_that_may_not_make_it_has_counted),
        scene_test(what_is_appended_to_it_leaves_open_where_it_stands),
        scene_test(what_was_counted_in_silence_is_a_number),
        scene_test(what_was_appended_is_at_its_end),
        scene_test(what_was_joined_more_than_once_is_at_both_ends),
        scene_test(nothing_of_that_is_left_by_a_counter),
        scene_test(but_not_what_is_stored_later),
        scene_test(with_cas_values_it_takes_what_was_stored_before),
        scene_test(a_delayed_flush_may_not_take_effect_three_seconds_early_or_late),
        scene_test(a_flush_at_once_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
