/*
 * Couchbase's dialect: errors that a server may give whatever it holds, but not where they deny
 * what is known of the connection.
 */
#include "couchbase_scene.h"
#include "mcbp/feature.h"

static void is_refused(struct scene *scene, uint8_t opcode, uint16_t status)
{
    is_told(scene, ANN, opcode, status, span_of("", 0), "", 0);
}

static void gets(struct scene *scene, uint16_t status)
{
    asks_for(scene, ANN, MCBP_GET, 0, "k", "");
    is_refused(scene, MCBP_GET, status);
}

static void a_client_that_has_selected_a_bucket_has_one(void **state)
{
    come(*state, ANN);
    gets(*state, MCBP_STATUS_NO_BUCKET);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

static void of_no_document_either(void **state)
{
    come(*state, ANN);
    asks_for(*state, ANN, MCBP_OBSERVE_SEQNO, 0, "", "12345678");
    is_refused(*state, MCBP_OBSERVE_SEQNO, MCBP_STATUS_NO_BUCKET);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

static void one_that_has_selected_none_may_have_none(void **state)
{
    greets(*state, ANN, MCBP_FEATURE_XATTR);
    gets(*state, MCBP_STATUS_NO_BUCKET);
    assert_verdict(*state, .identical = 1, .adopted = 1);
}

static void or_has_left_it(void **state)
{
    come(*state, ANN);
    selects(*state, ANN, "@no bucket@");
    gets(*state, MCBP_STATUS_NO_BUCKET);
    assert_verdict(*state, .identical = 1, .adopted = 3);
}

static void or_has_logged_in_as_another_user(void **state)
{
    come(*state, ANN);
    asks_for(*state, ANN, MCBP_SASL_AUTH, 0, "PLAIN", "1u1p");
    is_told(*state, ANN, MCBP_SASL_AUTH, 0, span_of("", 0), "", 0);
    gets(*state, MCBP_STATUS_NO_BUCKET);
    assert_verdict(*state, .identical = 1, .adopted = 3);
}

static void documents_are_supported(void **state)
{
    greets(*state, ANN, MCBP_FEATURE_XERROR);
    selects(*state, ANN, "default");
    gets(*state, MCBP_STATUS_NOT_SUPPORTED);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

static void but_not_by_a_bucket_of_configurations_that_can_not_say_so(void **state)
{
    greets(*state, ANN, MCBP_FEATURE_XATTR);
    selects(*state, ANN, "default");
    gets(*state, MCBP_STATUS_NOT_SUPPORTED);
    assert_verdict(*state, .identical = 1, .adopted = 2);
}

/* ANN, whose HELLO is not in the capture, has agreed on more errors, which one that comes for any
 * reason does not deny. */
static void one_that_comes_at_any_time_says_nothing_of_others(void **state)
{
    enum { OF_K = 98 }; /* its vbucket, of 1,024 */
    scene_join(*state, ANN);
    asks_for(*state, ANN, MCBP_SET, OF_K, "k", "v");
    is_told_number(*state, ANN, MCBP_SET, 1, 1);
    asks_for(*state, ANN, MCBP_GET_LOCKED, OF_K, "k", "");
    is_told(*state, ANN, MCBP_GET_LOCKED, 0, span_of("\0\0\0\0", 4), "v", 1002);
    asks_for(*state, ANN, MCBP_GET_LOCKED, OF_K, "k", "");
    is_refused(*state, MCBP_GET_LOCKED, MCBP_STATUS_TEMPORARY_FAILURE);
    asks_for(*state, ANN, MCBP_SET, OF_K, "k", "w");
    is_refused(*state, MCBP_SET, MCBP_STATUS_LOCKED);
    assert_verdict(*state, .identical = 4);
}

/* ---------------------------------------------------------------- changes */

/* The changes before and behind it have CAS 1001 and 1002. */
static void a_cas_of_what_is_refused_says_nothing_of_others(void **state)
{
    come(*state, ANN);
    asks_for(*state, ANN, MCBP_SET, 0, "k", "v");
    is_told_number(*state, ANN, MCBP_SET, 1, 1);
    asks_for(*state, ANN, MCBP_ADD, 0, "k", "w");
    is_told(*state, ANN, MCBP_ADD, MCBP_STATUS_KEY_EXISTS, span_of("", 0), "", 5000);
    asks_for(*state, ANN, MCBP_SET, 0, "other", "v");
    is_told_number(*state, ANN, MCBP_SET, 1, 2);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.cas");
}

/* Digits; the CAS values are 1001 and so on. */
static void changes_are_numbered(struct scene *scene, const char *numbers)
{
    come(scene, ANN);
    for (uint64_t i = 0; numbers[i] != '\0'; i++) {
        uint8_t token[MCBP_TOKEN_SIZE];
        mcbp_token_write(&(struct mcbp_token){1, (uint64_t)(numbers[i] - '0')}, token);
        asks_for(scene, ANN, MCBP_SET, 0, "k", "v");
        is_told(scene, ANN, MCBP_SET, 0, span_of(token, sizeof(token)), "", 1001 + i);
    }
}

static void a_number_that_is_left_out_differs_once(void **state)
{
    changes_are_numbered(*state, "12456");
    assert_one_difference(*state, DIFFERENCE_FIELD, "extras");
}

static void so_does_one_that_is_wrong(void **state)
{
    changes_are_numbered(*state, "12445");
    assert_one_difference(*state, DIFFERENCE_FIELD, "extras");
}

static void each_time(void **state)
{
    changes_are_numbered(*state, "124578");
    assert_verdict(*state, .identical = 5, .adopted = 1, .different = 2);
}

static void nothing_is_missing_that_a_noop_asks_for(void **state)
{
    come(*state, ANN);
    asks_for(*state, ANN, MCBP_NOOP, 0, "", "");
    is_refused(*state, MCBP_NOOP, MCBP_STATUS_KEY_NOT_FOUND);
    assert_one_difference(*state, DIFFERENCE_FIELD, "header.status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(a_client_that_has_selected_a_bucket_has_one),
        scene_test(of_no_document_either),
        scene_test(one_that_has_selected_none_may_have_none),
        scene_test(or_has_left_it),
        scene_test(or_has_logged_in_as_another_user),
        scene_test(documents_are_supported),
        scene_test(but_not_by_a_bucket_of_configurations_that_can_not_say_so),
        scene_test(one_that_comes_at_any_time_says_nothing_of_others),
        scene_test(a_cas_of_what_is_refused_says_nothing_of_others),
        scene_test(a_number_that_is_left_out_differs_once),
        scene_test(so_does_one_that_is_wrong),
        scene_test(each_time),
        scene_test(nothing_is_missing_that_a_noop_asks_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
