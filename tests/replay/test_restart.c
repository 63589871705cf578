/*
 * Restart: a server that begins anew while nobody is connected holds nothing, and counts from 1.
 */
#include "scene.h"

static const uint16_t NOT_FOUND = MCBP_STATUS_KEY_NOT_FOUND;

static void set(struct scene *scene, enum person person, uint32_t number, uint64_t cas)
{
    asks(scene, person, number, SET, .key = "k", .value = "v");
    answers(scene, person, number, SET, .cas = cas);
}

static void miss(struct scene *scene, enum person person, uint32_t number)
{
    asks(scene, person, number, GET, .key = "k");
    answers(scene, person, number, GET, .status = NOT_FOUND);
}

static void all_connections_end(struct scene *scene)
{
    for (int person = 0; person < PEOPLE; person++) {
        if (scene->lines[person].open) {
            scene_close(scene, (enum person)person, false);
            scene_close(scene, (enum person)person, true);
            scene->lines[person].open = false;
        }
    }
}

static uint64_t restarts(struct scene *scene)
{
    return scene_verify(scene)->restarts;
}

static void a_cas_from_the_beginning_shows_a_restart(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    set(scene, BOB, 1, 6);
    all_connections_end(scene);
    set(scene, ANN, 2, 1);
    set(scene, BOB, 2, 2);
    assert_verdict(scene, .identical = 4);
    assert_int_equal(restarts(scene), 1);
}

static void what_was_missed_before_the_first_change_is_right_then(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    all_connections_end(scene);
    miss(scene, ANN, 2);
    miss(scene, ANN, 3);
    set(scene, ANN, 4, 1);
    assert_verdict(scene, .identical = 2, .adopted = 2);
    assert_int_equal(restarts(scene), 1);
}

static void so_is_a_quiet_miss(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    all_connections_end(scene);
    asks(scene, ANN, 2, GETQ, .key = "k");
    set(scene, ANN, 3, 1);
    assert_verdict(scene, .identical = 2);
    assert_int_equal(restarts(scene), 1);
}

static void a_miss_is_a_difference_if_the_cas_goes_on(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    all_connections_end(scene);
    miss(scene, ANN, 2);
    set(scene, ANN, 3, 6);
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.extras_length");
    assert_int_equal(restarts(scene), 0);
}

static void a_miss_is_a_difference_if_nothing_is_changed_after_it(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    all_connections_end(scene);
    miss(scene, ANN, 2);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void a_cas_above_the_number_of_changes_is_not_from_the_beginning(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    all_connections_end(scene);
    set(scene, ANN, 2, 2);
    assert_verdict(scene, .identical = 1, .different = 1);
    assert_int_equal(restarts(scene), 0);
}

static void a_server_with_a_client_is_not_restarted(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    set(scene, BOB, 1, 6);
    scene_close(scene, ANN, true);
    scene_close(scene, ANN, false);
    scene->lines[ANN].open = false;
    set(scene, ANN, 2, 1);
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_int_equal(restarts(scene), 0);
}

static void after_a_restart_a_value_is_held_to_as_ever(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    all_connections_end(scene);
    set(scene, ANN, 2, 1);
    asks(scene, ANN, 3, GET, .key = "k");
    answers(scene, ANN, 3, GET, .cas = 1, .value = "w");
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void a_second_restart_is_another(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    for (uint32_t number = 2; number < 4; number++) {
        all_connections_end(scene);
        miss(scene, ANN, number);
        set(scene, ANN, number, 1);
    }
    assert_verdict(scene, .identical = 3, .adopted = 2);
    assert_int_equal(restarts(scene), 2);
}

static void bytes_that_are_no_request_excuse_nothing(void **state)
{
    static const uint8_t junk[MCBP_HEADER_SIZE] = {0x79, MCBP_NOOP};
    struct scene *scene = *state;
    set(scene, ANN, 1, 5);
    all_connections_end(scene);
    asks(scene, BOB, 1, NOOP);
    answers(scene, BOB, 9, NOOP);
    scene_say_bytes(scene, BOB, true, span_of(junk, sizeof(junk)));
    server_closes(scene, BOB);
    assert_verdict(scene, .identical = 1, .different = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_cas_from_the_beginning_shows_a_restart),
        scene_test(what_was_missed_before_the_first_change_is_right_then),
        scene_test(so_is_a_quiet_miss),
        scene_test(a_miss_is_a_difference_if_the_cas_goes_on),
        scene_test(a_miss_is_a_difference_if_nothing_is_changed_after_it),
        scene_test(a_cas_above_the_number_of_changes_is_not_from_the_beginning),
        scene_test(a_server_with_a_client_is_not_restarted),
        scene_test(after_a_restart_a_value_is_held_to_as_ever),
        scene_test(a_second_restart_is_another),
        scene_test(bytes_that_are_no_request_excuse_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
