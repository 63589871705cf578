/*
 * Reads of replicas: these may be behind, so that what they show is no news of the document; but a
 * version of it has one content. A document's CAS is 1000 and the number of its change.
 */
#include "couchbase_scene.h"
#include "mcbp/subdoc_spec.h"

static void stores(struct scene *scene, const char *value, uint64_t number)
{
    asks_for(scene, ANN, MCBP_SET, 0, "k", value);
    is_told_number(scene, ANN, MCBP_SET, 7, number);
}

static void is_read(struct scene *scene, uint8_t opcode, const char *value, uint64_t number)
{
    asks_for(scene, ANN, opcode, 0, "k", "");
    is_told(scene, ANN, opcode, 0, span_of("\0\0\0\0", 4), value, 1000 + number);
}

static void is_missing(struct scene *scene, uint8_t opcode)
{
    asks_for(scene, ANN, opcode, 0, "k", "");
    is_told(scene, ANN, opcode, MCBP_STATUS_KEY_NOT_FOUND, span_of("", 0), "", 0);
}

/* A lookup of path n, of a replica. */
static void is_looked_up(struct scene *scene, const char *result, uint64_t number)
{
    static const uint8_t of_replica[] = {MCBP_SUBDOC_DOC_REPLICA_READ};
    static const char spec[] = "\xc5\0\0\1n";
    asks_with(scene, ANN, MCBP_SUBDOC_MULTI_LOOKUP, span_of(of_replica, 1), "k",
              span_of(spec, sizeof(spec) - 1));
    char value[16] = {0, 0, 0, 0, 0, (char)strlen(result)};
    memcpy(value + 6, result, strlen(result));
    is_told_value(scene, ANN, MCBP_SUBDOC_MULTI_LOOKUP, 0, span_of("", 0),
                  span_of(value, 6 + strlen(result)), 1000 + number);
}

static void is_right(struct scene *scene)
{
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

static void a_replica_may_be_behind(void **state)
{
    come(*state, ANN);
    stores(*state, "a", 1);
    stores(*state, "b", 2);
    is_read(*state, MCBP_GET_REPLICA, "a", 1);
    is_read(*state, MCBP_GET, "b", 2);
    is_right(*state);
}

static void or_not_have_it_yet(void **state)
{
    come(*state, ANN);
    stores(*state, "a", 1);
    is_missing(*state, MCBP_GET_REPLICA);
    is_read(*state, MCBP_GET, "a", 1);
    is_right(*state);
}

static void or_still_have_it(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "a", 1);
    asks_for(scene, ANN, MCBP_DELETE, 0, "k", "");
    is_told_number(scene, ANN, MCBP_DELETE, 7, 2);
    is_read(scene, MCBP_GET_REPLICA, "a", 1);
    is_missing(scene, MCBP_GET);
    is_right(scene);
}

static void what_it_shows_is_no_lookup_of_the_document(void **state)
{
    come(*state, ANN);
    stores(*state, "{\"n\":1}", 1);
    stores(*state, "{\"n\":2}", 2);
    is_looked_up(*state, "1", 1);
    is_read(*state, MCBP_GET, "{\"n\":2}", 2);
    is_right(*state);
}

static void the_same_version_has_the_same_value(void **state)
{
    come(*state, ANN);
    stores(*state, "a", 1);
    is_read(*state, MCBP_GET_REPLICA, "a", 1);
    assert_verdict(*state, .identical = 3, .adopted = 1);
}

static void not_another_one(void **state)
{
    come(*state, ANN);
    stores(*state, "a", 1);
    is_read(*state, MCBP_GET_REPLICA, "b", 1);
    assert_one_difference(*state, DIFFERENCE_FIELD, "value+0");
}

static void nor_do_parts_of_it(void **state)
{
    come(*state, ANN);
    stores(*state, "{\"n\":1}", 1);
    is_looked_up(*state, "2", 1);
    assert_one_difference(*state, DIFFERENCE_FIELD, "value+6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_replica_may_be_behind),
        scene_test(or_not_have_it_yet),
        scene_test(or_still_have_it),
        scene_test(what_it_shows_is_no_lookup_of_the_document),
        scene_test(the_same_version_has_the_same_value),
        scene_test(not_another_one),
        scene_test(nor_do_parts_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
