/*
 * Connections that were not seen from their start: what shows that they speak Couchbase's dialect,
 * in which documents are not executed before it is known whether keys have collections, and what
 * does not.
 */
#include "scene.h"

static void expect(struct scene *scene, uint64_t not_executed, uint64_t wrong)
{
    const struct capture_result *found = scene_verify(scene);
    assert_int_equal(found->executed.not_executed, not_executed);
    assert_int_equal(found->executed.check.different + found->executed.missing, wrong);
}

static void a_vbucket_shows_it(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks(scene, ANN, 1, GET, .key = "k", .status = 3);
    answers(scene, ANN, 1, GET, .value = "v", .cas = 7);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .value = "other", .cas = 7);
    expect(scene, 2, 0);
}

static void so_does_a_datatype(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks(scene, ANN, 1, SET, .key = "k", .value = "{}", .datatype = MCBP_DATATYPE_JSON);
    answers(scene, ANN, 1, SET, .cas = 7);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .value = "other", .cas = 7);
    expect(scene, 2, 0);
}

static void so_does_an_opcode_that_memcached_has_not(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks(scene, ANN, 1, GET_CLUSTER_CONFIG);
    answers(scene, ANN, 1, GET_CLUSTER_CONFIG, .value = "{}");
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .status = MCBP_STATUS_KEY_NOT_FOUND, .value = "");
    expect(scene, 1, 0);
}

static void so_does_a_server_in_its_first_answers(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks(scene, ANN, 1, GET, .key = "k");
    answers(scene, ANN, 1, GET, .magic = MCBP_FLEX_CLIENT_RESPONSE, .value = "v", .cas = 7);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .value = "other", .cas = 7);
    expect(scene, 2, 0);
}

/* memcached writes a text to each error, and has no locks. */
static void so_does_an_error_without_a_text(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks(scene, ANN, 1, DELETE, .key = "k");
    answers(scene, ANN, 1, DELETE, .status = MCBP_STATUS_LOCKED);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .value = "v", .cas = 7);
    expect(scene, 2, 0);
}

static void later_that_is_an_answer_of_another_form(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    for (uint32_t i = 1; i <= 5; i++) {
        asks(scene, ANN, i, GET, .key = "k");
        answers(scene, ANN, i, GET, .magic = i == 5 ? MCBP_FLEX_CLIENT_RESPONSE : 0, .value = "v",
                .cas = 7);
    }
    expect(scene, 0, 1);
}

static void from_its_start_a_connection_says_it_by_hello(void **state)
{
    struct scene *scene = *state;
    asks(scene, ANN, 1, SET, .key = "k", .value = "v", .status = 3);
    answers(scene, ANN, 1, SET, .cas = 7);
    asks(scene, ANN, 2, GET, .key = "k", .status = 3);
    answers(scene, ANN, 2, GET, .value = "w", .cas = 7);
    expect(scene, 0, 1);
}

static void without_any_sign_it_is_memcacheds(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks(scene, ANN, 1, SET, .key = "k", .value = "v");
    answers(scene, ANN, 1, SET, .cas = 7);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, ANN, 2, GET, .value = "other", .cas = 7);
    expect(scene, 0, 1);
}

static void nothing_but_what_is_not_executed_is_not_enough(void **state)
{
    struct scene *scene = *state;
    scene->options.accept_unexecuted = false;
    scene_join(scene, ANN);
    asks(scene, ANN, 1, GET, .key = "k", .status = 3);
    answers(scene, ANN, 1, GET, .value = "v", .cas = 7);
    assert_int_equal(scene_verify(scene)->status, VERIFY_NO_EVIDENCE);
    assert_string_equal(
        scene_verify(scene)->problem,
        "none of 1 answers was executed or adopted; --require-executed 0 accepts that");
}

/* ------------------------------------------------------------------ beside others */

static void logs_in(struct scene *scene, enum person person)
{
    asks(scene, person, 1, HELLO, .key = "agent");
    answers(scene, person, 1, HELLO);
    asks(scene, person, 2, SELECT_BUCKET, .key = "travel");
    answers(scene, person, 2, SELECT_BUCKET);
}

static void stores(struct scene *scene, enum person person, const char *value, uint64_t cas)
{
    asks(scene, person, 3, SET, .key = "k", .value = value);
    answers(scene, person, 3, SET, .cas = cas);
}

static void gets(struct scene *scene, enum person person, const char *value, uint64_t cas)
{
    asks(scene, person, 5, GET, .key = "k");
    answers(scene, person, 5, GET, .value = value, .cas = cas);
}

static void expect_none_wrong(struct scene *scene)
{
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_true(scene_verify(scene)->executed.check.identical > 0);
}

/* ANN's "k" may as well be the key "" in a collection. */
static void a_change_of_who_knows_what_may_come_behind_others(void **state)
{
    struct scene *scene = *state;
    logs_in(scene, BOB);
    stores(scene, BOB, "a", 1000);
    scene_join(scene, ANN);
    asks(scene, ANN, 7, NOOP);
    answers(scene, ANN, 7, NOOP);
    gets(scene, BOB, "a", 1000);
    asks(scene, BOB, 4, APPEND, .key = "k", .value = "b");
    asks(scene, ANN, 1, SET, .key = "k", .value = "c");
    answers(scene, ANN, 1, SET, .cas = 1002);
    answers(scene, BOB, 4, APPEND, .cas = 1001);
    gets(scene, BOB, "c", 1002);
    expect_none_wrong(scene);
}

/* To ANN, who has not agreed on more errors, it says that there is no lock. */
static void an_error_in_fewer_words_keeps_nothing_else_from_being_right(void **state)
{
    enum { OF_K = 98 }; /* of 1,024 */
    struct scene *scene = *state;
    logs_in(scene, BOB);
    logs_in(scene, CLEO);
    stores(scene, BOB, "a", 1000);
    scene_join(scene, ANN);
    asks(scene, ANN, 1, GET, .key = "k", .status = OF_K);
    answers(scene, ANN, 1, GET, .status = MCBP_STATUS_KEY_NOT_FOUND, .value = "");
    gets(scene, BOB, "a", 1000);
    asks(scene, ANN, 2, UNLOCK_KEY, .key = "k", .cas = 1000);
    asks(scene, BOB, 4, APPEND, .key = "k", .value = "b");
    answers(scene, ANN, 2, UNLOCK_KEY, .status = MCBP_STATUS_TEMPORARY_FAILURE);
    asks(scene, CLEO, 3, GET, .key = "k");
    answers(scene, BOB, 4, APPEND, .cas = 1001);
    answers(scene, CLEO, 3, GET, .value = "a", .cas = 1000);
    expect_none_wrong(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_vbucket_shows_it),
        scene_test(so_does_a_datatype),
        scene_test(so_does_an_opcode_that_memcached_has_not),
        scene_test(so_does_a_server_in_its_first_answers),
        scene_test(so_does_an_error_without_a_text),
        scene_test(later_that_is_an_answer_of_another_form),
        scene_test(from_its_start_a_connection_says_it_by_hello),
        scene_test(without_any_sign_it_is_memcacheds),
        scene_test(nothing_but_what_is_not_executed_is_not_enough),
        scene_test(a_change_of_who_knows_what_may_come_behind_others),
        scene_test(an_error_in_fewer_words_keeps_nothing_else_from_being_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
