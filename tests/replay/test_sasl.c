/*
 * SASL: a server that authenticates its clients is no fault, and what it refuses is compared.
 */
#include "scene.h"

static const uint16_t REFUSED = MCBP_STATUS_AUTH_ERROR;
static const uint16_t UNKNOWN = MCBP_STATUS_UNKNOWN_COMMAND;

static void authenticates(struct scene *scene, enum person person)
{
    asks(scene, person, 1, SASL_AUTH, .key = "PLAIN", .value = "-u-p");
    answers(scene, person, 1, SASL_AUTH, .value = "Authenticated");
}

static void misses(struct scene *scene, enum person person, uint32_t number)
{
    asks(scene, person, number, GET, .key = "k");
    answers(scene, person, number, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
}

static void is_refused(struct scene *scene, enum person person, uint32_t number)
{
    asks(scene, person, number, GET, .key = "k");
    answers(scene, person, number, GET, .status = REFUSED);
}

static void answers_of_a_server_with_sasl_are_not_executed(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SASL_LIST_MECHS);
    answers(scene, ANN, 1, SASL_LIST_MECHS, .value = "SCRAM-SHA1 PLAIN");
    asks(scene, ANN, 2, SASL_AUTH, .key = "SCRAM-SHA1", .value = "n,,n=u");
    answers(scene, ANN, 2, SASL_AUTH, .status = MCBP_STATUS_AUTH_CONTINUE, .value = "r=1,s=2");
    asks(scene, ANN, 3, SASL_STEP, .key = "SCRAM-SHA1", .value = "c=3");
    answers(scene, ANN, 3, SASL_STEP, .value = "v=4");
    misses(scene, ANN, 4);
    assert_verdict(scene, .not_executed = 3, .identical = 1);
}

static void a_server_without_sasl_does_not_know_the_requests(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SASL_LIST_MECHS);
    answers(scene, ANN, 1, SASL_LIST_MECHS, .status = UNKNOWN);
    assert_verdict(scene, .identical = 1);
}

static void a_server_without_sasl_does_not_come_to_have_it(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SASL_LIST_MECHS);
    answers(scene, ANN, 1, SASL_LIST_MECHS, .status = UNKNOWN);
    authenticates(scene, BOB);
    is_refused(scene, CLEO, 2);
    assert_verdict(scene, .identical = 1, .different = 2);
}

static void who_is_not_authenticated_is_refused_and_the_connection_closed(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, VERSION);
    answers(scene, ANN, 1, VERSION, .value = "1.6.18");
    is_refused(scene, ANN, 2);
    server_closes(scene, ANN);
    assert_verdict(scene, .adopted = 2);
}

static void a_quiet_request_is_refused_aloud(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SETQ, .key = "k", .value = "v");
    answers(scene, ANN, 1, SETQ, .status = REFUSED);
    server_closes(scene, ANN);
    assert_verdict(scene, .adopted = 1);
}

static void what_was_refused_has_changed_nothing(void **state)
{
    struct scene *scene = *state;
    authenticates(scene, ANN);
    misses(scene, ANN, 2);
    asks(scene, BOB, 1, SET, .key = "k", .value = "v");
    answers(scene, BOB, 1, SET, .status = REFUSED);
    asks(scene, ANN, 3, GET, .key = "k");
    answers(scene, ANN, 3, GET, .cas = 5, .value = "v");
    assert_verdict(scene, .not_executed = 1, .identical = 1, .adopted = 1, .different = 1);
}

static void a_refusal_is_compared_with_that_of_memcached(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, GET, .key = "k");
    answers(scene, ANN, 1, GET, .status = REFUSED, .value = "Auth?");
    assert_verdict(scene, .different = 1);
}

static void nothing_is_answered_behind_a_refusal(void **state)
{
    struct scene *scene = *state;
    is_refused(scene, ANN, 1);
    misses(scene, ANN, 2);
    assert_verdict(scene, .adopted = 1, .different = 1);
}

static void who_is_authenticated_is_not_refused(void **state)
{
    struct scene *scene = *state;
    authenticates(scene, ANN);
    is_refused(scene, ANN, 2);
    assert_verdict(scene, .not_executed = 1, .different = 1);
}

static void who_has_been_served_is_not_refused(void **state)
{
    struct scene *scene = *state;
    misses(scene, ANN, 1);
    is_refused(scene, ANN, 2);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void who_fails_to_authenticate_again_is_refused(void **state)
{
    struct scene *scene = *state;
    authenticates(scene, ANN);
    misses(scene, ANN, 2);
    asks(scene, ANN, 3, SASL_AUTH, .key = "PLAIN", .value = "-u-x");
    answers(scene, ANN, 3, SASL_AUTH, .status = REFUSED);
    is_refused(scene, ANN, 4);
    assert_verdict(scene, .not_executed = 2, .identical = 1, .adopted = 1);
}

/* -------------------------------------------------------------------------------- memcached -F */

static void flush_is_refused(struct scene *scene, uint32_t number)
{
    asks(scene, ANN, number, FLUSH);
    answers(scene, ANN, number, FLUSH, .status = REFUSED);
}

static void set_and_get(struct scene *scene, uint32_t number, uint64_t cas)
{
    asks(scene, ANN, number, SET, .key = "k", .value = "v");
    answers(scene, ANN, number, SET, .cas = cas);
    asks(scene, ANN, number + 1, GET, .key = "k");
    answers(scene, ANN, number + 1, GET, .cas = cas, .value = "v");
}

static void a_server_may_refuse_flush_alone(void **state)
{
    struct scene *scene = *state;
    set_and_get(scene, 1, 1);
    flush_is_refused(scene, 3);
    asks(scene, ANN, 4, GET, .key = "k");
    answers(scene, ANN, 4, GET, .cas = 1, .value = "v");
    flush_is_refused(scene, 5);
    assert_verdict(scene, .identical = 3, .adopted = 2);
}

static void also_as_the_first_request(void **state)
{
    struct scene *scene = *state;
    flush_is_refused(scene, 1);
    set_and_get(scene, 2, 1);
    assert_verdict(scene, .identical = 2, .adopted = 1);
}

static void one_that_has_done_it_does_not_refuse_it(void **state)
{
    struct scene *scene = *state;
    set_and_get(scene, 1, 1);
    asks(scene, ANN, 3, FLUSH);
    answers(scene, ANN, 3, FLUSH);
    flush_is_refused(scene, 4);
    assert_verdict(scene, .identical = 3, .different = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(answers_of_a_server_with_sasl_are_not_executed),
        scene_test(a_server_without_sasl_does_not_know_the_requests),
        scene_test(a_server_without_sasl_does_not_come_to_have_it),
        scene_test(who_is_not_authenticated_is_refused_and_the_connection_closed),
        scene_test(a_quiet_request_is_refused_aloud),
        scene_test(what_was_refused_has_changed_nothing),
        scene_test(a_refusal_is_compared_with_that_of_memcached),
        scene_test(nothing_is_answered_behind_a_refusal),
        scene_test(who_is_authenticated_is_not_refused),
        scene_test(who_has_been_served_is_not_refused),
        scene_test(who_fails_to_authenticate_again_is_refused),
        scene_test(a_server_may_refuse_flush_alone),
        scene_test(also_as_the_first_request),
        scene_test(one_that_has_done_it_does_not_refuse_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
