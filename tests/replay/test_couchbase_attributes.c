/*
 * Couchbase's dialect: attributes of a document that are not known can't be edited, but what is
 * known of it is kept, and edited.
 */
#include "base/endian.h"
#include "couchbase_scene.h"
#include "mcbp/feature.h"

/* "_a" gets the CAS; it is there, which nothing has shown. "n" of the body is 2 instead, or all of
 * it is another one. */
static const char ATTRIBUTE[] = "\xc8\x14\0\2\0\0\0\x11_a\"${Mutation.CAS}\"";
static const char BOTH[] = "\xca\x14\0\2\0\0\0\x11_a\"${Mutation.CAS}\""
                           "\xc8\0\0\1\0\0\0\1n2";
static const char WHOLE[] = "\xc8\x14\0\2\0\0\0\x11_a\"${Mutation.CAS}\""
                            "\1\0\0\0\0\0\0\7{\"n\":3}";

static void is_stored(struct scene *scene)
{
    come(scene, ANN);
    asks_for(scene, ANN, MCBP_SET, 0, "k", "{\"n\":1}");
    is_told_number(scene, ANN, MCBP_SET, 1, 5);
}

static void is_mutated(struct scene *scene, struct span specs)
{
    mutates(scene, ANN, "k", specs);
    is_told_number(scene, ANN, MCBP_SUBDOC_MULTI_MUTATION, 1, 6);
}

static void is_read(struct scene *scene, const char *value)
{
    asks_for(scene, ANN, MCBP_GET, 0, "k", "");
    is_told(scene, ANN, MCBP_GET, 0, span_of("\0\0\0\0", 4), value, 1006);
}

static void is_right(struct scene *scene)
{
    assert_verdict(scene, .identical = 3, .adopted = 1, .not_executed = 1);
}

static void is_wrong(struct scene *scene)
{
    assert_one_difference(scene, DIFFERENCE_FIELD, "value+5");
}

static void the_body_stays_where_an_attribute_is_set(void **state)
{
    is_stored(*state);
    is_mutated(*state, span_of(ATTRIBUTE, sizeof(ATTRIBUTE) - 1));
    is_read(*state, "{\"n\":1}");
    is_right(*state);
}

static void another_is_a_difference(void **state)
{
    is_stored(*state);
    is_mutated(*state, span_of(ATTRIBUTE, sizeof(ATTRIBUTE) - 1));
    is_read(*state, "{\"n\":7}");
    is_wrong(*state);
}

static void what_is_set_beside_it_is_known(void **state)
{
    is_stored(*state);
    is_mutated(*state, span_of(BOTH, sizeof(BOTH) - 1));
    is_read(*state, "{\"n\":2}");
    is_right(*state);
}

static void so_another_one_is_a_difference(void **state)
{
    is_stored(*state);
    is_mutated(*state, span_of(BOTH, sizeof(BOTH) - 1));
    is_read(*state, "{\"n\":1}");
    is_wrong(*state);
}

static void and_what_replaces_the_body(void **state)
{
    is_stored(*state);
    is_mutated(*state, span_of(WHOLE, sizeof(WHOLE) - 1));
    is_read(*state, "{\"n\":3}");
    is_right(*state);
}

static void as_is_anything_else(void **state)
{
    is_stored(*state);
    is_mutated(*state, span_of(WHOLE, sizeof(WHOLE) - 1));
    is_read(*state, "{\"n\":4}");
    is_wrong(*state);
}

/* ---------------------------------------------------------------- of a locked document */

static void is_shown_locked(struct scene *scene, struct span meta)
{
    asks_for(scene, ANN, MCBP_GET_META, 0, "k", "");
    is_told(scene, ANN, MCBP_GET_META, 0, meta, "", UINT64_MAX);
}

static const char META[] = "\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5";
static const char OTHER_META[] = "\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6";

static void what_a_locked_document_has_is_known_once_it_is_shown(void **state)
{
    come(*state, ANN);
    is_shown_locked(*state, span_of(META, sizeof(META) - 1));
    is_shown_locked(*state, span_of(META, sizeof(META) - 1));
    assert_verdict(*state, .identical = 2, .adopted = 2);
}

static void what_it_has_not_is_a_difference(void **state)
{
    come(*state, ANN);
    is_shown_locked(*state, span_of(META, sizeof(META) - 1));
    is_shown_locked(*state, span_of(OTHER_META, sizeof(OTHER_META) - 1));
    assert_one_difference(*state, DIFFERENCE_FIELD, "extras");
}

/* ---------------------------------------------------------------- what $document says */

/* The document's revision is not known, its CAS is 1005. */
static void is_looked_at(struct scene *scene, struct span specs, struct span results)
{
    bool fails = read_be16(results.data) != 0;
    is_stored(scene);
    asks_with(scene, ANN, MCBP_SUBDOC_MULTI_LOOKUP, span_of("", 0), "k", specs);
    is_told_value(scene, ANN, MCBP_SUBDOC_MULTI_LOOKUP,
                  fails ? MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE : MCBP_STATUS_SUCCESS,
                  span_of("", 0), results, 1005);
}

#define LITERAL(text) span_of(text, sizeof(text) - 1)
#define CAS           LITERAL("\xc5\4\0\15$document.CAS")
#define REVISION      LITERAL("\xc5\4\0\17$document.revid")
#define REVISION_AND  LITERAL("\xc5\4\0\17$document.revid\xc5\0\0\1n")

static void a_member_that_is_known_does_not_depend_on_others(void **state)
{
    is_looked_at(*state, CAS, LITERAL("\0\0\0\0\0\x14\"0x00000000000003ed\""));
    assert_verdict(*state, .identical = 3, .adopted = 1);
}

static void so_another_one_is_wrong(void **state)
{
    is_looked_at(*state, CAS, LITERAL("\0\0\0\0\0\x14\"0x00000000000003ee\""));
    assert_one_difference(*state, DIFFERENCE_FIELD, "value+24");
}

static void one_that_is_not_known_is_learnt(void **state)
{
    is_looked_at(*state, REVISION, LITERAL("\0\0\0\0\0\3\"7\""));
    assert_verdict(*state, .identical = 2, .adopted = 2);
}

static void but_there_is_one(void **state)
{
    is_looked_at(*state, REVISION, LITERAL("\0\xc0\0\0\0\0"));
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

static void and_what_is_beside_it_is_known(void **state)
{
    is_looked_at(*state, REVISION_AND,
                 LITERAL("\0\0\0\0\0\3\"7\"\0\0\0\0\0\1"
                         "2"));
    assert_one_difference(*state, DIFFERENCE_FIELD, "value+15");
}

#define SEQNO   LITERAL("\xc5\4\0\17$document.seqno")
#define VBUCKET LITERAL("\xc5\4\0\26$document.vbucket_uuid")

static void looks(struct scene *scene, struct span specs, struct span results)
{
    asks_with(scene, ANN, MCBP_SUBDOC_MULTI_LOOKUP, span_of("", 0), "k", specs);
    is_told_value(scene, ANN, MCBP_SUBDOC_MULTI_LOOKUP, 0, span_of("", 0), results, 1005);
}

static void clients_without_tokens_are_told_of_no_vbucket(void **state)
{
    struct scene *scene = *state;
    greets(scene, ANN, MCBP_FEATURE_XATTR);
    selects(scene, ANN, "default");
    asks_for(scene, ANN, MCBP_ADD, 0, "k", "1");
    is_told(scene, ANN, MCBP_ADD, 0, span_of("", 0), "", 1005);
    looks(scene, SEQNO, LITERAL("\0\0\0\0\0\x14\"0x0000000000000009\""));
    looks(scene, REVISION, LITERAL("\0\0\0\0\0\3\"1\""));
    looks(scene, VBUCKET, LITERAL("\0\0\0\0\0\x14\"0x0000000000000007\""));
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

static void what_is_not_executed_has_its_form(void **state)
{
    struct scene *scene = *state;
    is_stored(scene);
    mutates(scene, ANN, "k", span_of(ATTRIBUTE, sizeof(ATTRIBUTE) - 1));
    is_told(scene, ANN, MCBP_SUBDOC_MULTI_MUTATION, 0, span_of("", 0), "", 1006);
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.extras_length");
}

/* "n" is added to a new document, and counted up. */
static const char ADDED[] = "\xc7\0\0\1\0\0\0\1n7";
static const char COUNTED[] = "\xcf\0\0\1\0\0\0\1n1";

static void is_inserted_and_counted(struct scene *scene, char count)
{
    const char result[] = {0, 0, 0, 0, 0, 0, 1, count};
    uint8_t token[16] = {[7] = 1, [15] = 6};
    come(scene, ANN);
    asks_with(scene, ANN, MCBP_SUBDOC_MULTI_MUTATION, span_of("\2", 1), "k",
              span_of(ADDED, sizeof(ADDED) - 1));
    is_told_number(scene, ANN, MCBP_SUBDOC_MULTI_MUTATION, 1, 5);
    mutates(scene, ANN, "k", span_of(COUNTED, sizeof(COUNTED) - 1));
    is_told_value(scene, ANN, MCBP_SUBDOC_MULTI_MUTATION, 0, span_of(token, sizeof(token)),
                  span_of(result, sizeof(result)), 1006);
}

static void a_document_that_is_inserted_by_its_parts_is_known(void **state)
{
    is_inserted_and_counted(*state, '8');
    assert_int_equal(scene_verify(*state)->executed.not_executed, 0);
    assert_int_equal(scene_verify(*state)->executed.check.different, 0);
}

static void so_another_count_is_wrong(void **state)
{
    is_inserted_and_counted(*state, '9');
    assert_one_difference(*state, DIFFERENCE_FIELD, "value+7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(the_body_stays_where_an_attribute_is_set),
        scene_test(another_is_a_difference),
        scene_test(what_is_set_beside_it_is_known),
        scene_test(so_another_one_is_a_difference),
        scene_test(and_what_replaces_the_body),
        scene_test(as_is_anything_else),
        scene_test(what_a_locked_document_has_is_known_once_it_is_shown),
        scene_test(what_it_has_not_is_a_difference),
        scene_test(a_member_that_is_known_does_not_depend_on_others),
        scene_test(so_another_one_is_wrong),
        scene_test(one_that_is_not_known_is_learnt),
        scene_test(but_there_is_one),
        scene_test(and_what_is_beside_it_is_known),
        scene_test(clients_without_tokens_are_told_of_no_vbucket),
        scene_test(what_is_not_executed_has_its_form),
        scene_test(a_document_that_is_inserted_by_its_parts_is_known),
        scene_test(so_another_count_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
