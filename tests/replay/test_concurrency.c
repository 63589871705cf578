/*
 * Concurrency: requests of several connections on one key that overlap in time may have run in any
 * order; those that don't may not.
 */
#include "scene.h"

/* One request and the answer to it. */
struct exchange {
    struct said request;
    struct said answer;
};

#define SAID(opcode_, ...)                                                                         \
    {                                                                                              \
        .opcode = MCBP_##opcode_, .opaque = 7, __VA_ARGS__                                         \
    }

/*
 * `first` and `second` as if they had run in that order, and what is read afterwards, which was
 * executed after both.
 */
struct pair {
    const char *name;
    struct exchange before; /* run by somebody else, before both */
    struct exchange first;
    struct exchange second;
    struct exchange after;
};

#define SET_TO(text, cas_)                                                                         \
    {                                                                                              \
        SAID(SET, .key = "k", .value = text), SAID(SET, .cas = cas_)                               \
    }
#define GETS(text, cas_)                                                                           \
    {                                                                                              \
        SAID(GET, .key = "k"), SAID(GET, .value = text, .cas = cas_)                               \
    }
#define MISSES                                                                                     \
    {                                                                                              \
        SAID(GET, .key = "k"), SAID(GET, .status = MCBP_STATUS_KEY_NOT_FOUND)                      \
    }
#define COUNTS_TO(number_, cas_)                                                                   \
    {                                                                                              \
        SAID(INCREMENT, .key = "k", .delta = 1), SAID(INCREMENT, .number = number_, .cas = cas_)   \
    }

static const struct pair PAIRS[] = {
    {"SET, SET", SET_TO("old", 1), SET_TO("a", 2), SET_TO("b", 3), GETS("b", 3)},
    {"GET, SET", SET_TO("old", 1), GETS("old", 1), SET_TO("b", 2), GETS("b", 2)},
    {"SET, GET", SET_TO("old", 1), SET_TO("b", 2), GETS("b", 2), GETS("b", 2)},
    {"INCREMENT, INCREMENT", SET_TO("5", 1), COUNTS_TO(6, 2), COUNTS_TO(7, 3), GETS("7", 3)},
    {"SET with CAS, SET",
     SET_TO("old", 1),
     {SAID(SET, .key = "k", .value = "a", .cas = 1), SAID(SET, .cas = 2)},
     SET_TO("b", 3),
     GETS("b", 3)},
    {"SET, SET with CAS",
     SET_TO("old", 1),
     SET_TO("b", 2),
     {SAID(SET, .key = "k", .value = "a", .cas = 1), SAID(SET, .status = MCBP_STATUS_KEY_EXISTS)},
     GETS("b", 2)},
    {"SET with CAS, the same",
     SET_TO("old", 1),
     {SAID(SET, .key = "k", .value = "a", .cas = 1), SAID(SET, .cas = 2)},
     {SAID(SET, .key = "k", .value = "b", .cas = 1), SAID(SET, .status = MCBP_STATUS_KEY_EXISTS)},
     GETS("a", 2)},
    {"DELETE, GET", SET_TO("old", 1), {SAID(DELETE, .key = "k"), SAID(DELETE)}, MISSES, MISSES},
    {"GET, DELETE",
     SET_TO("old", 1),
     GETS("old", 1),
     {SAID(DELETE, .key = "k"), SAID(DELETE)},
     MISSES},
    {"DELETE, DELETE",
     SET_TO("old", 1),
     {SAID(DELETE, .key = "k"), SAID(DELETE)},
     {SAID(DELETE, .key = "k"), SAID(DELETE, .status = MCBP_STATUS_KEY_NOT_FOUND)},
     MISSES},
    {"ADD, ADD",
     {SAID(DELETE, .key = "k"), SAID(DELETE, .status = MCBP_STATUS_KEY_NOT_FOUND)},
     {SAID(ADD, .key = "k", .value = "a"), SAID(ADD, .cas = 1)},
     {SAID(ADD, .key = "k", .value = "b"), SAID(ADD, .status = MCBP_STATUS_KEY_EXISTS)},
     GETS("a", 1)},
    {"APPEND, APPEND",
     SET_TO("old", 1),
     {SAID(APPEND, .key = "k", .value = "a"), SAID(APPEND, .cas = 2)},
     {SAID(APPEND, .key = "k", .value = "b"), SAID(APPEND, .cas = 3)},
     GETS("oldab", 3)},
    {"DELETE, SET",
     SET_TO("old", 1),
     {SAID(DELETE, .key = "k"), SAID(DELETE)},
     SET_TO("b", 2),
     GETS("b", 2)},
    {"SET, DELETE",
     SET_TO("old", 1),
     SET_TO("b", 2),
     {SAID(DELETE, .key = "k"), SAID(DELETE)},
     MISSES},
    {"FLUSH, GET", SET_TO("old", 1), {SAID(FLUSH), SAID(FLUSH)}, MISSES, MISSES},
    {"GET, FLUSH", SET_TO("old", 1), GETS("old", 1), {SAID(FLUSH), SAID(FLUSH)}, MISSES},
    {"FLUSH, SET", SET_TO("old", 1), {SAID(FLUSH), SAID(FLUSH)}, SET_TO("b", 2), GETS("b", 2)},
    {"SET, FLUSH", SET_TO("old", 1), SET_TO("b", 2), {SAID(FLUSH), SAID(FLUSH)}, MISSES},
};
enum { PAIRS_COUNT = sizeof(PAIRS) / sizeof(PAIRS[0]) };

static void ask(struct scene *scene, enum person person, const struct exchange *exchange)
{
    scene_say(scene, person, true, &exchange->request);
}

static void answer(struct scene *scene, enum person person, const struct exchange *exchange)
{
    scene_say(scene, person, false, &exchange->answer);
}

static void exchange_whole(struct scene *scene, enum person person, const struct exchange *exchange)
{
    ask(scene, person, exchange);
    answer(scene, person, exchange);
}

/* Both are asked before either is answered; the answers come in one order or the other. */
static bool overlapping_is_right(struct scene *scene, const struct pair *pair, bool swap_questions,
                                 bool swap_answers)
{
    const struct exchange *both[] = {&pair->first, &pair->second};
    scene_restart(scene);
    exchange_whole(scene, ANN, &pair->before);
    for (size_t i = 0; i < 2; i++) {
        size_t who = i ^ swap_questions;
        ask(scene, who == 0 ? ANN : BOB, both[who]);
    }
    for (size_t i = 0; i < 2; i++) {
        size_t who = i ^ swap_answers;
        answer(scene, who == 0 ? ANN : BOB, both[who]);
    }
    exchange_whole(scene, CLEO, &pair->after);
    exchange_whole(scene, ANN, &pair->after);
    const struct capture_result *found = scene_verify(scene);
    if (found->status != VERIFY_IDENTICAL) {
        const struct difference *difference = &scene->result.differences[0];
        print_error("%s, %s, %s: %s %s in packet %llu\n", pair->name,
                    swap_questions ? "asked the other way round" : "asked in that order",
                    swap_answers ? "answered the other way round" : "answered in that order",
                    difference_kind_text(difference->kind), difference->field,
                    (unsigned long long)difference->packet);
    }
    return found->status == VERIFY_IDENTICAL;
}

static void overlapping_requests_may_run_in_either_order(void **state)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < PAIRS_COUNT; i++) {
        for (unsigned order = 0; order < 4; order++) {
            wrong += !overlapping_is_right(*state, &PAIRS[i], order & 1, order & 2);
        }
    }
    assert_int_equal(wrong, 0);
}

/* The same answers, but each is given before the next is asked, the second exchange first. */
static bool apart_differs(struct scene *scene, const struct pair *pair)
{
    scene_restart(scene);
    exchange_whole(scene, ANN, &pair->before);
    exchange_whole(scene, BOB, &pair->second);
    exchange_whole(scene, ANN, &pair->first);
    exchange_whole(scene, CLEO, &pair->after);
    bool differs = scene_verify(scene)->status == VERIFY_DIFFERENT;
    if (!differs) {
        print_error("%s apart from each other: accepted\n", pair->name);
    }
    return differs;
}

static void requests_apart_may_not_run_the_other_way_round(void **state)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < PAIRS_COUNT; i++) {
        wrong += !apart_differs(*state, &PAIRS[i]);
    }
    assert_int_equal(wrong, 0);
}

static void pipelined_requests_of_one_connection_run_in_order(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "a");
    asks(scene, ANN, 2, GET, .key = "k");
    asks(scene, ANN, 3, SET, .key = "k", .value = "b");
    answers(scene, ANN, 1, SET, .cas = 1);
    answers(scene, ANN, 2, GET, .cas = 2, .value = "b");
    answers(scene, ANN, 3, SET, .cas = 2);
    assert_int_equal(scene_verify(scene)->status, VERIFY_DIFFERENT);
}

static void a_value_that_nobody_wrote_is_no_matter_of_order(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "a");
    asks(scene, BOB, 1, SET, .key = "k", .value = "b");
    asks(scene, CLEO, 1, GET, .key = "k");
    answers(scene, ANN, 1, SET, .cas = 1);
    answers(scene, BOB, 1, SET, .cas = 2);
    answers(scene, CLEO, 1, GET, .cas = 2, .value = "c");
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void three_counters_may_run_in_any_order(void **state)
{
    static const uint64_t numbers[6][3] = {{6, 7, 8}, {6, 8, 7}, {7, 6, 8},
                                           {7, 8, 6}, {8, 6, 7}, {8, 7, 6}};
    struct scene *scene = *state;
    for (size_t i = 0; i < 6; i++) {
        scene_restart(scene);
        asks(scene, DAN, 1, SET, .key = "k", .value = "5");
        answers(scene, DAN, 1, SET, .cas = 5);
        for (enum person person = ANN; person <= CLEO; person++) {
            asks(scene, person, 1, INCREMENT, .key = "k", .delta = 1);
        }
        for (enum person person = ANN; person <= CLEO; person++) {
            uint64_t number = numbers[i][person];
            answers(scene, person, 1, INCREMENT, .number = number, .cas = number);
        }
        asks(scene, DAN, 2, GET, .key = "k");
        answers(scene, DAN, 2, GET, .value = "8", .cas = 8);
        asks(scene, DAN, 3, GET, .key = "k");
        answers(scene, DAN, 3, GET, .value = "8", .cas = 8);
        assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
    }
}

static void the_same_number_twice_is_a_difference(void **state)
{
    struct scene *scene = *state;
    asks(scene, DAN, 1, SET, .key = "k", .value = "5");
    answers(scene, DAN, 1, SET, .cas = 5);
    asks(scene, ANN, 1, INCREMENT, .key = "k", .delta = 1);
    asks(scene, BOB, 1, INCREMENT, .key = "k", .delta = 1);
    answers(scene, ANN, 1, INCREMENT, .number = 6, .cas = 6);
    answers(scene, BOB, 1, INCREMENT, .number = 6, .cas = 7);
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+7");
}

static void after_an_open_order_the_first_read_settles_it(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "a");
    asks(scene, BOB, 1, SET, .key = "k", .value = "b");
    answers(scene, ANN, 1, SET, .cas = 2);
    answers(scene, BOB, 1, SET, .cas = 1);
    asks(scene, CLEO, 1, GET, .key = "k");
    answers(scene, CLEO, 1, GET, .value = "a", .cas = 2);
    asks(scene, CLEO, 2, GET, .key = "k");
    answers(scene, CLEO, 2, GET, .value = "b", .cas = 1);
    const struct capture_result *found = scene_verify(scene);
    assert_int_equal(found->executed.check.different, 1);
}

/* The order is searched after the FLUSH, with what ran a second before it. */
static void a_read_may_have_run_before_a_flush_in_the_next_second(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "a");
    asks(scene, BOB, 1, SET, .key = "k", .value = "b");
    answers(scene, BOB, 1, SET, .cas = 2);
    asks(scene, CLEO, 1, GET, .key = "k");
    scene_wait(scene, 1);
    asks(scene, DAN, 1, FLUSH);
    answers(scene, DAN, 1, FLUSH);
    answers(scene, CLEO, 1, GET, .value = "b", .cas = 2);
    assert_verdict(scene, .identical = 2, .ambiguous = 1);
}

/* 9 is what it comes to made anew, too, but not with the blank. */
static void a_read_shows_what_a_counter_made_of_an_item_in_its_last_second(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "10", .expires = 1);
    answers(scene, ANN, 1, SET, .cas = 5);
    scene_wait(scene, 1);
    asks(scene, BOB, 1, DECREMENT, .key = "k", .delta = 1, .initial = 9);
    asks(scene, CLEO, 1, GET, .key = "k");
    answers(scene, BOB, 1, DECREMENT, .number = 9, .cas = 6);
    answers(scene, CLEO, 1, GET, .value = "9 ", .cas = 6);
    assert_verdict(scene, .identical = 1, .ambiguous = 2);
}

/* Nothing was known of the key: that the GET shows what was there before is as possible. */
static void a_read_of_a_key_never_seen_may_show_what_a_quiet_change_left(void **state)
{
    static const uint8_t CHANGES[] = {MCBP_SETQ, MCBP_REPLACEQ, MCBP_ADDQ};
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof(CHANGES); i++) {
        scene_restart(scene);
        scene_say(scene, ANN, true,
                  &(struct said){.opcode = CHANGES[i], .opaque = 1, .key = "k", .value = "a"});
        asks(scene, BOB, 1, GET, .key = "k");
        answers(scene, BOB, 1, GET, .cas = 19, .value = "a");
        asks(scene, ANN, 2, NOOP);
        answers(scene, ANN, 2, NOOP);
        asks(scene, BOB, 2, GET, .key = "k");
        answers(scene, BOB, 2, GET, .cas = 19, .value = "a");
        assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(overlapping_requests_may_run_in_either_order),
        scene_test(requests_apart_may_not_run_the_other_way_round),
        scene_test(pipelined_requests_of_one_connection_run_in_order),
        scene_test(a_value_that_nobody_wrote_is_no_matter_of_order),
        scene_test(three_counters_may_run_in_any_order),
        scene_test(the_same_number_twice_is_a_difference),
        scene_test(after_an_open_order_the_first_read_settles_it),
        scene_test(a_read_may_have_run_before_a_flush_in_the_next_second),
        scene_test(a_read_shows_what_a_counter_made_of_an_item_in_its_last_second),
        scene_test(a_read_of_a_key_never_seen_may_show_what_a_quiet_change_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
