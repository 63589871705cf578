/*
 * Couchbase's dialect: a server that begins anew while nobody is connected holds nothing, and its
 * vbuckets have other UUIDs; so may one that comes back from another node. Else, they stay.
 */
#include "couchbase_scene.h"
#include "mcbp/feature.h"

enum { OLD = 0x1111, NEW = 0x2222, THIRD = 0x3333 };

static void set_in(struct scene *scene, enum person person, uint16_t vbucket, const char *key,
                   uint64_t uuid, uint64_t number)
{
    asks_for(scene, person, MCBP_SET, vbucket, key, "v");
    is_told_number(scene, person, MCBP_SET, uuid, number);
}

static void set(struct scene *scene, enum person person, uint64_t uuid, uint64_t number)
{
    set_in(scene, person, 0, "k", uuid, number);
}

static void get(struct scene *scene, enum person person, const char *key, uint64_t number)
{
    asks_for(scene, person, MCBP_GET, 0, key, "");
    is_told(scene, person, MCBP_GET, 0, span_of("\0\0\0\0", 4), "v", 1000 + number);
}

static void miss(struct scene *scene, enum person person, const char *key)
{
    asks_for(scene, person, MCBP_GET, 0, key, "");
    is_told(scene, person, MCBP_GET, MCBP_STATUS_KEY_NOT_FOUND, span_of("", 0), "", 0);
}

static void leave(struct scene *scene, enum person person)
{
    scene_close(scene, person, false);
    scene_close(scene, person, true);
    scene->lines[person].open = false;
}

static void nothing_differs(struct scene *scene, uint64_t restarts)
{
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_int_equal(scene_verify(scene)->executed.not_executed, 0);
    assert_int_equal(scene_verify(scene)->restarts, restarts);
}

static void another_uuid_shows_a_restart(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    leave(scene, ANN);
    come(scene, BOB);
    set(scene, BOB, NEW, 1);
    set(scene, BOB, NEW, 2);
    nothing_differs(scene, 1);
}

static void so_does_a_document_that_is_not_there(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    set_in(scene, ANN, 0, "other", OLD, 6);
    leave(scene, ANN);
    come(scene, BOB);
    miss(scene, BOB, "k");
    miss(scene, BOB, "other");
    set(scene, BOB, NEW, 1);
    nothing_differs(scene, 1);
}

static void a_server_that_resets_its_clients_is_gone_too(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    server_resets(scene, ANN);
    scene->lines[ANN].open = false;
    come(scene, BOB);
    miss(scene, BOB, "k");
    set(scene, BOB, NEW, 1);
    nothing_differs(scene, 1);
}

static void other_vbuckets_are_other_ones_then_too(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    set_in(scene, ANN, 1, "other", OLD, 5);
    leave(scene, ANN);
    come(scene, BOB);
    set_in(scene, BOB, 1, "other", NEW, 1);
    miss(scene, BOB, "k");
    set(scene, BOB, NEW, 1);
    nothing_differs(scene, 1);
}

static void a_request_that_was_sent_before_that_was_known_is_right_too(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    leave(scene, ANN);
    come(scene, BOB);
    asks_for(scene, BOB, MCBP_SET, 0, "other", "v");
    come(scene, CLEO);
    set(scene, CLEO, NEW, 1);
    is_told_number(scene, BOB, MCBP_SET, NEW, 2);
    nothing_differs(scene, 1);
}

static void one_that_has_kept_its_documents_was_none(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    leave(scene, ANN);
    come(scene, BOB);
    get(scene, BOB, "k", 5);
    set(scene, BOB, OLD, 6);
    nothing_differs(scene, 0);
}

/* ---------------------------------------------------------------- what stays wrong */

static void differs(struct scene *scene, const char *field)
{
    assert_one_difference(scene, DIFFERENCE_FIELD, field);
    assert_int_equal(scene_verify(scene)->restarts, 0);
}

static void a_uuid_stays_as_long_as_a_client_does(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    come(scene, BOB);
    set(scene, ANN, OLD, 5);
    leave(scene, ANN);
    come(scene, CLEO);
    set(scene, CLEO, NEW, 1);
    differs(scene, "header.cas");
}

static void and_on_the_same_connection(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    set(scene, ANN, NEW, 6);
    differs(scene, "extras");
}

static void it_changes_once(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    leave(scene, ANN);
    come(scene, BOB);
    set(scene, BOB, NEW, 6);
    set(scene, BOB, THIRD, 7);
    assert_one_difference(scene, DIFFERENCE_FIELD, "extras");
    assert_int_equal(scene_verify(scene)->restarts, 1);
}

static void nor_does_it_change_after_it_was_told_again(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    leave(scene, ANN);
    come(scene, BOB);
    set(scene, BOB, OLD, 6);
    set(scene, BOB, NEW, 7);
    differs(scene, "extras");
}

static void a_document_stays_where_another_one_has(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    set_in(scene, ANN, 0, "other", OLD, 6);
    leave(scene, ANN);
    come(scene, BOB);
    get(scene, BOB, "k", 5);
    miss(scene, BOB, "other");
    differs(scene, "header.extras_length");
}

static void and_where_the_uuid_has(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    leave(scene, ANN);
    come(scene, BOB);
    set_in(scene, BOB, 0, "other", OLD, 6);
    miss(scene, BOB, "k");
    differs(scene, "header.extras_length");
}

static void what_a_new_server_is_told_it_holds(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    leave(scene, ANN);
    come(scene, BOB);
    set(scene, BOB, NEW, 1);
    miss(scene, BOB, "k");
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.extras_length");
}

/* ---------------------------------------------------------------- other nodes */

static void is_elsewhere(struct scene *scene, enum person person)
{
    asks_for(scene, person, MCBP_GET, 0, "k", "");
    is_told(scene, person, MCBP_GET, MCBP_STATUS_NOT_MY_VBUCKET, span_of("", 0), "", 0);
}

static void a_vbucket_that_was_elsewhere_has_another_uuid(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    is_elsewhere(scene, ANN);
    set(scene, ANN, NEW, 9);
    nothing_differs(scene, 0);
}

static void or_the_same_and_was_changed_there(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    is_elsewhere(scene, ANN);
    set(scene, ANN, OLD, 9);
    nothing_differs(scene, 0);
}

static void others_stay(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    set_in(scene, ANN, 1, "other", OLD, 5);
    is_elsewhere(scene, ANN);
    set(scene, ANN, NEW, 9);
    set_in(scene, ANN, 1, "other", NEW, 6);
    differs(scene, "extras");
}

static void is_configured(struct scene *scene, enum person person, const char *config)
{
    asks_for(scene, person, MCBP_GET_CLUSTER_CONFIG, 0, "", "");
    is_told(scene, person, MCBP_GET_CLUSTER_CONFIG, 0, span_of("", 0), config, 0);
}

static void a_new_configuration_may_come_with_other_uuids(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    is_configured(scene, ANN, "{\"rev\":1}");
    set(scene, ANN, OLD, 5);
    is_configured(scene, ANN, "{\"rev\":2}");
    set(scene, ANN, NEW, 9);
    nothing_differs(scene, 0);
}

static void the_first_one_is_not_new(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    set(scene, ANN, OLD, 5);
    is_configured(scene, ANN, "{\"rev\":1}");
    set(scene, ANN, NEW, 9);
    differs(scene, "extras");
}

static void a_restarted_server_counts_its_configurations_anew(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    is_configured(scene, ANN, "{\"rev\":7}");
    leave(scene, ANN);
    come(scene, BOB);
    is_configured(scene, BOB, "{\"rev\":1}");
    nothing_differs(scene, 0);
}

static void another_does_not(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    is_configured(scene, ANN, "{\"rev\":7}");
    leave(scene, ANN);
    come(scene, BOB);
    is_configured(scene, BOB, "{\"rev\":7}");
    is_configured(scene, BOB, "{\"rev\":1}");
    differs(scene, "value");
}

/* ---------------------------------------------------------------- errors of other requests */

static void nothing_is_wrong(struct scene *scene)
{
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
    assert_int_equal(scene_verify(scene)->executed.missing, 0);
}

static void a_scan_is_told_the_configuration_too(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    asks_for(scene, ANN, MCBP_RANGE_SCAN_CREATE, 0, "", "{}");
    is_told(scene, ANN, MCBP_RANGE_SCAN_CREATE, MCBP_STATUS_NOT_MY_VBUCKET, span_of("", 0),
            "{\"rev\":1}", 0);
    nothing_is_wrong(scene);
}

static void silence_of_a_quiet_touch_is_a_miss(void **state)
{
    static const uint8_t touch[MCBP_HEADER_SIZE + 5] = {
        MCBP_CLIENT_REQUEST, MCBP_GATQ, 0, 1, 4, [11] = 5, [MCBP_HEADER_SIZE + 4] = 'k'};
    struct scene *scene = *state;
    come(scene, ANN);
    scene_say_bytes(scene, ANN, true, span_of(touch, sizeof(touch)));
    asks_for(scene, ANN, MCBP_NOOP, 0, "", "");
    is_told(scene, ANN, MCBP_NOOP, 0, span_of("", 0), "", 0);
    nothing_is_wrong(scene);
}

static void an_error_of_stat_tells_the_duration_as_others_do(void **state)
{
    static const uint8_t hello[MCBP_HEADER_SIZE + 2] = {
        MCBP_CLIENT_REQUEST, MCBP_HELLO, [11] = 2, [MCBP_HEADER_SIZE + 1] = MCBP_FEATURE_TRACING};
    static const uint8_t granted[MCBP_HEADER_SIZE + 5] = {MCBP_FLEX_CLIENT_RESPONSE,
                                                          MCBP_HELLO,
                                                          3,
                                                          [11] = 5,
                                                          [MCBP_HEADER_SIZE] = 2,
                                                          [MCBP_HEADER_SIZE + 4] =
                                                              MCBP_FEATURE_TRACING};
    static const uint8_t error[MCBP_HEADER_SIZE + 3] = {
        MCBP_FLEX_CLIENT_RESPONSE,       MCBP_STAT, 3,
        [7] = MCBP_STATUS_KEY_NOT_FOUND, [11] = 3,  [MCBP_HEADER_SIZE] = 2};
    struct scene *scene = *state;
    scene_say_bytes(scene, ANN, true, span_of(hello, sizeof(hello)));
    scene_say_bytes(scene, ANN, false, span_of(granted, sizeof(granted)));
    asks_for(scene, ANN, MCBP_STAT, 0, "nothing", "");
    scene_say_bytes(scene, ANN, false, span_of(error, sizeof(error)));
    nothing_is_wrong(scene);
}

static void an_error_of_a_client_that_came_before_may_be_no_json(void **state)
{
    struct scene *scene = *state;
    scene_join(scene, ANN);
    asks_for(scene, ANN, MCBP_GET, 1, "k", "");
    is_told(scene, ANN, MCBP_GET, MCBP_STATUS_KEY_NOT_FOUND, span_of("", 0), "", 0);
    asks_for(scene, ANN, MCBP_COLLECTIONS_GET_ID, 0, "", "a.b");
    is_told(scene, ANN, MCBP_COLLECTIONS_GET_ID, MCBP_STATUS_UNKNOWN_SCOPE, span_of("", 0),
            "{\"manifest_uid\":\"1\"}", 0);
    nothing_is_wrong(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(another_uuid_shows_a_restart),
        scene_test(so_does_a_document_that_is_not_there),
        scene_test(a_server_that_resets_its_clients_is_gone_too),
        scene_test(other_vbuckets_are_other_ones_then_too),
        scene_test(a_request_that_was_sent_before_that_was_known_is_right_too),
        scene_test(one_that_has_kept_its_documents_was_none),
        scene_test(a_uuid_stays_as_long_as_a_client_does),
        scene_test(and_on_the_same_connection),
        scene_test(it_changes_once),
        scene_test(nor_does_it_change_after_it_was_told_again),
        scene_test(a_document_stays_where_another_one_has),
        scene_test(and_where_the_uuid_has),
        scene_test(what_a_new_server_is_told_it_holds),
        scene_test(a_vbucket_that_was_elsewhere_has_another_uuid),
        scene_test(or_the_same_and_was_changed_there),
        scene_test(others_stay),
        scene_test(a_new_configuration_may_come_with_other_uuids),
        scene_test(the_first_one_is_not_new),
        scene_test(a_restarted_server_counts_its_configurations_anew),
        scene_test(another_does_not),
        scene_test(a_scan_is_told_the_configuration_too),
        scene_test(silence_of_a_quiet_touch_is_a_miss),
        scene_test(an_error_of_stat_tells_the_duration_as_others_do),
        scene_test(an_error_of_a_client_that_came_before_may_be_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
