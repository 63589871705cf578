/* What is not in the capture is nobody's fault, and what is there is still checked. */
#include "scene.h"

static void stores(struct scene *scene, uint32_t number, const char *key, const char *value,
                   uint64_t cas)
{
    asks(scene, ANN, number, SET, .key = key, .value = value);
    answers(scene, ANN, number, SET, .cas = cas);
}

static void gets(struct scene *scene, uint32_t number, const char *key, const char *value,
                 uint64_t cas)
{
    asks(scene, ANN, number, GET, .key = key);
    answers(scene, ANN, number, GET, .cas = cas, .value = value);
}

/* The answer to a SET has 24 bytes. */
static void after_a_lost_answer_the_next_ones_find_their_requests(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 1, "a", "1", 1);
    asks(scene, ANN, 2, SET, .key = "b", .value = "2");
    scene_lose(scene, ANN, false, 24);
    stores(scene, 3, "c", "3", 3);
    gets(scene, 4, "c", "3", 3);
    assert_verdict(scene, .identical = 3);
}

static void a_client_that_does_not_number_its_requests_is_followed_too(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 0, "a", "1", 1);
    asks(scene, ANN, 0, SET, .key = "b", .value = "2");
    scene_lose(scene, ANN, false, 24);
    stores(scene, 0, "c", "3", 3);
    stores(scene, 0, "d", "4", 4);
    gets(scene, 0, "c", "3", 3);
    gets(scene, 0, "d", "4", 4);
    assert_verdict(scene, .identical = 5);
}

/* An opcode without a name begins no frame where one is searched for. */
static void asks_without_name(struct scene *scene, uint32_t number)
{
    struct said said = {.opcode = 0xee, .opaque = number};
    scene_say(scene, ANN, true, &said);
    said.status = MCBP_STATUS_UNKNOWN_COMMAND;
    scene_say(scene, ANN, false, &said);
}

static void an_answer_that_the_search_passes_over_is_lost_too(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 1, "a", "1", 1);
    asks(scene, ANN, 2, SET, .key = "b", .value = "2");
    scene_lose(scene, ANN, false, 24);
    asks_without_name(scene, 3);
    gets(scene, 4, "a", "1", 1);
    assert_verdict(scene, .identical = 2);
}

static void a_request_that_the_search_passes_over_is_lost_too(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 1, "a", "1", 1);
    scene_lose(scene, ANN, true, 24);
    asks_without_name(scene, 3);
    gets(scene, 4, "a", "1", 1);
    assert_verdict(scene, .identical = 2, .not_executed = 1);
}

static void what_is_wrong_behind_a_loss_is_a_difference_all_the_same(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 0, "a", "1", 1);
    asks(scene, ANN, 0, SET, .key = "b", .value = "2");
    scene_lose(scene, ANN, false, 24);
    stores(scene, 0, "c", "3", 3);
    gets(scene, 0, "c", "x", 3);
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

static void counts_to(struct scene *scene, uint32_t number, uint64_t to)
{
    asks(scene, ANN, number, INCREMENT, .key = "n", .delta = 1, .expires = UINT32_MAX);
    answers(scene, ANN, number, INCREMENT, .cas = number, .number = to);
}

static void a_counter_never_seen_is_told_once_and_counted_on_afterwards(void **state)
{
    struct scene *scene = *state;
    counts_to(scene, 1, 57);
    counts_to(scene, 2, 58);
    counts_to(scene, 3, 60);
    assert_verdict(scene, .adopted = 1, .identical = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+7");
}

static void how_a_told_number_is_padded_and_its_flags_are_still_open(void **state)
{
    struct scene *scene = *state;
    counts_to(scene, 1, 57);
    asks(scene, ANN, 2, GET, .key = "n");
    answers(scene, ANN, 2, GET, .cas = 1, .flags = 16, .value = "57 ");
    asks(scene, ANN, 3, GET, .key = "n");
    answers(scene, ANN, 3, GET, .cas = 1, .flags = 16, .value = "57 ");
    assert_verdict(scene, .adopted = 2, .identical = 1);
}

static void a_told_number_is_not_another_one_in_the_next_read(void **state)
{
    struct scene *scene = *state;
    counts_to(scene, 1, 57);
    gets(scene, 2, "n", "75", 1);
    assert_verdict(scene, .adopted = 1, .different = 1);
}

/* Of a client without numbers: the first of two answers is no frame. The second one belongs to the
 * last request before that, and does not tell that the first request waits no more. */
static void the_answer_to_the_last_request_before_a_loss_ends_no_doubt(void **state)
{
    struct scene *scene = *state;
    static const char *const keys[] = {"k1", "k2", "k3"};
    static const char *const values[] = {"v1", "v2", "v3"};
    static const uint8_t no_frame[30] = {0xff, 0xff, 0xff};
    for (uint64_t i = 0; i < 3; i++) {
        asks(scene, ANN, 0, SET, .key = keys[i], .value = values[i]);
        answers(scene, ANN, 0, SET, .cas = i + 1);
    }
    asks(scene, ANN, 0, GET, .key = "k1");
    asks(scene, ANN, 0, GET, .key = "k2");
    scene_say_bytes(scene, ANN, false, span_of(no_frame, sizeof(no_frame)));
    answers(scene, ANN, 0, GET, .cas = 2, .value = "v2");
    asks(scene, ANN, 0, GET, .key = "k3");
    answers(scene, ANN, 0, GET, .cas = 3, .value = "v3");
    assert_verdict(scene, .identical = 5, .malformed = 1);
}

/* -------------------------------------------------- what was lost may have changed any key */

enum {
    SET_SIZE = 24 + 8 + 1 + 1,
    FLUSH_SIZE = 24,
    DELETE_SIZE = 24 + 1
}; /* with keys and values of 1 byte */

static void put(struct scene *scene, enum person person, uint32_t number, const char *key,
                const char *value, uint64_t cas)
{
    asks(scene, person, number, SET, .key = key, .value = value);
    answers(scene, person, number, SET, .cas = cas);
}

static void read_by(struct scene *scene, enum person person, uint32_t number, const char *key,
                    const char *value, uint64_t cas)
{
    asks(scene, person, number, GET, .key = key);
    answers(scene, person, number, GET, .cas = cas, .value = value);
}

static void misses(struct scene *scene, enum person person, uint32_t number, const char *key)
{
    asks(scene, person, number, GET, .key = key);
    answers(scene, person, number, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
}

/* ANN's request of so many bytes is lost; what comes next of her acknowledges it. */
static void lose_request(struct scene *scene, uint32_t size)
{
    scene->options.max_loss = UINT64_MAX;
    scene_lose(scene, ANN, true, size);
}

static void a_lost_change_shows_in_what_others_read(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    read_by(scene, BOB, 1, "k", "a", 5);
    lose_request(scene, SET_SIZE);
    answers(scene, ANN, 2, SET, .cas = 6);
    read_by(scene, BOB, 2, "k", "b", 6);
    read_by(scene, BOB, 3, "k", "b", 6);
    assert_verdict(scene, .identical = 3, .adopted = 1, .not_executed = 1);
}

static void others_may_have_read_it_before_the_loss_shows(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    lose_request(scene, SET_SIZE);
    read_by(scene, BOB, 1, "k", "b", 6);
    answers(scene, ANN, 2, SET, .cas = 6);
    read_by(scene, BOB, 2, "k", "b", 6);
    assert_verdict(scene, .identical = 1, .adopted = 2, .not_executed = 1);
}

static void what_differs_before_the_lost_request_is_a_difference(void **state)
{
    struct scene *scene = *state;
    put(scene, BOB, 1, "k", "a", 5);
    read_by(scene, BOB, 2, "k", "b", 6);
    read_by(scene, BOB, 3, "k", "b", 6);
    put(scene, ANN, 1, "l", "a", 7);
    lose_request(scene, SET_SIZE);
    answers(scene, ANN, 2, SET, .cas = 8);
    read_by(scene, ANN, 3, "l", "a", 7);
    assert_verdict(scene, .identical = 3, .adopted = 1, .different = 1, .not_executed = 1);
}

static void of_many_differences_those_that_stay_are_shown(void **state)
{
    struct scene *scene = *state;
    put(scene, BOB, 1, "k", "a", 5);
    read_by(scene, BOB, 2, "k", "b", 6);
    put(scene, BOB, 3, "m", "a", 7);
    put(scene, ANN, 1, "l", "a", 8);
    lose_request(scene, SET_SIZE);
    read_by(scene, BOB, 4, "m", "b", 9);
    answers(scene, ANN, 2, SET, .cas = 9);
    assert_verdict(scene, .identical = 3, .adopted = 1, .different = 1, .not_executed = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void the_same_version_with_another_value_is_no_change(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    put(scene, ANN, 2, "l", "a", 6);
    lose_request(scene, SET_SIZE);
    answers(scene, ANN, 3, SET, .cas = 7);
    read_by(scene, BOB, 1, "k", "b", 5);
    assert_verdict(scene, .identical = 2, .different = 1, .not_executed = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

static void a_lost_flush_empties_every_key_once(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    put(scene, BOB, 1, "l", "a", 6);
    lose_request(scene, FLUSH_SIZE);
    answers(scene, ANN, 2, FLUSH);
    put(scene, ANN, 3, "m", "a", 7);
    misses(scene, BOB, 2, "k");
    misses(scene, BOB, 3, "l");
    misses(scene, BOB, 4, "l");
    read_by(scene, BOB, 5, "l", "a", 6);
    assert_verdict(scene, .identical = 4, .adopted = 2, .different = 1, .not_executed = 1);
}

static void silence_may_be_right_after_a_lost_change(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    lose_request(scene, DELETE_SIZE);
    answers(scene, ANN, 2, DELETE);
    asks(scene, BOB, 3, ADDQ, .key = "k", .value = "b");
    asks(scene, BOB, 4, NOOP);
    answers(scene, BOB, 4, NOOP);
    read_by(scene, BOB, 5, "k", "b", 7);
    assert_verdict(scene, .identical = 3, .not_executed = 1);
}

static void once_later_requests_are_answered_nothing_changes_unseen(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    lose_request(scene, SET_SIZE);
    answers(scene, ANN, 2, SET, .cas = 6);
    put(scene, ANN, 3, "l", "a", 7);
    read_by(scene, BOB, 1, "k", "a", 5);
    read_by(scene, BOB, 2, "k", "b", 8);
    assert_verdict(scene, .identical = 3, .different = 1, .not_executed = 1);
}

static void a_touched_item_may_be_gone_later(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    lose_request(scene, SET_SIZE);
    answers(scene, ANN, 2, TOUCH);
    put(scene, ANN, 3, "l", "a", 7);
    read_by(scene, BOB, 1, "k", "a", 5);
    scene_wait(scene, 30);
    misses(scene, BOB, 2, "k");
    put(scene, BOB, 3, "k", "b", 8);
    misses(scene, BOB, 4, "k");
    assert_verdict(scene, .identical = 4, .adopted = 1, .different = 1, .not_executed = 1);
}

static void a_lost_answer_may_have_said_that_nothing_changed(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    asks(scene, BOB, 1, ADDQ, .key = "k", .value = "z");
    asks(scene, BOB, 2, NOOP);
    scene->options.max_loss = UINT64_MAX;
    scene_lose(scene, BOB, false, 24 + 20 + 24); /* "Data exists for key." */
    read_by(scene, BOB, 3, "k", "a", 5);
    read_by(scene, BOB, 4, "k", "a", 5);
    assert_verdict(scene, .identical = 2, .adopted = 1);
}

static void a_lost_answer_leaves_other_keys_certain(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    put(scene, ANN, 2, "l", "a", 6);
    asks(scene, BOB, 1, SET, .key = "k", .value = "z");
    scene->options.max_loss = UINT64_MAX;
    scene_lose(scene, BOB, false, 24);
    read_by(scene, BOB, 2, "l", "b", 8);
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void the_first_request_of_a_connection_may_be_the_lost_one(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    scene_wait(scene, 5);
    scene->options.max_loss = UINT64_MAX;
    scene_lose(scene, BOB, true, SET_SIZE);
    answers(scene, BOB, 1, SET, .cas = 6);
    read_by(scene, ANN, 2, "k", "b", 6);
    read_by(scene, BOB, 2, "k", "b", 6);
    assert_verdict(scene, .identical = 2, .adopted = 1, .not_executed = 1);
}

static void without_numbers_lost_requests_shift_no_answers(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 0, "k", "a", 5);
    lose_request(scene, SET_SIZE);
    asks(scene, ANN, 0, SET, .key = "l", .value = "b");
    answers(scene, ANN, 0, SET, .cas = 6);
    answers(scene, ANN, 0, SET, .cas = 7);
    read_by(scene, ANN, 0, "l", "b", 7);
    read_by(scene, ANN, 0, "l", "b", 7);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_int_equal(scene_verify(scene)->executed.missing, 0);
}

static void sets_quietly(struct scene *scene, const char *key, const char *value)
{
    asks(scene, ANN, 0, SETQ, .key = key, .value = value);
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, NOOP);
}

/* With a NOOP behind it; and the client goes on. */
static void loses_a_quiet_delete(struct scene *scene)
{
    lose_request(scene, DELETE_SIZE + MCBP_HEADER_SIZE);
    answers(scene, ANN, 0, NOOP);
    for (uint32_t i = 0; i < 4; i++) { /* until the lost bytes can't hold so many requests */
        put(scene, ANN, 99 + i, "n", "x", 7 + i);
    }
}

/* A DELETEQ of k is lost: that l's value is not k's new one shows what the store holds of l. */
static void without_numbers_a_quiet_hit_is_rather_that_of_a_later_key(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 0, "k", "a", 5);
    sets_quietly(scene, "l", "b");
    loses_a_quiet_delete(scene);
    asks(scene, ANN, 0, GETQ, .key = "k");
    asks(scene, ANN, 0, GETQ, .key = "l");
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, GETQ, .cas = 6, .value = "b");
    answers(scene, ANN, 0, NOOP);
    put(scene, BOB, 1, "m", "c", 11);
    asks(scene, BOB, 2, ADD, .key = "k", .value = "d");
    answers(scene, BOB, 2, ADD, .cas = 13);
    assert_verdict(scene, .identical = 9, .adopted = 1, .not_executed = 1); /* ADD's success */
}

/* Nor of one that a request before it in the pipeline stores. */
static void or_of_one_that_is_about_to_hold_it(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 0, "k", "a", 5);
    loses_a_quiet_delete(scene);
    asks(scene, ANN, 0, SETQ, .key = "l", .value = "b");
    asks(scene, ANN, 0, GETQ, .key = "k");
    asks(scene, ANN, 0, SETQ, .key = "l", .value = "c");
    asks(scene, ANN, 0, GETQ, .key = "l");
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, GETQ, .cas = 12, .value = "c");
    answers(scene, ANN, 0, NOOP);
    asks(scene, BOB, 2, ADD, .key = "k", .value = "d");
    answers(scene, BOB, 2, ADD, .cas = 13);
    assert_verdict(scene, .identical = 7, .adopted = 1, .not_executed = 1);
}

static void stores_at_once(struct scene *scene, const char *key, const char *value)
{
    asks(scene, ANN, 0, SET, .key = key, .value = value);
    asks(scene, ANN, 0, NOOP);
}

static void without_numbers_answers_that_were_all_lost_shift_none(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores_at_once(scene, "k", "a");
    answers(scene, ANN, 0, SET, .cas = 5);
    answers(scene, ANN, 0, NOOP);
    stores_at_once(scene, "l", "b");
    scene_lose(scene, ANN, false, 2 * MCBP_HEADER_SIZE);
    stores_at_once(scene, "m", "c");
    answers(scene, ANN, 0, SET, .cas = 7);
    answers(scene, ANN, 0, NOOP);
    read_by(scene, BOB, 1, "m", "c", 7);
    read_by(scene, BOB, 2, "k", "x", 5);
    assert_verdict(scene, .identical = 5, .different = 1);
}

/* As clients do that number their requests, but not the NOOP behind them. */
static void noops_without_numbers_behind_a_lost_one_find_their_answers(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    put(scene, ANN, 1, "k", "a", 5);
    asks(scene, ANN, 0, NOOP);
    scene_lose(scene, ANN, false, MCBP_HEADER_SIZE);
    for (uint32_t i = 2; i < 12; i += 2) {
        asks(scene, ANN, i, GETQ, .key = "none");
        asks(scene, ANN, 0, NOOP);
        answers(scene, ANN, 0, NOOP);
        read_by(scene, ANN, i + 1, "k", "a", 5);
    }
    assert_verdict(scene, .identical = 11);
}

/* An answer to a request that waits comes before: until then, NOOPs are those of lost requests. */
static void noops_without_numbers_behind_lost_requests_wait_for_theirs(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 5);
    lose_request(scene, 2 * MCBP_HEADER_SIZE + 1);
    for (uint32_t i = 3; i < 5; i++) {
        asks(scene, ANN, i, GET, .key = "k");
        asks(scene, ANN, 0, NOOP);
    }
    for (uint32_t i = 2; i < 5; i++) {
        answers(scene, ANN, i, GET, .value = "a", .cas = 5);
        answers(scene, ANN, 0, NOOP);
    }
    const struct executed_counts *found = &scene_verify(scene)->executed;
    assert_int_equal(found->check.different + found->missing, 0);
    assert_int_equal(found->not_executed, 2);
}

static void asks_with_noop(struct scene *scene, uint32_t number)
{
    asks(scene, ANN, number, GET, .key = "k");
    asks(scene, ANN, 0, NOOP);
}

static void answers_with_noop(struct scene *scene, uint32_t number)
{
    answers(scene, ANN, number, GET, .value = "a", .cas = 5);
    answers(scene, ANN, 0, NOOP);
}

/* The same, of a client that has not numbered its first requests, and never waits for the answers.
 */
static void rising_numbers_tell_what_waits_from_what_is_lost(void **state)
{
    struct scene *scene = *state;
    stores(scene, 0, "k", "a", 4);
    stores(scene, 0, "k", "a", 5);
    lose_request(scene, 4 * MCBP_HEADER_SIZE + 2);
    asks_with_noop(scene, 3);
    answers_with_noop(scene, 1);
    for (uint32_t i = 4; i < 10; i++) {
        answers_with_noop(scene, i - 2);
        asks_with_noop(scene, i);
    }
    answers_with_noop(scene, 8);
    answers_with_noop(scene, 9);
    const struct executed_counts *found = &scene_verify(scene)->executed;
    assert_int_equal(found->check.different + found->missing, 0);
    assert_int_equal(found->not_executed, 4);
}

static void noops_without_numbers_behind_a_lost_hit_find_their_answers(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    put(scene, ANN, 1, "k", "a", 5);
    asks(scene, ANN, 2, GETQ, .key = "k");
    asks(scene, ANN, 0, NOOP);
    scene_lose(scene, ANN, false, MCBP_HEADER_SIZE + 5);
    asks(scene, ANN, 3, GET, .key = "k");
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, NOOP);
    answers(scene, ANN, 3, GET, .value = "a", .cas = 5);
    answers(scene, ANN, 0, NOOP);
    assert_verdict(scene, .identical = 4);
}

static void a_lost_hit_is_no_quiet_miss(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    gets(scene, 1, "k", "v", 5); /* adopted: when it expires is not known */
    asks(scene, ANN, 2, GETQ, .key = "k");
    asks(scene, ANN, 3, NOOP);
    scene_lose(scene, ANN, false, 24 + 4 + 1 + 24);
    stores(scene, 4, "other", "x", 6);
    gets(scene, 5, "k", "v", 5);
    assert_verdict(scene, .adopted = 1, .identical = 2);
    assert_int_equal(scene_verify(scene)->expired, 0);
}

/* ------------------------------------------------------------------ the server's bytes */

static void garbage(struct scene *scene)
{
    scene_say_bytes(scene, ANN, false, span_of("no frame of any kind, but so many bytes", 39));
}

static void bad_bytes_behind_one_frame_after_a_loss_may_be_the_capture_s(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 1, "a", "1", 1);
    scene_lose(scene, ANN, false, 24);
    stores(scene, 2, "b", "2", 3);
    garbage(scene);
    assert_verdict(scene, .identical = 2);
}

static void bad_bytes_behind_two_frames_after_a_loss_are_the_server_s(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 1, "a", "1", 1);
    scene_lose(scene, ANN, false, 24);
    stores(scene, 2, "b", "2", 3);
    stores(scene, 3, "c", "3", 4);
    garbage(scene);
    assert_verdict(scene, .identical = 3, .malformed = 1);
}

/* ------------------------------------------------------- losses while others ask for the same key
 */

/* BOB's SET runs first, and is answered last. */
static void what_is_asked_when_a_loss_shows_overlaps_with_others(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    put(scene, ANN, 1, "k", "a", 1);
    asks(scene, ANN, 2, SET, .key = "l", .value = "z");
    scene_lose(scene, ANN, false, 24);
    asks(scene, BOB, 1, SET, .key = "k", .value = "b");
    asks(scene, ANN, 3, APPEND, .key = "k", .value = "c");
    answers(scene, ANN, 3, APPEND, .cas = 4);
    answers(scene, BOB, 1, SET, .cas = 3);
    read_by(scene, BOB, 2, "k", "bc", 4);
    assert_verdict(scene, .identical = 3, .ambiguous = 1);
}

static void a_lie_among_them_is_a_difference(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    put(scene, ANN, 1, "k", "a", 1);
    asks(scene, ANN, 2, SET, .key = "l", .value = "z");
    scene_lose(scene, ANN, false, 24);
    asks(scene, BOB, 1, SET, .key = "k", .value = "b");
    asks(scene, ANN, 3, APPEND, .key = "k", .value = "c");
    answers(scene, ANN, 3, APPEND, .cas = 4);
    answers(scene, BOB, 1, SET, .cas = 3);
    read_by(scene, BOB, 2, "k", "ac", 4);
    assert_verdict(scene, .identical = 2, .ambiguous = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

/* The change whose answer is lost has run between BOB's. */
static void a_change_without_its_answer_has_its_place_in_the_order(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    put(scene, CLEO, 1, "k", "a", 1);
    asks(scene, BOB, 1, APPEND, .key = "k", .value = "b");
    asks(scene, ANN, 1, APPEND, .key = "k", .value = "c");
    asks(scene, BOB, 2, APPEND, .key = "k", .value = "d");
    scene_lose(scene, ANN, false, 24);
    asks(scene, ANN, 2, NOOP);
    answers(scene, ANN, 2, NOOP);
    answers(scene, BOB, 1, APPEND, .cas = 2);
    answers(scene, BOB, 2, APPEND, .cas = 4);
    read_by(scene, BOB, 3, "k", "abcd", 4);
    assert_verdict(scene, .identical = 4, .ambiguous = 1);
}

/* ANN's second GET has run before BOB's SET, and is answered behind it. */
static void a_read_without_its_answer_leaves_the_order_of_others_open(void **state)
{
    struct scene *scene = *state;
    scene->options.max_loss = UINT64_MAX;
    stores(scene, 0, "l", "x", 1);
    stores(scene, 0, "k", "a", 2);
    asks(scene, ANN, 1, GET, .key = "k");
    scene_lose(scene, ANN, false, 24 + 4 + 1);
    asks(scene, ANN, 2, GET, .key = "k");
    put(scene, BOB, 1, "k", "b", 3);
    answers(scene, ANN, 2, GET, .value = "a", .cas = 2);
    read_by(scene, CLEO, 1, "k", "b", 3);
    assert_verdict(scene, .identical = 4, .ambiguous = 1);
}

/* ANN's DELETE, which is lost, has run before BOB's GET, and that before her SET. */
static void what_a_lost_change_explains_may_have_run_before_others(void **state)
{
    struct scene *scene = *state;
    put(scene, ANN, 1, "k", "a", 1);
    lose_request(scene, MCBP_HEADER_SIZE + 1);
    answers(scene, ANN, 2, DELETE);
    asks(scene, ANN, 4, NOOP);
    answers(scene, ANN, 4, NOOP);
    asks(scene, BOB, 1, GET, .key = "k");
    asks(scene, ANN, 3, SET, .key = "k", .value = "b");
    asks(scene, CLEO, 1, GETQ, .key = "k");
    asks(scene, CLEO, 2, NOOP);
    answers(scene, BOB, 1, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    answers(scene, CLEO, 2, NOOP);
    answers(scene, ANN, 3, SET, .cas = 2);
    read_by(scene, DAN, 1, "k", "b", 2);
    assert_verdict(scene, .identical = 4, .adopted = 2, .not_executed = 1);
}

/* ANN's ADD, which is lost, has run behind DAN's first GET. */
static void no_order_without_the_lost_change_is_no_difference(void **state)
{
    struct scene *scene = *state;
    put(scene, CLEO, 1, "k", "a", 1);
    asks(scene, CLEO, 2, DELETE, .key = "k");
    answers(scene, CLEO, 2, DELETE);
    lose_request(scene, SET_SIZE);
    asks(scene, BOB, 1, ADD, .key = "k", .value = "c");
    asks(scene, DAN, 1, GET, .key = "k");
    answers(scene, DAN, 1, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    asks(scene, CLEO, 3, APPEND, .key = "k", .value = "d");
    asks(scene, DAN, 2, GET, .key = "k");
    answers(scene, BOB, 1, ADD, .status = MCBP_STATUS_KEY_EXISTS);
    answers(scene, CLEO, 3, APPEND, .cas = 4);
    answers(scene, ANN, 2, ADD, .cas = 3);
    answers(scene, DAN, 2, GET, .cas = 4, .value = "bd");
    assert_verdict(scene, .identical = 4, .adopted = 2, .not_executed = 1);
}

/* ----------------------------------------------------------------------------------- given up */

/* Room for three GETs, or two SETs, of keys and values of a byte. */
enum { ROOM = 80 };

static void gets_of_bob(struct scene *scene, uint32_t number, const char *key, const char *value,
                        uint64_t cas)
{
    asks(scene, BOB, number, GET, .key = key);
    answers(scene, BOB, number, GET, .cas = cas, .value = value);
}

/* Ann's second SET has no room for its answer to be waited for. */
static void gives_up_a_set(struct scene *scene)
{
    scene->options.pending_bytes_max = ROOM;
    stores(scene, 1, "a", "1", 1);
    asks(scene, ANN, 2, SET, .key = "a", .value = "2");
    asks(scene, ANN, 3, SET, .key = "b", .value = "3");
    asks(scene, ANN, 4, SET, .key = "c", .value = "4");
}

/* ANN's first GET has no room; her second has run before BOB's SET, and is answered behind it. */
static void a_read_that_is_given_up_leaves_the_order_of_others_open(void **state)
{
    struct scene *scene = *state;
    scene->options.pending_bytes_max = ROOM;
    stores(scene, 1, "k", "a", 1);
    asks(scene, ANN, 2, GET, .key = "k");
    asks(scene, ANN, 3, GET, .key = "k");
    asks(scene, BOB, 1, GET, .key = "m");
    put(scene, CLEO, 1, "k", "b", 2);
    asks(scene, ANN, 4, GET, .key = "l");
    answers(scene, ANN, 3, GET, .value = "a", .cas = 1);
    read_by(scene, DAN, 1, "k", "b", 2);
    assert_verdict(scene, .identical = 3, .ambiguous = 1);
}

static void what_is_given_up_may_run_at_any_time(void **state)
{
    struct scene *scene = *state;
    gives_up_a_set(scene);
    gets_of_bob(scene, 1, "a", "1", 1);
    gets_of_bob(scene, 2, "a", "2", 2);
    answers(scene, ANN, 2, SET, .cas = 2);
    answers(scene, ANN, 3, SET, .cas = 3);
    answers(scene, ANN, 4, SET, .cas = 4);
    assert_verdict(scene, .identical = 4, .adopted = 1, .not_executed = 1);
}

static void what_is_given_up_may_store_what_a_counter_is_about_to(void **state)
{
    struct scene *scene = *state;
    gives_up_a_set(scene);
    asks(scene, BOB, 1, INCREMENT, .key = "n", .delta = 1);
    answers(scene, BOB, 1, INCREMENT, .status = MCBP_STATUS_NOT_STORED);
    answers(scene, ANN, 2, SET, .cas = 2);
    answers(scene, ANN, 3, SET, .cas = 3);
    answers(scene, ANN, 4, SET, .cas = 4);
    assert_verdict(scene, .identical = 3, .adopted = 1, .not_executed = 1);
}

static void once_a_later_request_is_answered_what_was_given_up_has_run(void **state)
{
    struct scene *scene = *state;
    gives_up_a_set(scene);
    answers(scene, ANN, 2, SET, .cas = 2);
    answers(scene, ANN, 3, SET, .cas = 3);
    answers(scene, ANN, 4, SET, .cas = 4);
    stores(scene, 5, "a", "5", 5);
    gets_of_bob(scene, 1, "a", "5", 5);
    gets_of_bob(scene, 2, "a", "x", 5);
    assert_verdict(scene, .identical = 5, .different = 1, .not_executed = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

static void answers_to_what_is_given_up_are_not_out_of_order(void **state)
{
    struct scene *scene = *state;
    scene->options.pending_bytes_max = ROOM;
    stores(scene, 0, "a", "1", 1);
    stores(scene, 0, "b", "2", 2);
    asks(scene, ANN, 0, GET, .key = "a");
    asks(scene, ANN, 0, GET, .key = "a");
    asks(scene, ANN, 0, GET, .key = "b");
    asks(scene, ANN, 0, GET, .key = "a");
    answers(scene, ANN, 0, GET, .cas = 1, .value = "1");
    answers(scene, ANN, 0, GET, .cas = 1, .value = "1");
    answers(scene, ANN, 0, GET, .cas = 2, .value = "2");
    answers(scene, ANN, 0, GET, .cas = 1, .value = "1");
    assert_verdict(scene, .identical = 5, .not_executed = 1);
}

/* ----------------------------------------------------------------------------------------- UDP */

static void over_udp_a_request_may_be_lost(void **state)
{
    struct scene *scene = *state;
    scene_use_udp(scene, ANN);
    put(scene, ANN, 1, "k", "a", 1);
    answers(scene, ANN, 2, SET, .cas = 2);
    read_by(scene, ANN, 3, "k", "b", 2);
    read_by(scene, ANN, 4, "k", "b", 2);
    assert_verdict(scene, .identical = 2, .adopted = 1, .not_executed = 1);
}

static void over_udp_a_quiet_hit_may_be_lost(void **state)
{
    struct scene *scene = *state;
    scene_use_udp(scene, ANN);
    put(scene, ANN, 1, "k", "a", 1);
    asks(scene, ANN, 2, GETQ, .key = "k");
    asks(scene, ANN, 3, NOOP);
    answers(scene, ANN, 3, NOOP);
    read_by(scene, ANN, 4, "k", "a", 1);
    assert_verdict(scene, .identical = 3);
}

/* Request 2 is asked for again when half of its answer is here. */
static void over_udp_halves_of_two_answers_are_no_answer(void **state)
{
    struct scene *scene = *state;
    enum { UDP_FRAMING = 8 };
    static const char value[] = "0123456789";
    uint8_t bytes[UDP_FRAMING + SAID_ROOM];
    uint8_t part[UDP_FRAMING + SAID_ROOM] = {0, 2, 0, 1, 0, 2};
    struct said said = {.opcode = MCBP_GET, .opaque = 2, .cas = 1, .value = value};
    size_t size = scene_write(&said, false, bytes);
    size_t half = size / 2;
    scene_use_udp(scene, ANN);
    scene->options.max_loss = UINT64_MAX;
    put(scene, ANN, 1, "k", value, 1);
    asks(scene, ANN, 2, GET, .key = "k");
    memcpy(part + UDP_FRAMING, bytes + half, size - half);
    scene_say_bytes(scene, ANN, false, span_of(part, UDP_FRAMING + size - half));
    asks(scene, ANN, 2, GET, .key = "k");
    part[3] = 0;
    memcpy(part + UDP_FRAMING, bytes, half);
    scene_say_bytes(scene, ANN, false, span_of(part, UDP_FRAMING + half));
    part[3] = 1;
    memcpy(part + UDP_FRAMING, bytes + half, size - half);
    part[UDP_FRAMING + size - half - 1] = 'x';
    scene_say_bytes(scene, ANN, false, span_of(part, UDP_FRAMING + size - half));
    assert_verdict(scene, .identical = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(after_a_lost_answer_the_next_ones_find_their_requests),
        scene_test(a_client_that_does_not_number_its_requests_is_followed_too),
        scene_test(an_answer_that_the_search_passes_over_is_lost_too),
        scene_test(a_request_that_the_search_passes_over_is_lost_too),
        scene_test(what_is_wrong_behind_a_loss_is_a_difference_all_the_same),
        scene_test(a_counter_never_seen_is_told_once_and_counted_on_afterwards),
        scene_test(how_a_told_number_is_padded_and_its_flags_are_still_open),
        scene_test(a_told_number_is_not_another_one_in_the_next_read),
        scene_test(the_answer_to_the_last_request_before_a_loss_ends_no_doubt),
        scene_test(a_lost_change_shows_in_what_others_read),
        scene_test(others_may_have_read_it_before_the_loss_shows),
        scene_test(what_differs_before_the_lost_request_is_a_difference),
        scene_test(of_many_differences_those_that_stay_are_shown),
        scene_test(the_same_version_with_another_value_is_no_change),
        scene_test(a_lost_flush_empties_every_key_once),
        scene_test(silence_may_be_right_after_a_lost_change),
        scene_test(once_later_requests_are_answered_nothing_changes_unseen),
        scene_test(a_touched_item_may_be_gone_later),
        scene_test(a_lost_answer_may_have_said_that_nothing_changed),
        scene_test(a_lost_answer_leaves_other_keys_certain),
        scene_test(the_first_request_of_a_connection_may_be_the_lost_one),
        scene_test(without_numbers_lost_requests_shift_no_answers),
        scene_test(without_numbers_a_quiet_hit_is_rather_that_of_a_later_key),
        scene_test(or_of_one_that_is_about_to_hold_it),
        scene_test(without_numbers_answers_that_were_all_lost_shift_none),
        scene_test(noops_without_numbers_behind_a_lost_one_find_their_answers),
        scene_test(noops_without_numbers_behind_lost_requests_wait_for_theirs),
        scene_test(rising_numbers_tell_what_waits_from_what_is_lost),
        scene_test(noops_without_numbers_behind_a_lost_hit_find_their_answers),
        scene_test(a_lost_hit_is_no_quiet_miss),
        scene_test(bad_bytes_behind_one_frame_after_a_loss_may_be_the_capture_s),
        scene_test(bad_bytes_behind_two_frames_after_a_loss_are_the_server_s),
        scene_test(what_is_asked_when_a_loss_shows_overlaps_with_others),
        scene_test(a_lie_among_them_is_a_difference),
        scene_test(a_change_without_its_answer_has_its_place_in_the_order),
        scene_test(a_read_without_its_answer_leaves_the_order_of_others_open),
        scene_test(what_a_lost_change_explains_may_have_run_before_others),
        scene_test(no_order_without_the_lost_change_is_no_difference),
        scene_test(a_read_that_is_given_up_leaves_the_order_of_others_open),
        scene_test(what_is_given_up_may_run_at_any_time),
        scene_test(what_is_given_up_may_store_what_a_counter_is_about_to),
        scene_test(once_a_later_request_is_answered_what_was_given_up_has_run),
        scene_test(answers_to_what_is_given_up_are_not_out_of_order),
        scene_test(over_udp_a_request_may_be_lost),
        scene_test(over_udp_a_quiet_hit_may_be_lost),
        scene_test(over_udp_halves_of_two_answers_are_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
