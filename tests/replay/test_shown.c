/*
 * Documents that answers show which are not about one document (GET_RANDOM_KEY, OBSERVE), and
 * numbers of vbuckets (OBSERVE_SEQNO), beside what is known of them.
 */
#include "base/endian.h"
#include "scene.h"

enum { VB = 0, CAS = 1000, HELD = 3, PERSISTED = 1, GONE = 0x81, NOT_THERE = 0x80, ROOM = 128 };

/* ------------------------------------------------------------------------------ what is said */

struct told {
    uint8_t opcode;
    uint32_t opaque;
    uint64_t cas;
    uint8_t extras[8];
    size_t extras_size;
    const char *key;
    uint8_t value[64];
    size_t value_size;
};

static void say(struct scene *scene, enum person person, bool client, const struct told *told)
{
    uint8_t bytes[ROOM] = {client ? MCBP_CLIENT_REQUEST : MCBP_CLIENT_RESPONSE, told->opcode};
    uint8_t *at = bytes + MCBP_HEADER_SIZE;
    size_t key_size = told->key != NULL ? strlen(told->key) : 0;
    size_t size = told->extras_size + key_size + told->value_size;
    write_be16(bytes + 2, (uint16_t)key_size);
    bytes[4] = (uint8_t)told->extras_size;
    write_be32(bytes + 8, (uint32_t)size);
    write_be32(bytes + 12, told->opaque);
    write_be64(bytes + 16, told->cas);
    memcpy(at, told->extras, told->extras_size);
    if (key_size > 0) {
        memcpy(at + told->extras_size, told->key, key_size);
    }
    memcpy(at + told->extras_size + key_size, told->value, told->value_size);
    scene_say_bytes(scene, person, client, span_of(bytes, MCBP_HEADER_SIZE + size));
}

static void logs_in(struct scene *scene, enum person person)
{
    asks(scene, person, 1, HELLO, .key = "agent");
    answers(scene, person, 1, HELLO);
    asks(scene, person, 2, SELECT_BUCKET, .key = "travel");
    answers(scene, person, 2, SELECT_BUCKET);
}

/* There is a document "k" with "v". */
static void begins(struct scene *scene)
{
    logs_in(scene, ANN);
    asks(scene, ANN, HELD, SET, .key = "k", .value = "v");
    answers(scene, ANN, HELD, SET, .cas = CAS);
}

static void wants_any(struct scene *scene, uint32_t opaque)
{
    asks(scene, ANN, opaque, GET_RANDOM_KEY);
}

static void is_shown(struct scene *scene, uint32_t opaque, const char *key, const char *value,
                     uint64_t cas)
{
    struct told told = {.opcode = MCBP_GET_RANDOM_KEY,
                        .opaque = opaque,
                        .cas = cas,
                        .extras_size = 4,
                        .key = key,
                        .value_size = strlen(value)};
    memcpy(told.value, value, told.value_size);
    say(scene, ANN, false, &told);
}

static void any(struct scene *scene, const char *key, const char *value, uint64_t cas)
{
    wants_any(scene, 10);
    is_shown(scene, 10, key, value, cas);
}

static struct told observation(uint32_t opaque)
{
    struct told told = {.opcode = MCBP_OBSERVE, .opaque = opaque, .value_size = 5};
    write_be16(told.value, VB);
    write_be16(told.value + 2, 1);
    told.value[4] = 'k';
    return told;
}

static void asks_for_state(struct scene *scene, uint32_t opaque)
{
    struct told told = observation(opaque);
    say(scene, ANN, true, &told);
}

static void state_is(struct scene *scene, uint32_t opaque, uint8_t is, uint64_t cas)
{
    struct told told = observation(opaque);
    told.value[told.value_size] = is;
    write_be64(told.value + told.value_size + 1, cas);
    told.value_size += 9;
    say(scene, ANN, false, &told);
}

static void observes(struct scene *scene, uint8_t is, uint64_t cas)
{
    asks_for_state(scene, 20);
    state_is(scene, 20, is, cas);
}

static void deletes(struct scene *scene, enum person person)
{
    asks(scene, person, 4, DELETE, .key = "k");
    answers(scene, person, 4, DELETE, .cas = CAS + 1);
}

static void numbers_are(struct scene *scene, uint64_t persisted, uint64_t high)
{
    struct told told = {.opcode = MCBP_OBSERVE_SEQNO, .opaque = 30, .value_size = 8};
    write_be64(told.value, 77);
    say(scene, ANN, true, &told);
    told.value_size = 27;
    memset(told.value, 0, sizeof(told.value));
    write_be64(told.value + 3, 77);
    write_be64(told.value + 11, persisted);
    write_be64(told.value + 19, high);
    say(scene, ANN, false, &told);
}

/* ------------------------------------------------------------------------------ what is found */

static void assert_right(struct scene *scene)
{
    const struct capture_result *found = scene_verify(scene);
    assert_int_equal(scene->result.differences_count, 0);
    assert_int_equal(found->executed.check.different + found->executed.not_executed, 0);
}

static void assert_wrong(struct scene *scene, const char *field, const char *why)
{
    assert_one_difference(scene, DIFFERENCE_FIELD, field);
    assert_string_equal(scene->result.differences[0].detail, why);
}

/* ------------------------------------------------------------------------------ GET_RANDOM_KEY */

static void any_document_is_one_of_those_there_are(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    any(scene, "k", "v", CAS);
    assert_right(scene);
}

static void or_one_of_which_nothing_is_known(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    any(scene, "other", "of another time", 7);
    assert_right(scene);
}

static void it_has_the_value_of_its_cas(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    any(scene, "k", "w", CAS);
    assert_wrong(scene, "value+0", "the document of that CAS has another value");
}

static void and_its_flags(void **state)
{
    struct scene *scene = *state;
    struct told told = {.opcode = MCBP_GET_RANDOM_KEY,
                        .opaque = 10,
                        .cas = CAS,
                        .extras = {0, 0, 0, 5},
                        .extras_size = 4,
                        .key = "k",
                        .value = "v",
                        .value_size = 1};
    begins(scene);
    wants_any(scene, 10);
    say(scene, ANN, false, &told);
    assert_wrong(scene, "extras", "the document of that CAS has other flags");
}

static void and_the_cas_that_is_known(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    any(scene, "k", "v", CAS + 1);
    assert_wrong(scene, "header.cas", "the document has another CAS");
}

static void unless_its_field_is_masked(void **state)
{
    struct scene *scene = *state;
    const struct mask mask = {.opcode = MCBP_GET_RANDOM_KEY, .field = MASK_CAS};
    scene->options.masks = (struct mask_list){&mask, 1};
    begins(scene);
    any(scene, "k", "v", CAS + 1);
    assert_right(scene);
}

static void it_is_not_one_that_was_deleted(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    deletes(scene, ANN);
    any(scene, "k", "v", CAS);
    assert_wrong(scene, "value", "the document is not there");
}

static void unless_it_was_there_when_it_was_asked_for(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    logs_in(scene, BOB);
    wants_any(scene, 10);
    deletes(scene, BOB);
    is_shown(scene, 10, "k", "v", CAS);
    assert_right(scene);
}

static void or_another_change_waits(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    logs_in(scene, BOB);
    asks(scene, BOB, 5, SET, .key = "k", .value = "w");
    any(scene, "k", "w", CAS + 1);
    answers(scene, BOB, 5, SET, .cas = CAS + 1);
    assert_right(scene);
}

static void or_it_may_have_expired(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    asks(scene, ANN, 4, SET, .key = "k", .value = "v", .expires = 100);
    answers(scene, ANN, 4, SET, .cas = CAS + 1);
    observes(scene, NOT_THERE, 0);
    assert_right(scene);
}

/* ------------------------------------------------------------------------------ OBSERVE */

static void a_document_is_observed_as_it_is(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    observes(scene, 0, CAS);
    observes(scene, PERSISTED, CAS);
    deletes(scene, ANN);
    observes(scene, GONE, CAS + 1);
    observes(scene, NOT_THERE, 0);
    assert_right(scene);
}

static void one_that_is_there_is_not_gone(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    observes(scene, NOT_THERE, 0);
    assert_wrong(scene, "value", "the document is there");
}

static void one_that_was_deleted_is(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    deletes(scene, ANN);
    observes(scene, PERSISTED, CAS);
    assert_wrong(scene, "value", "the document is not there");
}

static void one_that_was_not_found_is_not_there(void **state)
{
    struct scene *scene = *state;
    logs_in(scene, ANN);
    asks(scene, ANN, 3, GET, .key = "k");
    answers(scene, ANN, 3, GET, .status = MCBP_STATUS_KEY_NOT_FOUND, .value = "");
    observes(scene, NOT_THERE, 0);
    assert_right(scene);
    observes(scene, 0, CAS);
    assert_wrong(scene, "value", "the document is not there");
}

static void it_has_its_cas(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    observes(scene, 0, CAS - 1);
    assert_wrong(scene, "value", "the document has another CAS");
}

static void what_overlaps_may_have_changed_it(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    logs_in(scene, BOB);
    asks_for_state(scene, 20);
    deletes(scene, BOB);
    state_is(scene, 20, GONE, CAS + 1);
    assert_right(scene);
}

static void where_changes_have_overlapped_their_order_may_be_another(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    logs_in(scene, BOB);
    asks(scene, ANN, 4, SET, .key = "k", .value = "v");
    asks(scene, BOB, 5, SET, .key = "k", .value = "w");
    answers(scene, ANN, 4, SET, .cas = CAS + 1);
    answers(scene, BOB, 5, SET, .cas = CAS + 2);
    observes(scene, 0, CAS + 1);
    assert_right(scene);
}

static void a_server_without_clients_may_have_been_restarted(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    client_closes(scene, ANN);
    server_closes(scene, ANN);
    logs_in(scene, BOB);
    struct told told = observation(20);
    say(scene, BOB, true, &told);
    told.value[told.value_size] = NOT_THERE;
    told.value_size += 9;
    say(scene, BOB, false, &told);
    assert_right(scene);
}

static void what_is_lost_may_have_too(void **state)
{
    struct scene *scene = *state;
    begins(scene);
    logs_in(scene, BOB);
    scene_lose(scene, BOB, true, 40);
    asks(scene, BOB, 6, NOOP);
    observes(scene, NOT_THERE, 0);
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

/* ------------------------------------------------------------------------------ OBSERVE_SEQNO */

static void numbers_of_a_vbucket_do_not_fall(void **state)
{
    struct scene *scene = *state;
    logs_in(scene, ANN);
    numbers_are(scene, 5, 9);
    numbers_are(scene, 9, 9);
    assert_right(scene);
    numbers_are(scene, 5, 8);
    assert_wrong(scene, "value", "a higher number was told before");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        scene_test(any_document_is_one_of_those_there_are),
        scene_test(or_one_of_which_nothing_is_known),
        scene_test(it_has_the_value_of_its_cas),
        scene_test(and_its_flags),
        scene_test(and_the_cas_that_is_known),
        scene_test(unless_its_field_is_masked),
        scene_test(it_is_not_one_that_was_deleted),
        scene_test(unless_it_was_there_when_it_was_asked_for),
        scene_test(or_another_change_waits),
        scene_test(or_it_may_have_expired),
        scene_test(a_document_is_observed_as_it_is),
        scene_test(one_that_is_there_is_not_gone),
        scene_test(one_that_was_deleted_is),
        scene_test(one_that_was_not_found_is_not_there),
        scene_test(it_has_its_cas),
        scene_test(what_overlaps_may_have_changed_it),
        scene_test(where_changes_have_overlapped_their_order_may_be_another),
        scene_test(a_server_without_clients_may_have_been_restarted),
        scene_test(what_is_lost_may_have_too),
        scene_test(numbers_of_a_vbucket_do_not_fall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
