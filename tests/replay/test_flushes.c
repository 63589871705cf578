/*
 * A FLUSH with a delay, and memcached's clock, which ticks once a second at a phase that a capture
 * does not show: what is stored about when the FLUSH takes effect may be taken or left. Scenes
 * begin as a second of the capture's clock does.
 */
#include "scene.h"

static void sets(struct scene *scene, enum person person, uint32_t number, const char *value,
                 uint64_t cas)
{
    asks(scene, person, number, SET, .key = "k", .value = value);
    answers(scene, person, number, SET, .cas = cas);
}

static void hits(struct scene *scene, enum person person, uint32_t number, const char *value,
                 uint64_t cas)
{
    asks(scene, person, number, GET, .key = "k");
    answers(scene, person, number, GET, .value = value, .cas = cas);
}

static void misses(struct scene *scene, enum person person, uint32_t number)
{
    asks(scene, person, number, GET, .key = "k");
    answers(scene, person, number, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
}

/* 0: at once. */
static void flushes_in(struct scene *scene, enum person person, uint32_t number, uint32_t seconds)
{
    asks(scene, person, number, FLUSH, .expires = seconds);
    answers(scene, person, number, FLUSH);
}

/* Extras of 3 bytes: memcached answers INVALID_ARGUMENTS, closes, and flushes nothing. */
static void a_flush_that_is_refused_for_its_form_takes_nothing(void **state)
{
    static const uint8_t flush[27] = {0x80, MCBP_FLUSH, 0, 0, 3, [11] = 3, [15] = 2};
    struct scene *scene = *state;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "5");
    scene_say_bytes(scene, ANN, true, span_of(flush, sizeof(flush)));
    answers(scene, ANN, 2, FLUSH, .status = MCBP_STATUS_INVALID_ARGUMENTS);
    server_closes(scene, ANN);
    hits(scene, BOB, 3, "5", 1);
    assert_verdict(scene, .identical = 2);
}

/* At the latest in the next second of the capture's clock, memcached's has ticked. */
static void counts_on_what_a_flush_has_left(struct scene *scene)
{
    flushes_in(scene, ANN, 1, 1);
    sets(scene, ANN, 2, "5", 5);
    asks(scene, ANN, 3, INCREMENT, .key = "k", .delta = 1, .initial = 0);
    answers(scene, ANN, 3, INCREMENT, .number = 6, .cas = 6);
}

static void what_a_flush_has_left_is_there_in_the_next_second_too(void **state)
{
    struct scene *scene = *state;
    counts_on_what_a_flush_has_left(scene);
    scene_wait(scene, 1);
    hits(scene, ANN, 4, "6", 6);
    hits(scene, ANN, 5, "6", 6);
    assert_verdict(scene, .identical = 3, .ambiguous = 2);
}

static void but_it_is_not_taken_later(void **state)
{
    struct scene *scene = *state;
    counts_on_what_a_flush_has_left(scene);
    hits(scene, ANN, 4, "6", 6);
    misses(scene, ANN, 5);
    assert_verdict(scene, .identical = 2, .ambiguous = 2, .different = 1);
}

static void nor_is_what_is_read_in_the_next_second(void **state)
{
    struct scene *scene = *state;
    flushes_in(scene, ANN, 1, 1);
    scene_wait(scene, 1);
    sets(scene, ANN, 2, "5", 5);
    hits(scene, ANN, 3, "5", 5);
    misses(scene, ANN, 4);
    assert_verdict(scene, .identical = 3, .different = 1);
}

static void what_is_stored_two_seconds_later_is_left(void **state)
{
    struct scene *scene = *state;
    flushes_in(scene, ANN, 1, 1);
    scene_wait(scene, 2);
    sets(scene, ANN, 2, "5", 5);
    misses(scene, ANN, 3);
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void what_is_answered_late_may_have_been_stored_when_it_was_asked_for(void **state)
{
    struct scene *scene = *state;
    flushes_in(scene, ANN, 1, 1);
    asks(scene, ANN, 2, SET, .key = "k", .value = "5");
    scene_wait(scene, 3);
    answers(scene, ANN, 2, SET, .cas = 5);
    misses(scene, ANN, 3);
    misses(scene, ANN, 4);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void what_was_stored_before_is_gone_at_once(void **state)
{
    struct scene *scene = *state;
    sets(scene, ANN, 1, "5", 5);
    flushes_in(scene, ANN, 2, 1);
    hits(scene, ANN, 3, "5", 5);
    assert_verdict(scene, .identical = 2, .different = 1);
}

/* It comes to 10 whether it counts the 9 or makes a 10: that the APPEND finds nothing tells. */
static void what_contending_clients_store_may_be_taken_in_the_next_second(void **state)
{
    struct scene *scene = *state;
    flushes_in(scene, ANN, 1, 1);
    scene_wait(scene, 1);
    sets(scene, ANN, 2, "9", 5);
    asks(scene, BOB, 3, INCREMENT, .key = "k", .delta = 1, .initial = 10);
    asks(scene, CLEO, 4, APPEND, .key = "k", .value = "x");
    answers(scene, BOB, 3, INCREMENT, .number = 10, .cas = 6);
    answers(scene, CLEO, 4, APPEND, .status = MCBP_STATUS_NOT_STORED);
    hits(scene, ANN, 5, "10", 6);
    hits(scene, ANN, 6, "10", 6);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

/* The INCREMENT comes before the APPEND, and finds no 9 in the second of the FLUSH. */
static void contend_behind_a_flush(struct scene *scene, uint64_t cas)
{
    sets(scene, ANN, 1, "5", cas);
    flushes_in(scene, ANN, 2, 0);
    sets(scene, ANN, 3, "9", 3 * cas);
    asks(scene, BOB, 3, INCREMENT, .key = "k", .delta = 1, .initial = 20);
    asks(scene, CLEO, 4, APPEND, .key = "k", .value = "1");
    answers(scene, CLEO, 4, APPEND, .cas = 5 * cas);
    answers(scene, BOB, 3, INCREMENT, .number = 20, .cas = 4 * cas);
    hits(scene, ANN, 5, "201", 5 * cas);
}

static void without_cas_values_it_may_be_taken_in_the_second_of_a_flush(void **state)
{
    struct scene *scene = *state;
    contend_behind_a_flush(scene, 0);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void with_cas_values_it_is_not(void **state)
{
    struct scene *scene = *state;
    contend_behind_a_flush(scene, 1);
    assert_int_equal(scene_verify(scene)->status, VERIFY_DIFFERENT);
}

/* 0 is what both come to: the item made anew, which is not padded, and the one counted. */
static void a_count_on_what_a_flush_may_have_left_is_shown_by_the_next_read(void **state)
{
    static const char *const SHOWN[] = {"0", "0 "};
    struct scene *scene = *state;
    for (size_t i = 0; i < 2; i++) {
        scene_restart(scene);
        flushes_in(scene, ANN, 1, 1);
        sets(scene, ANN, 2, "10", 5);
        asks(scene, ANN, 3, DECREMENT, .key = "k", .delta = 1000, .initial = 0);
        answers(scene, ANN, 3, DECREMENT, .number = 0, .cas = 6);
        hits(scene, ANN, 4, SHOWN[i], 6);
        hits(scene, ANN, 5, SHOWN[i], 6);
        assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
    }
}

static void or_on_what_expires(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "10", .expires = 1);
    answers(scene, ANN, 1, SET, .cas = 5);
    scene_wait(scene, 1);
    asks(scene, ANN, 2, DECREMENT, .key = "k", .delta = 1000, .initial = 0);
    answers(scene, ANN, 2, DECREMENT, .number = 0, .cas = 6);
    hits(scene, ANN, 3, "0 ", 6);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

/* What a quiet change left, with a CAS that nobody has told, is there and has another CAS. */
static void what_a_flush_has_left_may_have_another_cas_than_asked_for(void **state)
{
    struct scene *scene = *state;
    sets(scene, ANN, 1, "a", 5);
    flushes_in(scene, ANN, 2, 1);
    asks(scene, ANN, 3, SETQ, .key = "k", .value = "b");
    asks(scene, ANN, 4, NOOP);
    answers(scene, ANN, 4, NOOP);
    scene_wait(scene, 1);
    asks(scene, ANN, 5, SET, .key = "k", .value = "c", .cas = 6);
    answers(scene, ANN, 5, SET, .status = MCBP_STATUS_KEY_EXISTS);
    hits(scene, ANN, 6, "b", 8);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void also_among_contending_clients(void **state)
{
    struct scene *scene = *state;
    sets(scene, ANN, 1, "a", 5);
    flushes_in(scene, ANN, 2, 1);
    asks(scene, BOB, 3, SETQ, .key = "k", .value = "much longer");
    asks(scene, CLEO, 4, REPLACEQ, .key = "k", .value = "b");
    asks(scene, CLEO, 5, SETQ, .key = "k", .value = "c", .cas = 6);
    asks(scene, CLEO, 6, GET, .key = "k");
    answers(scene, CLEO, 5, SETQ, .status = MCBP_STATUS_KEY_EXISTS);
    answers(scene, CLEO, 6, GET, .value = "b", .cas = 8);
    asks(scene, BOB, 7, NOOP);
    answers(scene, BOB, 7, NOOP);
    hits(scene, ANN, 8, "b", 8);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

/* In memcached it comes back, unless the thread that tends its lists has come across it. */
static void calls_a_flush_off(struct scene *scene)
{
    flushes_in(scene, ANN, 1, 1);
    sets(scene, ANN, 2, "a", 5);
    flushes_in(scene, ANN, 3, 10);
}

static void what_a_flush_has_taken_may_come_back_when_another_calls_it_off(void **state)
{
    struct scene *scene = *state;
    calls_a_flush_off(scene);
    hits(scene, ANN, 4, "a", 5);
    misses(scene, ANN, 5);
    assert_verdict(scene, .identical = 4, .different = 1);
}

static void or_be_gone(void **state)
{
    struct scene *scene = *state;
    calls_a_flush_off(scene);
    misses(scene, ANN, 4);
    hits(scene, ANN, 5, "a", 5);
    assert_verdict(scene, .identical = 3, .ambiguous = 1, .different = 1);
}

static void so_may_what_one_without_delay_has_taken(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < 2; i++) {
        scene_restart(scene);
        sets(scene, ANN, 1, "a", 5);
        flushes_in(scene, ANN, 2, 0);
        flushes_in(scene, ANN, 3, 10);
        i == 0 ? misses(scene, ANN, 4) : hits(scene, ANN, 4, "a", 5);
        misses(scene, ANN, 5);
        assert_verdict(scene, .identical = 4, .ambiguous = i == 0, .different = i == 1);
    }
}

static void what_was_stored_behind_that_one_is_there(void **state)
{
    struct scene *scene = *state;
    flushes_in(scene, ANN, 1, 0);
    sets(scene, ANN, 2, "a", 5);
    flushes_in(scene, ANN, 3, 10);
    misses(scene, ANN, 4);
    assert_verdict(scene, .identical = 3, .different = 1);
}

static void what_no_flush_has_taken_is_there_when_it_is_called_off(void **state)
{
    struct scene *scene = *state;
    sets(scene, ANN, 1, "a", 5);
    flushes_in(scene, ANN, 2, 20);
    flushes_in(scene, ANN, 3, 10);
    misses(scene, ANN, 4);
    assert_verdict(scene, .identical = 3, .different = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_flush_that_is_refused_for_its_form_takes_nothing),
        scene_test(what_a_flush_has_left_is_there_in_the_next_second_too),
        scene_test(but_it_is_not_taken_later),
        scene_test(nor_is_what_is_read_in_the_next_second),
        scene_test(what_is_stored_two_seconds_later_is_left),
        scene_test(what_is_answered_late_may_have_been_stored_when_it_was_asked_for),
        scene_test(what_was_stored_before_is_gone_at_once),
        scene_test(what_contending_clients_store_may_be_taken_in_the_next_second),
        scene_test(without_cas_values_it_may_be_taken_in_the_second_of_a_flush),
        scene_test(with_cas_values_it_is_not),
        scene_test(a_count_on_what_a_flush_may_have_left_is_shown_by_the_next_read),
        scene_test(or_on_what_expires),
        scene_test(what_a_flush_has_left_may_have_another_cas_than_asked_for),
        scene_test(also_among_contending_clients),
        scene_test(what_a_flush_has_taken_may_come_back_when_another_calls_it_off),
        scene_test(or_be_gone),
        scene_test(so_may_what_one_without_delay_has_taken),
        scene_test(what_was_stored_behind_that_one_is_there),
        scene_test(what_no_flush_has_taken_is_there_when_it_is_called_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
