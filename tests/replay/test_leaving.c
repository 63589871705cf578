/*
 * Clients that go away before they have been answered, and servers that do.
 */
#include "scene.h"

static void begin(struct scene *scene)
{
    asks(scene, ANN, 1, SET, .key = "k1", .value = "v1");
    answers(scene, ANN, 1, SET, .cas = 1);
}

/* The answer to a GET of k1, without its last `missing` bytes. */
static void answers_in_part(struct scene *scene, uint32_t opaque, size_t missing)
{
    uint8_t bytes[SAID_ROOM];
    struct said said = {.opcode = MCBP_GET, .opaque = opaque, .cas = 1, .value = "v1"};
    size_t size = scene_write(&said, false, bytes);
    scene_say_bytes(scene, ANN, false, span_of(bytes, size - missing));
}

static void a_client_that_closes_is_owed_nothing(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, APPEND, .key = "k1", .value = "x");
    client_closes(scene, ANN);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->unanswered, 2);
}

static void a_client_that_closes_within_a_request_is_owed_nothing(void **state)
{
    struct scene *scene = *state;
    uint8_t bytes[SAID_ROOM];
    struct said said = {.opcode = MCBP_SET, .opaque = 3, .key = "k2", .value = "half of this"};
    size_t size = scene_write(&said, true, bytes);
    scene_use_ipv6(scene, ANN);
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    scene_say_bytes(scene, ANN, true, span_of(bytes, size - 5));
    client_closes(scene, ANN);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->ledger.unparsed, size - 5);
}

/* The capture has the two FIN the other way round: what the server's acknowledges tells. */
static void a_client_has_closed_first_if_the_server_acknowledges_that(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    scene->lines[ANN].sequences[0]++;
    server_closes(scene, ANN);
    scene->lines[ANN].sequences[0]--;
    scene->lines[ANN].sequences[1]--;
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->unanswered, 1);
}

static void a_server_that_closes_first_owes_its_answers(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 1, .missing = 1);
}

static void a_server_that_resets_first_owes_its_answers(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    server_resets(scene, ANN);
    assert_verdict(scene, .identical = 1, .missing = 1);
}

/* Its kernel resets when it closes with requests unread. */
static void a_server_may_reset_once_its_client_has_closed(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    client_closes(scene, ANN);
    server_resets(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void a_client_that_resets_may_get_part_of_an_answer(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, GET, .key = "k1");
    answers_in_part(scene, 2, 1);
    client_resets(scene, ANN);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->unanswered, 2);
}

static void a_client_that_closes_and_resets_may_get_part_of_an_answer(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    client_closes(scene, ANN);
    answers_in_part(scene, 2, 10);
    client_resets(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void a_server_that_resets_may_cut_an_answer_to_a_client_that_has_closed(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    client_closes(scene, ANN);
    answers_in_part(scene, 2, 10);
    server_resets(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void a_server_that_resets_within_an_answer_has_sent_no_frame(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    answers_in_part(scene, 2, 1);
    server_resets(scene, ANN);
    assert_int_equal(scene_verify(scene)->status, VERIFY_DIFFERENT);
    assert_int_equal(scene_verify(scene)->executed.malformed, 1);
}

static void asks_behind_quit(struct scene *scene)
{
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, NOOP);
    asks(scene, ANN, 4, QUIT);
    asks(scene, ANN, 5, NOOP);
}

static void what_comes_behind_quit_may_cut_off_answers(void **state)
{
    struct scene *scene = *state;
    asks_behind_quit(scene);
    server_resets(scene, ANN);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->unanswered, 3);

    scene_restart(scene);
    asks_behind_quit(scene);
    answers_in_part(scene, 2, 1);
    server_resets(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void so_may_what_comes_behind_a_request_that_is_refused(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, GET, .key = "k1", .value = "v");
    asks(scene, ANN, 4, NOOP);
    server_resets(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void but_not_if_the_server_closes(void **state)
{
    struct scene *scene = *state;
    asks_behind_quit(scene);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 1, .missing = 1);
}

static void nor_is_an_answer_wrong_that_it_has_sent(void **state)
{
    struct scene *scene = *state;
    asks_behind_quit(scene);
    answers(scene, ANN, 3, NOOP);
    server_resets(scene, ANN);
    assert_verdict(scene, .identical = 2, .missing = 1);
}

static void a_client_that_has_only_stopped_asking_gets_right_answers(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, GET, .key = "k1");
    client_closes(scene, ANN);
    answers(scene, ANN, 2, GET, .cas = 1, .value = "v1");
    answers(scene, ANN, 3, GET, .cas = 1, .value = "x1");
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

static void an_answer_left_out_is_missing_although_the_client_has_closed(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, NOOP);
    client_closes(scene, ANN);
    answers(scene, ANN, 3, NOOP);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 2, .missing = 1);
}

/* QUIT, then FIN and RST, before the server's answer. */
static void the_answer_to_quit_is_not_owed_to_who_is_gone(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, QUIT);
    client_closes(scene, ANN);
    client_resets(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void what_a_client_that_reset_has_asked_for_may_have_been_done(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 2, SET, .key = "k1", .value = "v2");
    client_resets(scene, BOB);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .cas = 2, .value = "v2");
    asks(scene, ANN, 4, GET, .key = "k1");
    answers(scene, ANN, 4, GET, .cas = 2, .value = "x2");
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void or_it_may_not(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 2, SETQ, .key = "k1", .value = "v2");
    client_resets(scene, BOB);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .cas = 1, .value = "v1");
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

/* Somebody else has seen what the quiet SET of a client did that closes without another request. */
static void bob_sets_quietly_and_closes(struct scene *scene, uint64_t cas, const char *seen)
{
    begin(scene);
    asks(scene, BOB, 2, SETQ, .key = "k1", .value = "v2");
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .cas = cas, .value = seen);
    client_closes(scene, BOB);
    server_closes(scene, BOB);
}

static void what_was_asked_quietly_may_have_been_done_before_the_client_closed(void **state)
{
    struct scene *scene = *state;
    bob_sets_quietly_and_closes(scene, 2, "v2");
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void or_not_been_done_yet(void **state)
{
    struct scene *scene = *state;
    bob_sets_quietly_and_closes(scene, 1, "v1");
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void but_nothing_else(void **state)
{
    struct scene *scene = *state;
    bob_sets_quietly_and_closes(scene, 2, "x2");
    assert_int_equal(scene_verify(scene)->status, VERIFY_DIFFERENT);
}

static void a_flush_that_was_not_answered_may_have_been_done(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 2, FLUSH);
    client_resets(scene, BOB);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

/* Whether the server was fresh is no matter then. */
static void or_not_have_been_done(void **state)
{
    struct scene *scene = *state;
    scene->options.cold = true;
    begin(scene);
    asks(scene, BOB, 2, FLUSH);
    client_resets(scene, BOB);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .value = "v1", .cas = 1);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

/* It has not read all that came: so it may not have read these. */
static void quiet_requests_may_not_have_been_read_by_a_server_that_resets(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 2, FLUSHQ);
    client_closes(scene, BOB);
    server_resets(scene, BOB);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .value = "v1", .cas = 1);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

/* Somebody else has missed what the FLUSH of a client dropped that then goes away. */
static void ann_misses_while_bob_flushes(struct scene *scene)
{
    begin(scene);
    asks(scene, BOB, 2, SETQ, .key = "k2", .value = "v2");
    asks(scene, BOB, 3, FLUSH);
    asks(scene, ANN, 4, GET, .key = "k1");
    answers(scene, ANN, 4, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
}

/* NULL: a miss. */
static void ann_sees(struct scene *scene, uint32_t opaque, const char *value, uint64_t cas)
{
    asks(scene, ANN, opaque, GET, .key = "k1");
    if (value != NULL) {
        answers(scene, ANN, opaque, GET, .value = value, .cas = cas);
    } else {
        answers(scene, ANN, opaque, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    }
}

static void what_waited_when_a_client_reset_may_have_run_before_or_behind_it(void **state)
{
    struct scene *scene = *state;
    const char *values[] = {"new", "newx", "v1x", "new1"};
    for (size_t i = 0; i < 4; i++) {
        begin(scene);
        asks(scene, BOB, 2, APPEND, .key = "k1", .value = "x");
        asks(scene, CLEO, 3, SETQ, .key = "k1", .value = "new");
        client_resets(scene, CLEO);
        answers(scene, BOB, 2, APPEND, .cas = 5);
        ann_sees(scene, 4, values[i], i == 0 ? 6 : 5);
        assert_int_equal(scene_verify(scene)->executed.check.different, i < 3 ? 0 : 1);
        scene_restart(scene);
    }
}

static void what_a_client_that_reset_has_set_is_there_or_not(void **state)
{
    struct scene *scene = *state;
    const struct {
        const char *value;
        uint64_t cas;
        bool right;
    } all[] = {{"v1", 1, true},       {"v2", 2, true},  {"neither", 2, false},
               {"neither", 1, false}, {"v1", 2, false}, {NULL, 0, false}};
    for (size_t i = 0; i < 6; i++) {
        begin(scene);
        asks(scene, BOB, 2, SETQ, .key = "k1", .value = "v2");
        client_resets(scene, BOB);
        ann_sees(scene, 3, all[i].value, all[i].cas);
        assert_int_equal(scene_verify(scene)->executed.check.different, all[i].right ? 0 : 1);
        scene_restart(scene);
    }
}

static void what_it_has_set_later_is_there_only_if_it_has_set_the_first(void **state)
{
    struct scene *scene = *state;
    const char *values[] = {"v1", "v2", "v2x", NULL, "v1x", "x"};
    for (size_t i = 0; i < 6; i++) {
        begin(scene);
        asks(scene, BOB, 2, SETQ, .key = "k1", .value = "v2");
        asks(scene, BOB, 3, APPENDQ, .key = "k1", .value = "x");
        asks(scene, BOB, 4, DELETEQ, .key = "k1");
        client_resets(scene, BOB);
        ann_sees(scene, 5, values[i], 1 + i);
        assert_int_equal(scene_verify(scene)->executed.check.different, i < 4 ? 0 : 1);
        scene_restart(scene);
    }
}

static void what_it_has_read_is_as_it_was(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 2, GET, .key = "k1");
    client_resets(scene, BOB);
    ann_sees(scene, 3, "neither", 1);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void it_has_run_within_two_seconds_or_never(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < 4; i++) {
        begin(scene);
        asks(scene, BOB, 2, SETQ, .key = "k1", .value = "v2");
        client_resets(scene, BOB);
        if (i < 2) {
            scene_wait(scene, 1);
            ann_sees(scene, 3, "v1", 1);
        }
        scene_wait(scene, 3);
        ann_sees(scene, 4, i % 2 == 0 ? "v1" : "v2", 1 + i % 2);
        scene_wait(scene, 3);
        ann_sees(scene, 5, i % 2 == 0 ? "v2" : "v1", 2 - i % 2);
        assert_int_equal(scene_verify(scene)->executed.check.different, 1);
        scene_restart(scene);
    }
}

static void or_have_been_done_before_the_client_reset(void **state)
{
    struct scene *scene = *state;
    ann_misses_while_bob_flushes(scene);
    client_resets(scene, BOB);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void or_before_the_client_closed(void **state)
{
    struct scene *scene = *state;
    ann_misses_while_bob_flushes(scene);
    client_closes(scene, BOB);
    server_closes(scene, BOB);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void or_before_the_capture_ends(void **state)
{
    struct scene *scene = *state;
    ann_misses_while_bob_flushes(scene);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void but_it_changes_no_value(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 3, FLUSH);
    asks(scene, ANN, 4, GET, .key = "k1");
    answers(scene, ANN, 4, GET, .cas = 1, .value = "x1");
    client_resets(scene, BOB);
    assert_int_equal(scene_verify(scene)->status, VERIFY_DIFFERENT);
}

static void quiet_requests_before_a_quiet_flush_may_have_been_done_too(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 2, SETQ, .key = "k1", .value = "v2");
    asks(scene, BOB, 3, FLUSHQ);
    asks(scene, ANN, 4, GET, .key = "k1");
    answers(scene, ANN, 4, GET, .cas = 2, .value = "v2");
    asks(scene, ANN, 5, GET, .key = "k1");
    answers(scene, ANN, 5, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    client_closes(scene, BOB);
    server_closes(scene, BOB);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void clients_that_all_left_first_are_owed_nothing_at_all(void **state)
{
    struct scene *scene = *state;
    scene->options.require_compared = 1;
    asks(scene, ANN, 1, GET, .key = "k1");
    client_closes(scene, ANN);
    server_closes(scene, ANN);
    asks(scene, BOB, 1, GET, .key = "k1");
    client_closes(scene, BOB);
    server_closes(scene, BOB);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
    assert_int_equal(scene_verify(scene)->unanswered, 2);
}

static void without_the_server_s_side_that_is_no_evidence(void **state)
{
    struct scene *scene = *state;
    scene->options.require_compared = 1;
    asks(scene, ANN, 1, GET, .key = "k1");
    client_closes(scene, ANN);
    assert_int_equal(scene_verify(scene)->status, VERIFY_NO_EVIDENCE);
}

static void nor_is_it_if_one_has_not_left(void **state)
{
    struct scene *scene = *state;
    scene->options.require_compared = 1;
    asks(scene, ANN, 1, GET, .key = "k1");
    client_closes(scene, ANN);
    server_closes(scene, ANN);
    asks(scene, BOB, 1, GET, .key = "k1");
    assert_int_equal(scene_verify(scene)->status, VERIFY_NO_EVIDENCE);
}

static void nor_where_more_is_required(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, GET, .key = "k1");
    client_closes(scene, ANN);
    server_closes(scene, ANN);
    scene->options.require_compared = 2;
    assert_int_equal(scene_verify(scene)->status, VERIFY_NO_EVIDENCE);
}

/* memcached leaves the value of TOUCH in the stream, takes it for the next request, and closes. */
static void asks_what_loses_step(struct scene *scene, uint32_t number)
{
    asks(scene, ANN, number, TOUCH, .key = "k1", .value = "zz");
}

static void what_waits_to_be_sent_is_lost_when_the_server_loses_step(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, ADDQ, .key = "k1", .value = "refused");
    asks_what_loses_step(scene, 4);
    asks(scene, ANN, 5, NOOP);
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 1);
    assert_int_equal(scene_verify(scene)->unanswered, 3);
}

static void but_not_what_a_noop_has_sent_before(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, NOOP);
    asks_what_loses_step(scene, 4);
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 1, .missing = 1);
}

static void what_comes_behind_may_not_have_been_read(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks_what_loses_step(scene, 2);
    asks(scene, ANN, 3, SETQ, .key = "k1", .value = "v2");
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    asks(scene, BOB, 1, GET, .key = "k1");
    answers(scene, BOB, 1, GET, .cas = 1, .value = "v1");
    asks(scene, BOB, 2, GET, .key = "k1");
    answers(scene, BOB, 2, GET, .cas = 1, .value = "v1");
    assert_verdict(scene, .identical = 3);
}

static void says_nonsense(struct scene *scene)
{
    scene_say_bytes(scene, ANN, true, span_of("no request at all, not one of them", 34));
}

static void what_waits_to_be_sent_is_lost_when_the_client_sends_no_request(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    says_nonsense(scene);
    asks(scene, ANN, 3, NOOP);
    asks(scene, ANN, 4, NOOP);
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void or_a_response(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, NOOP, .magic = MCBP_CLIENT_RESPONSE);
    asks(scene, ANN, 4, NOOP);
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 1);
}

static void which_leaves_nothing_uncertain(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, NOOP, .magic = MCBP_CLIENT_RESPONSE);
    answers(scene, ANN, 2, GET, .cas = 1, .value = "x1");
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void but_not_what_a_noop_has_sent_before_that(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    asks(scene, ANN, 3, NOOP);
    says_nonsense(scene);
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 1, .missing = 1);
}

static void a_server_that_reads_on_behind_it_owes_its_answers_again(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    says_nonsense(scene);
    asks(scene, ANN, 3, NOOP);
    asks(scene, ANN, 4, NOOP);
    answers(scene, ANN, 3, NOOP);
    answers(scene, ANN, 4, NOOP);
    asks(scene, ANN, 5, GET, .key = "k1");
    server_closes(scene, ANN);
    client_closes(scene, ANN);
    assert_verdict(scene, .identical = 3, .missing = 1);
}

static void what_is_refused_leaves_what_is_known_as_it_is(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 1, GET, .key = "k1", .value = "there should be none");
    asks(scene, BOB, 2, FLUSH);
    asks(scene, ANN, 2, SET, .key = "k1", .value = "v2");
    answers(scene, ANN, 2, SET, .cas = 2);
    answers(scene, BOB, 1, GET, .status = MCBP_STATUS_INVALID_ARGUMENTS);
    server_closes(scene, BOB);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .cas = 2, .value = "x2");
    assert_verdict(scene, .identical = 3, .different = 1);
}

static void turns_away(struct scene *scene, enum person person)
{
    scene_say_bytes(scene, person, false, span_of("ERROR Too many open connections\r\n", 33));
    server_closes(scene, person);
}

static void of_a_client_that_is_turned_away_nothing_is_read(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 1, SETQ, .key = "k1", .value = "v2");
    asks(scene, BOB, 2, GET, .key = "k1");
    turns_away(scene, BOB);
    client_closes(scene, BOB);
    asks(scene, ANN, 2, GET, .key = "k1");
    answers(scene, ANN, 2, GET, .cas = 1, .value = "v1");
    assert_verdict(scene, .identical = 2);
    assert_int_equal(scene_verify(scene)->unanswered, 1);
}

static void nobody_is_turned_away_who_has_been_answered(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 2, GET, .key = "k1");
    turns_away(scene, ANN);
    assert_int_equal(scene_verify(scene)->status, VERIFY_DIFFERENT);
    assert_int_equal(scene_verify(scene)->executed.malformed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_client_that_closes_is_owed_nothing),
        scene_test(a_client_that_closes_within_a_request_is_owed_nothing),
        scene_test(a_client_has_closed_first_if_the_server_acknowledges_that),
        scene_test(a_server_that_closes_first_owes_its_answers),
        scene_test(a_server_that_resets_first_owes_its_answers),
        scene_test(a_server_may_reset_once_its_client_has_closed),
        scene_test(a_client_that_resets_may_get_part_of_an_answer),
        scene_test(a_client_that_closes_and_resets_may_get_part_of_an_answer),
        scene_test(a_server_that_resets_may_cut_an_answer_to_a_client_that_has_closed),
        scene_test(a_server_that_resets_within_an_answer_has_sent_no_frame),
        scene_test(what_comes_behind_quit_may_cut_off_answers),
        scene_test(so_may_what_comes_behind_a_request_that_is_refused),
        scene_test(but_not_if_the_server_closes),
        scene_test(nor_is_an_answer_wrong_that_it_has_sent),
        scene_test(a_client_that_has_only_stopped_asking_gets_right_answers),
        scene_test(an_answer_left_out_is_missing_although_the_client_has_closed),
        scene_test(the_answer_to_quit_is_not_owed_to_who_is_gone),
        scene_test(what_a_client_that_reset_has_asked_for_may_have_been_done),
        scene_test(or_it_may_not),
        scene_test(what_was_asked_quietly_may_have_been_done_before_the_client_closed),
        scene_test(or_not_been_done_yet),
        scene_test(but_nothing_else),
        scene_test(a_flush_that_was_not_answered_may_have_been_done),
        scene_test(or_not_have_been_done),
        scene_test(quiet_requests_may_not_have_been_read_by_a_server_that_resets),
        scene_test(or_have_been_done_before_the_client_reset),
        scene_test(what_waited_when_a_client_reset_may_have_run_before_or_behind_it),
        scene_test(it_has_run_within_two_seconds_or_never),
        scene_test(what_it_has_read_is_as_it_was),
        scene_test(what_it_has_set_later_is_there_only_if_it_has_set_the_first),
        scene_test(what_a_client_that_reset_has_set_is_there_or_not),
        scene_test(or_before_the_client_closed),
        scene_test(or_before_the_capture_ends),
        scene_test(but_it_changes_no_value),
        scene_test(quiet_requests_before_a_quiet_flush_may_have_been_done_too),
        scene_test(clients_that_all_left_first_are_owed_nothing_at_all),
        scene_test(without_the_server_s_side_that_is_no_evidence),
        scene_test(nor_is_it_if_one_has_not_left),
        scene_test(nor_where_more_is_required),
        scene_test(what_waits_to_be_sent_is_lost_when_the_server_loses_step),
        scene_test(but_not_what_a_noop_has_sent_before),
        scene_test(what_comes_behind_may_not_have_been_read),
        scene_test(what_is_refused_leaves_what_is_known_as_it_is),
        scene_test(of_a_client_that_is_turned_away_nothing_is_read),
        scene_test(nobody_is_turned_away_who_has_been_answered),
        scene_test(what_waits_to_be_sent_is_lost_when_the_client_sends_no_request),
        scene_test(or_a_response),
        scene_test(which_leaves_nothing_uncertain),
        scene_test(but_not_what_a_noop_has_sent_before_that),
        scene_test(a_server_that_reads_on_behind_it_owes_its_answers_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
