#include "live/alike.h"
#include "live/bindings.h"
#include "live/seqnos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool alike(const char *a, const char *b)
{
    static const char *const names[] = {"ref", "uid", NULL};
    return json_alike(span_of(a, strlen(a)), span_of(b, strlen(b)), names);
}

static void the_same_text_is_alike(void **state)
{
    (void)state;
    assert_true(alike("", ""));
    assert_true(
        alike("{\"error\":{\"context\":\"a\\\"b\"}}", "{\"error\":{\"context\":\"a\\\"b\"}}"));
    assert_false(alike("{}", "{} "));
    assert_false(alike("{\"context\":\"a\"}", "{\"context\":\"b\"}"));
}

static void values_of_named_members_may_differ(void **state)
{
    (void)state;
    assert_true(alike("{\"ref\":\"1-2\",\"a\":1}", "{\"ref\":\"abc\",\"a\":1}"));
    assert_true(alike("{\"uid\":12}", "{\"uid\":3456}"));
    assert_false(alike("{\"ref\":\"1-2\",\"a\":1}", "{\"ref\":\"abc\",\"a\":2}"));
    assert_false(alike("{\"other\":\"1\"}", "{\"other\":\"2\"}"));
}

static void their_kind_may_not(void **state)
{
    (void)state;
    assert_false(alike("{\"uid\":1}", "{\"uid\":\"1\"}"));
    assert_false(alike("{\"uid\":\"1\"}", "{\"uid\":\"\"}"));
    assert_false(alike("{\"uid\":1}", "{\"uid\":}"));
    assert_false(alike("{\"uid\":[1]}", "{\"uid\":[1]}")); /* neither string nor number */
}

static void a_value_of_such_a_name_is_no_member(void **state)
{
    (void)state;
    assert_true(alike("[\"ref\",\"x\"]", "[\"ref\",\"x\"]"));
    assert_false(alike("[\"ref\",\"x\"]", "[\"ref\",\"y\"]"));
}

static void text_that_ends_within_a_string_is_never_alike(void **state)
{
    (void)state;
    assert_false(alike("\"", "\""));
    assert_false(alike("\"a\\", "\"a\\"));
    assert_false(alike("{\"ref\":\"1", "{\"ref\":\"1"));
    assert_false(alike("{\"ref\":", "{\"ref\":"));
}

static void each_vbucket_gives_values_of_its_own(void **state)
{
    (void)state;
    struct bindings bindings = {0};
    uint64_t expected;
    uint64_t to;
    struct bound first = {.kind = BOUND_CAS, .vbucket = 1, .value = 5};
    struct bound second = {.kind = BOUND_CAS, .vbucket = 2, .value = 6};
    assert_int_equal(bindings_note(&bindings, &first, 70, &expected), BOUND_NEW);
    assert_int_equal(bindings_note(&bindings, &second, 70, &expected), BOUND_NEW);
    assert_int_equal(bindings_note(&bindings, &first, 71, &expected), BOUND_ANOTHER);
    assert_int_equal(expected, 70);
    assert_true(bindings_find(&bindings, &first, &to));
    assert_int_equal(to, 70);
    second.vbucket = 1;
    assert_int_equal(bindings_note(&bindings, &second, 70, &expected), BOUND_TWICE);
    assert_int_not_equal(expected, 70);
    bindings_deinit(&bindings);
}

static void the_number_0_can_be_bound(void **state)
{
    (void)state;
    struct bindings bindings = {0};
    uint64_t expected;
    uint64_t to = 1;
    struct bound none = {.kind = BOUND_COLLECTION, .value = 0};
    assert_int_equal(bindings_note(&bindings, &none, 0, &expected), BOUND_NEW);
    assert_int_equal(bindings_note(&bindings, &none, 0, &expected), BOUND_KNOWN);
    assert_true(bindings_find(&bindings, &none, &to));
    assert_int_equal(to, 0);
    bindings_deinit(&bindings);
}

static void the_highest_number_stays_unless_one_is_wrong(void **state)
{
    (void)state;
    struct seqnos seqnos = {0};
    assert_int_equal(seqnos_last(&seqnos, 7), 0);
    assert_true(seqnos_note(&seqnos, 7, &(struct mcbp_token){1, 6}, 0));
    assert_true(seqnos_note(&seqnos, 7, &(struct mcbp_token){1, 5}, 4)); /* overtaken */
    assert_int_equal(seqnos_last(&seqnos, 7), 6);
    assert_true(seqnos_note(&seqnos, 7, &(struct mcbp_token){1, 5}, 6)); /* wrong */
    assert_int_equal(seqnos_last(&seqnos, 7), 5);
    assert_true(seqnos_note(&seqnos, 7, &(struct mcbp_token){2, 1}, 0)); /* of another life */
    assert_int_equal(seqnos_last(&seqnos, 7), 1);
    assert_int_equal(seqnos_last(&seqnos, 8), 0);
    seqnos_deinit(&seqnos);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_text_is_alike),
        cmocka_unit_test(values_of_named_members_may_differ),
        cmocka_unit_test(their_kind_may_not),
        cmocka_unit_test(a_value_of_such_a_name_is_no_member),
        cmocka_unit_test(text_that_ends_within_a_string_is_never_alike),
        cmocka_unit_test(each_vbucket_gives_values_of_its_own),
        cmocka_unit_test(the_number_0_can_be_bound),
        cmocka_unit_test(the_highest_number_stays_unless_one_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
