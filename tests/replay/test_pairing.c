/*
 * Pairing: an answer that is missing, too many, or another's is one difference under its right
 * name, and the answers after it are compared as if nothing had happened.
 */
#include "base/endian.h"
#include "from_to.h"
#include "scene.h"

static const uint16_t NOT_FOUND = MCBP_STATUS_KEY_NOT_FOUND;

/* The store knows two keys, and so does who reads the test: k1 is v1, k2 is v2. */
static void begin(struct scene *scene)
{
    asks(scene, ANN, 1, SET, .key = "k1", .value = "v1");
    answers(scene, ANN, 1, SET, .cas = 1);
    asks(scene, ANN, 2, SET, .key = "k2", .value = "v2");
    answers(scene, ANN, 2, SET, .cas = 2);
}

/* Three more that are as they should be. */
static void go_on(struct scene *scene)
{
    asks(scene, ANN, 91, GET, .key = "k2");
    answers(scene, ANN, 91, GET, .cas = 2, .value = "v2");
    asks(scene, ANN, 92, GET, .key = "k3");
    answers(scene, ANN, 92, GET, .status = NOT_FOUND);
    asks(scene, ANN, 93, NOOP);
    answers(scene, ANN, 93, NOOP);
}

static void a_missing_answer_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    go_on(scene);
    assert_verdict(scene, .identical = 5, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void a_missing_answer_of_a_client_without_opaques_is_one_difference(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 0, SET, .key = "k1", .value = "v1");
    asks(scene, ANN, 0, SET, .key = "k2", .value = "v2");
    answers(scene, ANN, 0, SET, .cas = 1);
    answers(scene, ANN, 0, SET, .cas = 2);
    asks(scene, ANN, 0, GET, .key = "k1"); /* this one */
    asks(scene, ANN, 0, GET, .key = "k2");
    asks(scene, ANN, 0, GET, .key = "k3");
    answers(scene, ANN, 0, GET, .cas = 2, .value = "v2");
    answers(scene, ANN, 0, GET, .status = NOT_FOUND);
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, NOOP);
    assert_verdict(scene, .identical = 5, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void the_last_answer_missing_before_the_server_closes_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 2, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void a_request_at_the_end_of_the_capture_is_unanswered_and_no_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    assert_verdict(scene, .identical = 2);
    assert_int_equal(scene_verify(scene)->unanswered, 1);
}

/* The answer to k1, whose header announces a longer body than there is. */
static void answer_with_too_long_a_body(struct scene *scene)
{
    uint8_t bytes[SAID_ROOM];
    struct said said = {.opcode = MCBP_GET, .opaque = 3, .cas = 1, .value = "v1"};
    size_t size = scene_write(&said, false, bytes);
    bytes[10] = 0x20;
    asks(scene, ANN, 3, GET, .key = "k1");
    scene_say_bytes(scene, ANN, false, span_of(bytes, size));
}

static void a_body_longer_than_what_comes_before_the_end_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    answer_with_too_long_a_body(scene);
    client_closes(scene, ANN);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 2, .malformed = 1);
    assert_one_difference(scene, DIFFERENCE_MALFORMED, "header.total_body_length");
}

static void a_body_length_that_swallows_all_answers_behind_it_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    answer_with_too_long_a_body(scene);
    go_on(scene);
    assert_verdict(scene, .identical = 2, .malformed = 1);
    assert_one_difference(scene, DIFFERENCE_MALFORMED, "header.total_body_length");
}

static void a_capture_that_ends_within_an_answer_has_no_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    answer_with_too_long_a_body(scene);
    assert_verdict(scene, .identical = 2);
    assert_int_equal(scene_verify(scene)->unanswered, 1);
}

static void the_last_answer_has_no_body_that_its_opcode_never_has(void **state)
{
    enum { BODY_LENGTH = 8 };
    struct scene *scene = *state;
    const struct said noop = {.opcode = MCBP_NOOP, .opaque = 3};
    uint8_t bytes[SAID_ROOM];
    size_t size = scene_write(&noop, false, bytes);
    write_be32(bytes + BODY_LENGTH, 1);
    begin(scene);
    asks(scene, ANN, 3, NOOP);
    scene_say_bytes(scene, ANN, false, span_of(bytes, size));
    assert_one_difference(scene, DIFFERENCE_MALFORMED, "header.total_body_length");
}

static void an_answer_with_the_magic_of_a_request_is_a_difference(void **state)
{
    static const uint8_t magics[] = {MCBP_CLIENT_REQUEST, MCBP_SERVER_RESPONSE};
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof(magics); i++) {
        scene_restart(scene);
        begin(scene);
        asks(scene, ANN, 3, GET, .key = "k1");
        answers(scene, ANN, 3, GET, .magic = magics[i], .cas = 1, .value = "v1");
        assert_verdict(scene, .identical = 2, .different = 1);
        assert_one_difference(scene, DIFFERENCE_UNEXPECTED, NULL);
    }
}

static void an_extra_answer_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    answers(scene, ANN, 2, SET, .cas = 2);
    go_on(scene);
    assert_verdict(scene, .identical = 5, .different = 1);
    assert_one_difference(scene, DIFFERENCE_UNEXPECTED, NULL);
}

static void an_extra_answer_while_a_request_waits_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 2, SET, .cas = 2);
    answers(scene, ANN, 3, GET, .cas = 1, .value = "v1");
    go_on(scene);
    assert_verdict(scene, .identical = 6, .different = 1);
    assert_one_difference(scene, DIFFERENCE_UNEXPECTED, NULL);
}

static void an_extra_answer_to_a_client_without_opaques_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 0, GET, .key = "k1");
    asks(scene, ANN, 0, GET, .key = "k2");
    answers(scene, ANN, 0, GET, .cas = 1, .value = "v1");
    answers(scene, ANN, 0, GET, .cas = 1, .value = "v1");
    answers(scene, ANN, 0, GET, .cas = 2, .value = "v2");
    go_on(scene);
    assert_verdict(scene, .identical = 7, .different = 1);
    assert_one_difference(scene, DIFFERENCE_UNEXPECTED, NULL);
}

static void swapped_answers_are_two_differences_and_no_more(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 0, GET, .key = "k1");
    asks(scene, ANN, 0, GET, .key = "k2");
    answers(scene, ANN, 0, GET, .cas = 2, .value = "v2");
    answers(scene, ANN, 0, GET, .cas = 1, .value = "v1");
    go_on(scene);
    const struct capture_result *found = scene_verify(scene);
    assert_int_equal(found->status, VERIFY_DIFFERENT);
    assert_from_to(found->executed.check.different + found->executed.missing, 1, 2);
    assert_from_to(found->executed.check.identical, 6, 7);
}

static void answers_out_of_order_are_paired_by_their_opaque(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    asks(scene, ANN, 4, GET, .key = "k2");
    answers(scene, ANN, 4, GET, .cas = 2, .value = "v2");
    answers(scene, ANN, 3, GET, .cas = 1, .value = "v1");
    go_on(scene);
    assert_verdict(scene, .identical = 6, .different = 1);
    assert_one_difference(scene, DIFFERENCE_ORDER, NULL);
}

static void another_opaque_is_a_difference_in_that_field(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 4, GET, .cas = 1, .value = "v1");
    go_on(scene);
    assert_verdict(scene, .identical = 5, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.opaque");
}

static void another_opcode_is_a_difference_in_that_field(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GAT, .cas = 1, .value = "v1");
    go_on(scene);
    assert_verdict(scene, .identical = 5, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.opcode");
}

/* ---------------------------------------------------------------- quiet requests */

static void ask_quietly(struct scene *scene)
{
    begin(scene);
    asks(scene, ANN, 3, GETQ, .key = "k1");
    asks(scene, ANN, 4, GETQ, .key = "nothing");
    asks(scene, ANN, 5, SETQ, .key = "k3", .value = "v3");
    asks(scene, ANN, 6, GETKQ, .key = "k2");
    asks(scene, ANN, 7, NOOP);
}

static void silence_is_the_right_answer_to_a_quiet_miss_and_a_quiet_success(void **state)
{
    struct scene *scene = *state;
    ask_quietly(scene);
    answers(scene, ANN, 3, GETQ, .cas = 1, .value = "v1");
    answers(scene, ANN, 6, GETKQ, .cas = 2, .key = "k2", .value = "v2");
    answers(scene, ANN, 7, NOOP);
    assert_verdict(scene, .identical = 5);
}

static void a_quiet_hit_that_is_not_answered_is_one_difference(void **state)
{
    struct scene *scene = *state;
    ask_quietly(scene);
    answers(scene, ANN, 6, GETKQ, .cas = 2, .key = "k2", .value = "v2");
    answers(scene, ANN, 7, NOOP);
    assert_verdict(scene, .identical = 4, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
    assert_int_equal(scene->result.differences[0].opaque, 3);
}

static void an_answer_to_a_quiet_success_is_one_difference(void **state)
{
    struct scene *scene = *state;
    ask_quietly(scene);
    answers(scene, ANN, 3, GETQ, .cas = 1, .value = "v1");
    answers(scene, ANN, 5, SETQ, .cas = 3);
    answers(scene, ANN, 6, GETKQ, .cas = 2, .key = "k2", .value = "v2");
    answers(scene, ANN, 7, NOOP);
    assert_verdict(scene, .identical = 5, .different = 1);
    assert_one_difference(scene, DIFFERENCE_UNEXPECTED, NULL);
}

static void an_answer_to_a_quiet_miss_is_one_difference(void **state)
{
    struct scene *scene = *state;
    ask_quietly(scene);
    answers(scene, ANN, 3, GETQ, .cas = 1, .value = "v1");
    answers(scene, ANN, 4, GETQ, .status = NOT_FOUND);
    answers(scene, ANN, 6, GETKQ, .cas = 2, .key = "k2", .value = "v2");
    answers(scene, ANN, 7, NOOP);
    assert_verdict(scene, .identical = 5, .different = 1);
    assert_one_difference(scene, DIFFERENCE_UNEXPECTED, NULL);
}

static void a_quiet_hit_not_answered_before_the_client_leaves_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GETQ, .key = "k1");
    asks(scene, ANN, 4, QUIT);
    answers(scene, ANN, 4, QUIT);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 3, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void quiet_requests_count_when_the_connection_ends_without_a_loud_one(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, SETQ, .key = "k1", .value = "new");
    asks(scene, ANN, 4, QUITQ);
    server_closes(scene, ANN);
    asks(scene, BOB, 1, GET, .key = "k1");
    answers(scene, BOB, 1, GET, .cas = 3, .value = "new");
    assert_verdict(scene, .identical = 3);
}

static void
an_answer_among_quiet_requests_without_opaques_is_to_the_first_that_has_one(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 0, SETQ, .key = "k1", .value = "new");
    asks(scene, ANN, 0, SETQ, .key = "k2", .value = "new", .cas = 1);
    asks(scene, ANN, 0, SETQ, .key = "k3", .value = "new", .cas = 1);
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, SETQ, .status = MCBP_STATUS_KEY_EXISTS);
    answers(scene, ANN, 0, SETQ, .status = NOT_FOUND);
    answers(scene, ANN, 0, NOOP);
    asks(scene, ANN, 0, GET, .key = "k1");
    answers(scene, ANN, 0, GET, .value = "new", .cas = 3);
    assert_verdict(scene, .identical = 6);
}

/* ---------------------------------------------------------------- STAT, QUIT, closing */

/* DELETE is answered behind the first GETQ, whatever others do to the key meanwhile. */
static void an_answer_is_to_no_quiet_request_behind_a_loud_one(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 0, GET, .key = "k1");
    answers(scene, ANN, 0, GET, .status = NOT_FOUND);
    asks(scene, BOB, 1, SET, .key = "k1", .value = "v1");
    asks(scene, ANN, 0, GETQ, .key = "k1");
    asks(scene, ANN, 0, DELETE, .key = "k2");
    asks(scene, ANN, 0, GETQ, .key = "k3");
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, GETQ, .cas = 6, .value = "v1");
    answers(scene, ANN, 0, DELETE, .status = NOT_FOUND);
    answers(scene, ANN, 0, NOOP);
    answers(scene, BOB, 1, SET, .cas = 6);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

/* Nothing tells to which GETQ the answer is, as BOB may change either key. */
static void an_answer_among_quiet_requests_for_keys_that_others_change_is_undecided(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 1, DELETE, .key = "k1");
    asks(scene, BOB, 2, DELETE, .key = "k2");
    asks(scene, ANN, 0, GETQ, .key = "k1");
    asks(scene, ANN, 0, GETQ, .key = "k2");
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, GETQ, .cas = 2, .value = "v2");
    answers(scene, ANN, 0, NOOP);
    answers(scene, BOB, 1, DELETE);
    answers(scene, BOB, 2, DELETE);
    assert_int_equal(scene_verify(scene)->status, VERIFY_NO_EVIDENCE);
    assert_int_equal(scene_verify(scene)->executed.undecided, 1);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

/* The first answer was taken for that to k1, which BOB deletes; it was k2's. */
static void an_answer_behind_an_undecided_one_may_be_a_later_request_s(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 7, SET, .key = "k3", .value = "v3");
    answers(scene, ANN, 7, SET, .cas = 3);
    asks(scene, BOB, 1, DELETE, .key = "k1");
    asks(scene, ANN, 0, GETQ, .key = "k1");
    asks(scene, ANN, 0, GETQ, .key = "k2");
    asks(scene, ANN, 0, GETQ, .key = "k3");
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, GETQ, .cas = 2, .value = "v2");
    answers(scene, ANN, 0, GETQ, .cas = 3, .value = "v3");
    answers(scene, ANN, 0, NOOP);
    answers(scene, BOB, 1, DELETE);
    assert_int_equal(scene_verify(scene)->executed.undecided, 1);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_int_equal(scene_verify(scene)->executed.missing, 0);
}

/* Nor does what the store holds tell whose it is, where BOB changes that later one's key, too. */
static void or_nobody_knows_whose_it_is(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 7, SET, .key = "k3", .value = "v3");
    answers(scene, ANN, 7, SET, .cas = 3);
    asks(scene, BOB, 1, DELETE, .key = "k1");
    asks(scene, BOB, 2, SET, .key = "k3", .value = "new");
    asks(scene, ANN, 0, GETQ, .key = "k1");
    asks(scene, ANN, 0, GETQ, .key = "k2");
    asks(scene, ANN, 0, GETQ, .key = "k3");
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, GETQ, .cas = 2, .value = "v2");
    answers(scene, ANN, 0, GETQ, .cas = 4, .value = "new");
    answers(scene, ANN, 0, NOOP);
    answers(scene, BOB, 1, DELETE);
    answers(scene, BOB, 2, SET, .cas = 4);
    assert_int_equal(scene_verify(scene)->status, VERIFY_NO_EVIDENCE);
    assert_int_equal(scene_verify(scene)->executed.undecided, 2);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_int_equal(scene_verify(scene)->executed.missing, 0);
}

static void silence_of_quiet_requests_for_keys_that_others_change_is_judged(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, BOB, 1, TOUCH, .key = "k1");
    asks(scene, ANN, 0, GETQ, .key = "k1");
    asks(scene, ANN, 0, GETQ, .key = "k3");
    asks(scene, ANN, 0, NOOP);
    answers(scene, ANN, 0, NOOP);
    answers(scene, BOB, 1, TOUCH, .cas = 1);
    assert_int_equal(scene_verify(scene)->status, VERIFY_DIFFERENT);
}

static void ask_stat(struct scene *scene)
{
    begin(scene);
    asks(scene, ANN, 3, STAT);
    answers(scene, ANN, 3, STAT, .key = "pid", .value = "1");
    answers(scene, ANN, 3, STAT, .key = "uptime", .value = "2");
}

static void rows_of_stat_are_adopted_and_their_end_is_compared(void **state)
{
    struct scene *scene = *state;
    ask_stat(scene);
    answers(scene, ANN, 3, STAT);
    go_on(scene);
    assert_verdict(scene, .identical = 6, .adopted = 2);
}

static void rows_of_stat_without_their_end_are_one_difference(void **state)
{
    struct scene *scene = *state;
    ask_stat(scene);
    go_on(scene);
    assert_verdict(scene, .identical = 5, .adopted = 2, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void a_row_of_stat_with_a_cas_is_a_difference(void **state)
{
    struct scene *scene = *state;
    ask_stat(scene);
    answers(scene, ANN, 3, STAT, .key = "threads", .value = "4", .cas = 1);
    answers(scene, ANN, 3, STAT);
    go_on(scene);
    assert_verdict(scene, .identical = 6, .adopted = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

/* The request waits on, so the rows behind it are none. */
static void what_is_wrong_with_a_row_of_stat_is_one_difference_in_that_field(void **state)
{
    static const struct {
        struct said row;
        const char *field;
    } wrong[] = {
        {{.status = MCBP_STATUS_KEY_NOT_FOUND, .key = "threads", .value = "4"}, "header.status"},
        {{.opcode = MCBP_NOOP, .key = "threads", .value = "4"}, "header.opcode"},
        {{.opaque = 9, .key = "threads", .value = "4"}, "header.opaque"},
        {{.value = "threads4"}, "header.total_body_length"},
    };
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct said row = wrong[i].row;
        row.opcode = row.opcode != 0 ? row.opcode : MCBP_STAT;
        row.opaque = row.opaque != 0 ? row.opaque : 3;
        scene_restart(scene);
        ask_stat(scene);
        scene_say(scene, ANN, false, &row);
        answers(scene, ANN, 3, STAT, .key = "pointer_size", .value = "64");
        answers(scene, ANN, 3, STAT);
        go_on(scene);
        assert_verdict(scene, .identical = 6, .adopted = 3, .different = 1);
        assert_one_difference(scene, DIFFERENCE_FIELD, wrong[i].field);
    }
}

static void an_answer_to_a_request_after_quit_is_a_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, QUIT);
    asks(scene, ANN, 4, GET, .key = "k1");
    answers(scene, ANN, 3, QUIT);
    answers(scene, ANN, 4, GET, .cas = 1, .value = "v1");
    assert_verdict(scene, .identical = 3, .different = 1);
    assert_one_difference(scene, DIFFERENCE_UNEXPECTED, NULL);
}

static void an_answer_to_a_request_after_a_quiet_quit_is_a_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, QUITQ);
    asks(scene, ANN, 4, GET, .key = "k1");
    answers(scene, ANN, 4, GET, .cas = 1, .value = "v1");
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_UNEXPECTED, NULL);
}

static void requests_after_quit_need_no_answer(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, QUIT);
    asks(scene, ANN, 4, GET, .key = "k1");
    answers(scene, ANN, 3, QUIT);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 3);
}

static void a_server_that_closes_instead_of_answering_is_one_difference(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    asks(scene, ANN, 4, GET, .key = "k2");
    server_closes(scene, ANN);
    asks(scene, BOB, 1, GET, .key = "k1");
    answers(scene, BOB, 1, GET, .cas = 1, .value = "v1");
    const struct capture_result *found = scene_verify(scene);
    assert_int_equal(found->executed.missing, 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

/* ---------------------------------------------------------------- UDP */

static void over_udp_a_missing_answer_may_have_been_lost(void **state)
{
    struct scene *scene = *state;
    scene_use_udp(scene, ANN);
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    go_on(scene);
    assert_verdict(scene, .identical = 5);
}

static void over_udp_a_wrong_answer_is_one_difference(void **state)
{
    struct scene *scene = *state;
    scene_use_udp(scene, ANN);
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .cas = 1, .value = "V1");
    go_on(scene);
    assert_verdict(scene, .identical = 5, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

/* Asks for k1; in the answer, one bit of that byte is wrong. */
static void ask_and_answer_spoiled(struct scene *scene, size_t offset)
{
    enum { UDP_FRAMING = 8 };
    uint8_t bytes[UDP_FRAMING + SAID_ROOM] = {0, 3, 0, 0, 0, 1}; /* request 3, 1 datagram */
    struct said said = {.opcode = MCBP_GET, .opaque = 3, .cas = 1, .value = "v1"};
    size_t size = UDP_FRAMING + scene_write(&said, false, bytes + UDP_FRAMING);
    size_t skip = scene->lines[ANN].udp ? 0 : UDP_FRAMING;
    bytes[UDP_FRAMING + offset] ^= 0x40;
    asks(scene, ANN, 3, GET, .key = "k1");
    scene_say_bytes(scene, ANN, false, span_of(bytes + skip, size - skip));
}

static void over_udp_a_wrong_opcode_or_opaque_is_one_difference(void **state)
{
    static const char *const fields[] = {[1] = "header.opcode", [15] = "header.opaque"};
    struct scene *scene = *state;
    for (size_t i = 1; i <= 15; i += 14) {
        scene_restart(scene);
        scene_use_udp(scene, ANN);
        begin(scene);
        ask_and_answer_spoiled(scene, i);
        go_on(scene);
        assert_verdict(scene, .identical = 5, .different = 1);
        assert_one_difference(scene, DIFFERENCE_FIELD, fields[i]);
    }
}

static void over_udp_an_answer_that_is_no_frame_is_one_difference(void **state)
{
    static const char *const fields[] = {[0] = "header.magic", [10] = "header.total_body_length"};
    struct scene *scene = *state;
    for (size_t i = 0; i <= 10; i += 10) {
        scene_restart(scene);
        scene_use_udp(scene, ANN);
        begin(scene);
        ask_and_answer_spoiled(scene, i);
        go_on(scene);
        assert_verdict(scene, .identical = 5, .malformed = 1);
        assert_one_difference(scene, DIFFERENCE_MALFORMED, fields[i]);
    }
}

static void a_mid_stream_connection_is_trusted_after_its_first_frames(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    begin(scene);
    ask_and_answer_spoiled(scene, 0);
    go_on(scene);
    assert_verdict(scene, .identical = 5, .malformed = 1);
    assert_one_difference(scene, DIFFERENCE_MALFORMED, "header.magic");
}

static void over_udp_answers_may_overtake_each_other(void **state)
{
    struct scene *scene = *state;
    scene_use_udp(scene, ANN);
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    asks(scene, ANN, 4, GET, .key = "k2");
    answers(scene, ANN, 4, GET, .cas = 2, .value = "v2");
    answers(scene, ANN, 3, GET, .cas = 1, .value = "v1");
    go_on(scene);
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

/* ---------------------------------------------------------------- the rest of the field */

static void a_cas_that_the_mutation_did_not_get_is_a_difference_in_the_read(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    asks(scene, ANN, 3, GET, .key = "k1");
    answers(scene, ANN, 3, GET, .cas = 9, .value = "v1");
    go_on(scene);
    assert_verdict(scene, .identical = 5, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.cas");
}

static void answers_to_requests_from_before_a_capture_in_mid_stream_are_not_executed(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    answers(scene, ANN, 7, GET, .cas = 2, .value = "v2");
    begin(scene);
    go_on(scene);
    assert_verdict(scene, .identical = 5, .not_executed = 1);
}

/* The server's side is framed before the client's: its answer is told before the request. */
static void
a_request_in_pieces_at_the_beginning_of_a_mid_stream_capture_is_not_missing(void **state)
{
    struct scene *scene = *state;
    uint8_t bytes[2 * SAID_ROOM];
    struct said replace = {.opcode = MCBP_REPLACE, .opaque = 1, .key = "k9", .value = "v9"};
    struct said noop = {.opcode = MCBP_NOOP, .opaque = 2};
    size_t size = scene_write(&replace, true, bytes);
    size_t rest = scene_write(&noop, true, bytes + size);
    scene_join(scene, ANN);
    scene_say_bytes(scene, ANN, true, span_of(bytes, 6));
    scene_say_bytes(scene, ANN, true, span_of(bytes + 6, size - 6 + 10));
    answers(scene, ANN, 1, REPLACE, .status = NOT_FOUND);
    scene_say_bytes(scene, ANN, true, span_of(bytes + size + 10, rest - 10));
    answers(scene, ANN, 2, NOOP);
    assert_verdict(scene, .identical = 1, .not_executed = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_missing_answer_is_one_difference),
        scene_test(a_missing_answer_of_a_client_without_opaques_is_one_difference),
        scene_test(the_last_answer_missing_before_the_server_closes_is_one_difference),
        scene_test(a_request_at_the_end_of_the_capture_is_unanswered_and_no_difference),
        scene_test(a_body_longer_than_what_comes_before_the_end_is_one_difference),
        scene_test(a_body_length_that_swallows_all_answers_behind_it_is_one_difference),
        scene_test(the_last_answer_has_no_body_that_its_opcode_never_has),
        scene_test(a_capture_that_ends_within_an_answer_has_no_difference),
        scene_test(an_answer_with_the_magic_of_a_request_is_a_difference),
        scene_test(an_extra_answer_is_one_difference),
        scene_test(an_extra_answer_while_a_request_waits_is_one_difference),
        scene_test(an_extra_answer_to_a_client_without_opaques_is_one_difference),
        scene_test(swapped_answers_are_two_differences_and_no_more),
        scene_test(answers_out_of_order_are_paired_by_their_opaque),
        scene_test(another_opaque_is_a_difference_in_that_field),
        scene_test(another_opcode_is_a_difference_in_that_field),
        scene_test(silence_is_the_right_answer_to_a_quiet_miss_and_a_quiet_success),
        scene_test(a_quiet_hit_that_is_not_answered_is_one_difference),
        scene_test(an_answer_to_a_quiet_success_is_one_difference),
        scene_test(an_answer_to_a_quiet_miss_is_one_difference),
        scene_test(a_quiet_hit_not_answered_before_the_client_leaves_is_one_difference),
        scene_test(quiet_requests_count_when_the_connection_ends_without_a_loud_one),
        scene_test(an_answer_among_quiet_requests_without_opaques_is_to_the_first_that_has_one),
        scene_test(an_answer_is_to_no_quiet_request_behind_a_loud_one),
        scene_test(an_answer_among_quiet_requests_for_keys_that_others_change_is_undecided),
        scene_test(an_answer_behind_an_undecided_one_may_be_a_later_request_s),
        scene_test(or_nobody_knows_whose_it_is),
        scene_test(silence_of_quiet_requests_for_keys_that_others_change_is_judged),
        scene_test(rows_of_stat_are_adopted_and_their_end_is_compared),
        scene_test(rows_of_stat_without_their_end_are_one_difference),
        scene_test(a_row_of_stat_with_a_cas_is_a_difference),
        scene_test(what_is_wrong_with_a_row_of_stat_is_one_difference_in_that_field),
        scene_test(an_answer_to_a_request_after_quit_is_a_difference),
        scene_test(an_answer_to_a_request_after_a_quiet_quit_is_a_difference),
        scene_test(requests_after_quit_need_no_answer),
        scene_test(a_server_that_closes_instead_of_answering_is_one_difference),
        scene_test(over_udp_a_missing_answer_may_have_been_lost),
        scene_test(over_udp_a_wrong_answer_is_one_difference),
        scene_test(over_udp_a_wrong_opcode_or_opaque_is_one_difference),
        scene_test(over_udp_an_answer_that_is_no_frame_is_one_difference),
        scene_test(a_mid_stream_connection_is_trusted_after_its_first_frames),
        scene_test(over_udp_answers_may_overtake_each_other),
        scene_test(a_cas_that_the_mutation_did_not_get_is_a_difference_in_the_read),
        scene_test(answers_to_requests_from_before_a_capture_in_mid_stream_are_not_executed),
        scene_test(a_request_in_pieces_at_the_beginning_of_a_mid_stream_capture_is_not_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
