/*
 * Couchbase's dialect: subdocument commands on deleted documents, of which a tombstone is left, and
 * SUBDOC_REPLACE_BODY_WITH_XATTR.
 */
#include "couchbase_scene.h"

#define BYTES(text)    span_of(text, sizeof(text) - 1)
#define ACCESS_DELETED BYTES("\4")

enum { UUID = 1 };

/* "_s" is set to 1 in a document that has nothing else but its value. */
static void is_marked(struct scene *scene)
{
    come(scene, ANN);
    asks_for(scene, ANN, MCBP_ADD, 0, "k", "{\"n\":1}");
    is_told_number(scene, ANN, MCBP_ADD, UUID, 5);
    mutates(scene, ANN, "k", BYTES("\xc8\4\0\2\0\0\0\1_s1"));
    is_told_number(scene, ANN, MCBP_SUBDOC_MULTI_MUTATION, UUID, 6);
}

static void is_deleted(struct scene *scene)
{
    asks_for(scene, ANN, MCBP_DELETE, 0, "k", "");
    is_told_number(scene, ANN, MCBP_DELETE, UUID, 7);
}

static void looks_for_mark(struct scene *scene)
{
    asks_with(scene, ANN, MCBP_SUBDOC_MULTI_LOOKUP, ACCESS_DELETED, "k", BYTES("\xc5\4\0\2_s"));
}

/* Of the one path. */
static void is_shown(struct scene *scene, uint16_t status, struct span result, uint64_t cas)
{
    uint8_t bytes[SAID_ROOM] = {MCBP_CLIENT_RESPONSE, MCBP_SUBDOC_MULTI_LOOKUP};
    bytes[7] = (uint8_t)status;
    bytes[11] = (uint8_t)result.size;
    bytes[22] = (uint8_t)(cas >> 8);
    bytes[23] = (uint8_t)cas;
    memcpy(bytes + MCBP_HEADER_SIZE, result.data, result.size);
    scene_say_bytes(scene, ANN, false, span_of(bytes, MCBP_HEADER_SIZE + result.size));
}

static void is_told_miss(struct scene *scene, uint8_t opcode)
{
    is_told(scene, ANN, opcode, MCBP_STATUS_KEY_NOT_FOUND, span_of("", 0), "", 0);
}

static void is_cold(struct scene *scene)
{
    scene->options.cold = true;
}

/* ---------------------------------------------------------------- tombstones */

static void a_tombstone_keeps_a_system_attribute(void **state)
{
    is_cold(*state);
    is_marked(*state);
    is_deleted(*state);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUBDOC_SUCCESS_DELETED, BYTES("\0\0\0\0\0\0011"), 1007);
    assert_verdict(*state, .identical = 5, .adopted = 1);
}

static void another_one_is_a_difference(void **state)
{
    is_cold(*state);
    is_marked(*state);
    is_deleted(*state);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUBDOC_SUCCESS_DELETED, BYTES("\0\0\0\0\0\0012"), 1007);
    assert_one_difference(*state, DIFFERENCE_FIELD, "value+6");
}

static void so_is_its_absence(void **state)
{
    is_cold(*state);
    is_marked(*state);
    is_deleted(*state);
    looks_for_mark(*state);
    is_told_miss(*state, MCBP_SUBDOC_MULTI_LOOKUP);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

static void but_after_ten_minutes_the_server_may_have_forgotten_it(void **state)
{
    is_cold(*state);
    is_marked(*state);
    is_deleted(*state);
    scene_wait(*state, 601);
    looks_for_mark(*state);
    is_told_miss(*state, MCBP_SUBDOC_MULTI_LOOKUP);
    assert_verdict(*state, .identical = 4, .adopted = 2);
}

static void a_document_that_is_alive_is_no_tombstone(void **state)
{
    is_cold(*state);
    is_marked(*state);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUBDOC_SUCCESS_DELETED, BYTES("\0\0\0\0\0\0011"), 1006);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

static void of_a_document_from_before_there_may_be_one(void **state)
{
    come(*state, ANN);
    asks_for(*state, ANN, MCBP_GET, 0, "k", "");
    is_told_miss(*state, MCBP_GET);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUBDOC_SUCCESS_DELETED, BYTES("\0\0\0\0\0\0011"), 1007);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUBDOC_SUCCESS_DELETED, BYTES("\0\0\0\0\0\0011"), 1007);
    assert_verdict(*state, .identical = 1, .adopted = 4);
}

static void but_no_document_if_there_was_none(void **state)
{
    come(*state, ANN);
    asks_for(*state, ANN, MCBP_GET, 0, "k", "");
    is_told_miss(*state, MCBP_GET);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUCCESS, BYTES("\0\0\0\0\0\0011"), 1007);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

static void which_has_one_cas(void **state)
{
    come(*state, ANN);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUBDOC_SUCCESS_DELETED, BYTES("\0\0\0\0\0\0011"), 1007);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUBDOC_SUCCESS_DELETED, BYTES("\0\0\0\0\0\0011"), 1008);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.cas");
}

static void or_there_may_be_none_and_then_there_is_none(void **state)
{
    come(*state, ANN);
    looks_for_mark(*state);
    is_told_miss(*state, MCBP_SUBDOC_MULTI_LOOKUP);
    looks_for_mark(*state);
    is_shown(*state, MCBP_STATUS_SUBDOC_SUCCESS_DELETED, BYTES("\0\0\0\0\0\0011"), 1007);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

/* The attribute that goes with it is not known: it may have others. */
static void deleting_the_body_leaves_no_document_whatever_its_attributes(void **state)
{
    come(*state, ANN);
    asks_for(*state, ANN, MCBP_SET, 0, "k", "{\"n\":1}");
    is_told_number(*state, ANN, MCBP_SET, UUID, 5);
    mutates(*state, ANN, "k", BYTES("\xc8\4\0\2\0\0\0\1_s1\4\0\0\0\0\0\0\0"));
    is_told_number(*state, ANN, MCBP_SUBDOC_MULTI_MUTATION, UUID, 6);
    asks_for(*state, ANN, MCBP_GET, 0, "k", "");
    is_told_miss(*state, MCBP_GET);
    assert_verdict(*state, .identical = 3, .adopted = 1, .not_executed = 1);
}

/* ---------------------------------------------------------------- a body from an attribute */

static void is_replaced(struct scene *scene)
{
    asks_with(scene, ANN, MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR, BYTES("\0\2\4"), "k", BYTES("_s"));
    is_told_number(scene, ANN, MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR, UUID, 7);
    asks_for(scene, ANN, MCBP_GET, 0, "k", "");
}

static void the_body_is_what_the_attribute_was(void **state)
{
    is_cold(*state);
    is_marked(*state);
    is_replaced(*state);
    is_told(*state, ANN, MCBP_GET, 0, BYTES("\0\0\0\0"), "1", 1007);
    assert_verdict(*state, .identical = 5, .adopted = 1);
}

static void what_it_was_before_is_a_difference(void **state)
{
    is_cold(*state);
    is_marked(*state);
    is_replaced(*state);
    is_told(*state, ANN, MCBP_GET, 0, BYTES("\0\0\0\0"), "2", 1007);
    assert_one_difference(*state, DIFFERENCE_FIELD, "value+0");
}

static void of_an_attribute_that_is_not_known_it_may_be_anything(void **state)
{
    come(*state, ANN);
    asks_for(*state, ANN, MCBP_SET, 0, "k", "{\"n\":1}");
    is_told_number(*state, ANN, MCBP_SET, UUID, 6);
    is_replaced(*state);
    is_told(*state, ANN, MCBP_GET, 0, BYTES("\0\0\0\0"), "2", 1007);
    assert_verdict(*state, .identical = 2, .adopted = 2, .not_executed = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_tombstone_keeps_a_system_attribute),
        scene_test(another_one_is_a_difference),
        scene_test(so_is_its_absence),
        scene_test(but_after_ten_minutes_the_server_may_have_forgotten_it),
        scene_test(a_document_that_is_alive_is_no_tombstone),
        scene_test(of_a_document_from_before_there_may_be_one),
        scene_test(but_no_document_if_there_was_none),
        scene_test(which_has_one_cas),
        scene_test(or_there_may_be_none_and_then_there_is_none),
        scene_test(deleting_the_body_leaves_no_document_whatever_its_attributes),
        scene_test(the_body_is_what_the_attribute_was),
        scene_test(what_it_was_before_is_a_difference),
        scene_test(of_an_attribute_that_is_not_known_it_may_be_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
