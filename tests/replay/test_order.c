/*
 * Order: a server answers a connection's requests one after the other, unless HELLO has agreed on
 * unordered execution. What comes late is out of order, what does not come at all is missing.
 */
#include "base/endian.h"
#include "scene.h"

static const uint16_t NOT_FOUND = MCBP_STATUS_KEY_NOT_FOUND;
static const uint16_t UNKNOWN = MCBP_STATUS_UNKNOWN_COMMAND;

enum { TCP_NODELAY_FEATURE = 0x03, UNORDERED_EXECUTION = 0x0e, UNNAMED_OPCODE = 0xee };

static void agree_on(struct scene *scene, enum person person, uint16_t feature)
{
    uint8_t bytes[SAID_ROOM];
    struct said said = {.opcode = MCBP_HELLO, .opaque = 900, .value = "12"};
    for (int request = 1; request >= 0; request--) {
        size_t size = scene_write(&said, request == 1, bytes);
        write_be16(bytes + size - 2, feature);
        scene_say_bytes(scene, person, request == 1, span_of(bytes, size));
    }
}

static void ask_two(struct scene *scene)
{
    asks(scene, ANN, 1, GET, .key = "a");
    asks(scene, ANN, 2, GET, .key = "b");
}

static void answer_the_second_first(struct scene *scene)
{
    answers(scene, ANN, 2, GET, .status = NOT_FOUND);
    answers(scene, ANN, 1, GET, .status = NOT_FOUND);
}

/* In Couchbase's dialect a miss has no text. */
static void answer_the_second_first_without_text(struct scene *scene)
{
    answers(scene, ANN, 2, GET, .status = NOT_FOUND, .value = "");
    answers(scene, ANN, 1, GET, .status = NOT_FOUND, .value = "");
}

static void a_noops_answer_before_that_to_the_set_before_it_is_a_difference(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "v");
    asks(scene, ANN, 2, NOOP);
    answers(scene, ANN, 2, NOOP);
    answers(scene, ANN, 1, SET, .cas = 5);
    asks(scene, ANN, 3, GET, .key = "k");
    answers(scene, ANN, 3, GET, .cas = 5, .value = "v");
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_ORDER, NULL);
}

static void two_answers_that_change_places_are_one_difference(void **state)
{
    struct scene *scene = *state;
    ask_two(scene);
    answer_the_second_first(scene);
    assert_verdict(scene, .identical = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_ORDER, NULL);
}

static void answers_keep_their_order_behind_one_that_is_lost(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 7, NOOP);
    scene_lose(scene, ANN, false, 24);
    asks(scene, ANN, 8, NOOP);
    answers(scene, ANN, 8, NOOP);
    ask_two(scene);
    answer_the_second_first(scene);
    scene->options.max_loss = UINT64_MAX;
    assert_one_difference(scene, DIFFERENCE_ORDER, NULL);
}

static void unless_it_may_have_been_that_to_hello(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 7, HELLO, .value = "\x01\x0e");
    scene_lose(scene, ANN, false, 26);
    asks(scene, ANN, 8, NOOP);
    answers(scene, ANN, 8, NOOP);
    ask_two(scene);
    answer_the_second_first(scene);
    scene->options.max_loss = UINT64_MAX;
    assert_int_equal(scene_verify(scene)->status, VERIFY_IDENTICAL);
}

static void unordered_execution_lets_answers_change_places(void **state)
{
    struct scene *scene = *state;
    agree_on(scene, ANN, UNORDERED_EXECUTION);
    ask_two(scene);
    answer_the_second_first_without_text(scene);
    assert_verdict(scene, .identical = 1, .adopted = 2);
}

static void another_feature_does_not(void **state)
{
    struct scene *scene = *state;
    agree_on(scene, ANN, TCP_NODELAY_FEATURE);
    ask_two(scene);
    answer_the_second_first_without_text(scene);
    assert_verdict(scene, .identical = 1, .adopted = 1, .different = 1);
    assert_one_difference(scene, DIFFERENCE_ORDER, NULL);
}

static void the_last_hello_says_what_is_agreed_on(void **state)
{
    struct scene *scene = *state;
    agree_on(scene, ANN, UNORDERED_EXECUTION);
    agree_on(scene, ANN, TCP_NODELAY_FEATURE);
    ask_two(scene);
    answer_the_second_first_without_text(scene);
    assert_int_equal(scene_verify(scene)->executed.check.different, 1);
}

/* memcached would take bytes of the next request for the rest of this one. */
static void a_server_that_knows_what_memcached_does_not_stays_in_step(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SELECT_BUCKET, .key = "bucket");
    answers(scene, ANN, 1, SELECT_BUCKET);
    ask_two(scene);
    answer_the_second_first(scene);
    assert_verdict(scene, .identical = 1, .different = 1, .not_executed = 1);
    assert_one_difference(scene, DIFFERENCE_ORDER, NULL);
}

static void nor_does_a_hello_with_the_clients_name_put_it_out(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, HELLO, .key = "client", .value = "12");
    answers(scene, ANN, 1, HELLO);
    asks(scene, ANN, 2, GET, .key = "a");
    asks(scene, ANN, 3, NOOP);
    answers(scene, ANN, 3, NOOP);
    assert_verdict(scene, .identical = 2, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void a_capture_without_the_beginning_may_lack_the_hello(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks(scene, ANN, 8, NOOP);
    answers(scene, ANN, 8, NOOP);
    ask_two(scene);
    answer_the_second_first(scene);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_int_equal(scene_verify(scene)->executed.missing, 0);
}

static void what_was_lost_may_have_been_a_hello(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 8, NOOP);
    answers(scene, ANN, 8, NOOP);
    scene_lose(scene, ANN, true, 40);
    scene_lose(scene, ANN, false, 26);
    asks(scene, ANN, 9, NOOP);
    answers(scene, ANN, 9, NOOP);
    ask_two(scene);
    answer_the_second_first(scene);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_int_equal(scene_verify(scene)->executed.missing, 0);
}

static void an_answer_that_is_not_executed_repeats_the_opaque_and_opcode(void **state)
{
    static const uint8_t requests[] = {MCBP_HELLO, MCBP_SASL_AUTH, MCBP_SELECT_BUCKET,
                                       UNNAMED_OPCODE};
    for (size_t i = 0; i < sizeof(requests) * 2; i++) {
        struct scene *scene = *state;
        bool opcode = i % 2 == 0;
        struct said said = {.opcode = requests[i / 2], .opaque = 1, .key = "k"};
        scene_say(scene, ANN, true, &said);
        said = (struct said){.opcode = opcode ? MCBP_GET_LOCKED : requests[i / 2],
                             .opaque = opcode ? 1 : 11};
        scene_say(scene, ANN, false, &said);
        asks(scene, ANN, 2, NOOP);
        answers(scene, ANN, 2, NOOP);
        assert_one_difference(scene, DIFFERENCE_FIELD, opcode ? "header.opcode" : "header.opaque");
        scene_restart(scene);
    }
}

/* ------------------------------------------------------------------------------------ missing */

static void the_answer_to_hello_is_missing_if_later_requests_are_answered(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, HELLO);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .status = NOT_FOUND);
    assert_verdict(scene, .identical = 1, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void so_is_that_to_an_opcode_without_a_name(void **state)
{
    struct scene *scene = *state;
    struct said unknown = {.opcode = UNNAMED_OPCODE, .opaque = 1};
    scene_say(scene, ANN, true, &unknown);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .status = NOT_FOUND);
    client_closes(scene, ANN);
    server_closes(scene, ANN);
    assert_verdict(scene, .identical = 1, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void so_is_that_to_a_request_of_couchbase(void **state)
{
    struct scene *scene = *state;
    agree_on(scene, ANN, TCP_NODELAY_FEATURE);
    asks(scene, ANN, 1, SUBDOC_GET, .key = "k");
    asks(scene, ANN, 2, NOOP);
    answers(scene, ANN, 2, NOOP);
    assert_verdict(scene, .identical = 2, .missing = 1);
    assert_one_difference(scene, DIFFERENCE_MISSING, NULL);
}

static void nobody_answers_the_messages_of_a_stream(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, DCP_OPEN, .key = "name");
    answers(scene, ANN, 1, DCP_OPEN);
    asks(scene, ANN, 2, DCP_BUFFER_ACKNOWLEDGEMENT);
    asks(scene, ANN, 3, DCP_CONTROL, .key = "k", .value = "v");
    answers(scene, ANN, 3, DCP_CONTROL);
    assert_verdict(scene, .not_executed = 2);
}

static void without_a_stream_they_are_unknown_commands(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 2, DCP_BUFFER_ACKNOWLEDGEMENT);
    asks(scene, ANN, 3, DCP_CONTROL);
    answers(scene, ANN, 3, DCP_CONTROL, .status = UNKNOWN);
    assert_int_equal(scene_verify(scene)->executed.missing, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        scene_test(a_noops_answer_before_that_to_the_set_before_it_is_a_difference),
        scene_test(two_answers_that_change_places_are_one_difference),
        scene_test(answers_keep_their_order_behind_one_that_is_lost),
        scene_test(unless_it_may_have_been_that_to_hello),
        scene_test(unordered_execution_lets_answers_change_places),
        scene_test(another_feature_does_not),
        scene_test(the_last_hello_says_what_is_agreed_on),
        scene_test(a_server_that_knows_what_memcached_does_not_stays_in_step),
        scene_test(nor_does_a_hello_with_the_clients_name_put_it_out),
        scene_test(a_capture_without_the_beginning_may_lack_the_hello),
        scene_test(what_was_lost_may_have_been_a_hello),
        scene_test(an_answer_that_is_not_executed_repeats_the_opaque_and_opcode),
        scene_test(the_answer_to_hello_is_missing_if_later_requests_are_answered),
        scene_test(so_is_that_to_an_opcode_without_a_name),
        scene_test(so_is_that_to_a_request_of_couchbase),
        scene_test(nobody_answers_the_messages_of_a_stream),
        scene_test(without_a_stream_they_are_unknown_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
