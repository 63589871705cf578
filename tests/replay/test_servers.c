/*
 * Servers: each server address in a capture has a store of its own.
 */
#include "replay/servers.h"
#include "scene.h"

static const uint16_t NOT_FOUND = MCBP_STATUS_KEY_NOT_FOUND;

enum { OTHER_PORT = 11212, MANY_PORTS = 20000 };

static void set(struct scene *scene, enum person person, const char *value, uint64_t cas)
{
    asks(scene, person, 1, SET, .key = "k", .value = value);
    answers(scene, person, 1, SET, .cas = cas);
}

static void hit(struct scene *scene, enum person person, const char *value, uint64_t cas)
{
    asks(scene, person, 2, GET, .key = "k");
    answers(scene, person, 2, GET, .cas = cas, .value = value);
}

static void reconnects(struct scene *scene, enum person person)
{
    scene_close(scene, person, true);
    scene_close(scene, person, false);
    scene->lines[person].open = false;
}

static void two_servers_hold_different_values_under_one_key(void **state)
{
    struct scene *scene = *state;
    scene_use_server(scene, BOB, OTHER_PORT);
    set(scene, ANN, "ann's", 5);
    set(scene, BOB, "bob's", 5);
    hit(scene, ANN, "ann's", 5);
    hit(scene, BOB, "bob's", 5);
    assert_verdict(scene, .identical = 4);
}

static void what_one_server_holds_is_no_excuse_for_another(void **state)
{
    struct scene *scene = *state;
    scene_use_server(scene, BOB, OTHER_PORT);
    set(scene, ANN, "ann's", 5);
    set(scene, BOB, "bob's", 5);
    hit(scene, ANN, "bob's", 5);
    assert_verdict(scene, .identical = 2, .different = 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+0");
}

static void a_flush_empties_the_server_that_was_asked(void **state)
{
    struct scene *scene = *state;
    scene_use_server(scene, BOB, OTHER_PORT);
    set(scene, ANN, "v", 5);
    set(scene, BOB, "v", 5);
    asks(scene, BOB, 3, FLUSH);
    answers(scene, BOB, 3, FLUSH);
    hit(scene, ANN, "v", 5);
    asks(scene, BOB, 4, GET, .key = "k");
    answers(scene, BOB, 4, GET, .status = NOT_FOUND);
    assert_verdict(scene, .identical = 5);
}

static void a_flush_that_waits_at_one_server_leaves_another_alone(void **state)
{
    struct scene *scene = *state;
    scene_use_server(scene, BOB, OTHER_PORT);
    set(scene, ANN, "v", 5);
    asks(scene, BOB, 3, FLUSH);
    asks(scene, ANN, 2, GET, .key = "k");
    answers(scene, BOB, 3, FLUSH);
    answers(scene, ANN, 2, GET, .status = NOT_FOUND);
    assert_verdict(scene, .identical = 2, .different = 1);
}

static void one_server_at_two_addresses_shares_its_items(void **state)
{
    struct scene *scene = *state;
    scene->options.one_server = true;
    scene_use_server(scene, BOB, OTHER_PORT);
    set(scene, ANN, "v", 5);
    hit(scene, BOB, "v", 5);
    assert_verdict(scene, .identical = 2);
}

static void one_address_is_one_server_over_tcp_and_udp(void **state)
{
    struct scene *scene = *state;
    scene_use_udp(scene, BOB);
    set(scene, ANN, "v", 5);
    hit(scene, BOB, "w", 5);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void a_server_keeps_its_items_while_nobody_is_connected(void **state)
{
    struct scene *scene = *state;
    set(scene, ANN, "v", 5);
    reconnects(scene, ANN);
    hit(scene, ANN, "w", 5);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void of_too_many_servers_the_longest_idle_is_forgotten(void **state)
{
    struct scene *scene = *state;
    scene_use_server(scene, BOB, OTHER_PORT);
    set(scene, ANN, "v", 5);
    set(scene, BOB, "v", 5); /* and stays connected */
    reconnects(scene, ANN);
    for (uint16_t port = MANY_PORTS; port < MANY_PORTS + MODELS_MAX; port++) {
        scene_use_server(scene, ANN, port);
        set(scene, ANN, "v", 5);
        reconnects(scene, ANN);
    }
    scene_use_server(scene, ANN, 0);
    hit(scene, ANN, "adopted", 5);
    hit(scene, BOB, "w", 5);
    assert_verdict(scene, .identical = 2 + MODELS_MAX, .adopted = 1, .different = 1);
}

/* ------------------------------------------------------------------------------ text protocol */

static void says_text(struct scene *scene, const char *text)
{
    scene_say_bytes(scene, BOB, true, span_of(text, strlen(text)));
}

static void puts_k(struct scene *scene)
{
    asks(scene, ANN, 1, SET, .key = "k", .value = "v");
    answers(scene, ANN, 1, SET, .cas = 1);
}

static void shows_k(struct scene *scene, uint32_t number, const char *value, uint64_t cas)
{
    asks(scene, ANN, number, GET, .key = "k");
    answers(scene, ANN, number, GET, .cas = cas, .value = value);
}

static void a_client_of_the_text_protocol_may_change_any_key(void **state)
{
    struct scene *scene = *state;
    puts_k(scene);
    says_text(scene, "set k 0 0 1\r\nt\r\n");
    shows_k(scene, 2, "t", 2);
    says_text(scene, "delete k\r\n");
    asks(scene, ANN, 3, GET, .key = "k");
    answers(scene, ANN, 3, GET, .status = MCBP_STATUS_KEY_NOT_FOUND);
    assert_verdict(scene, .identical = 1, .adopted = 2);
}

static void one_that_only_reads_does_not(void **state)
{
    struct scene *scene = *state;
    puts_k(scene);
    says_text(scene, "get k\r\nstats items\r\n");
    shows_k(scene, 2, "t", 2);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void nor_does_one_of_another_server(void **state)
{
    struct scene *scene = *state;
    scene_use_server(scene, BOB, 11311);
    puts_k(scene);
    says_text(scene, "set k 0 0 1\r\nt\r\n");
    shows_k(scene, 2, "t", 2);
    assert_verdict(scene, .identical = 1, .different = 1);
}

static void what_it_asked_has_run_after_a_second(void **state)
{
    struct scene *scene = *state;
    puts_k(scene);
    says_text(scene, "set j 0 0 1\r\nt\r\n");
    scene_wait(scene, 2);
    shows_k(scene, 2, "v", 1);
    shows_k(scene, 3, "t", 2);
    assert_verdict(scene, .identical = 2, .different = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(two_servers_hold_different_values_under_one_key),
        scene_test(what_one_server_holds_is_no_excuse_for_another),
        scene_test(a_flush_empties_the_server_that_was_asked),
        scene_test(a_flush_that_waits_at_one_server_leaves_another_alone),
        scene_test(one_server_at_two_addresses_shares_its_items),
        scene_test(one_address_is_one_server_over_tcp_and_udp),
        scene_test(a_server_keeps_its_items_while_nobody_is_connected),
        scene_test(of_too_many_servers_the_longest_idle_is_forgotten),
        scene_test(a_client_of_the_text_protocol_may_change_any_key),
        scene_test(one_that_only_reads_does_not),
        scene_test(nor_does_one_of_another_server),
        scene_test(what_it_asked_has_run_after_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
