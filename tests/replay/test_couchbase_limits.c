/*
 * How long a collection lets documents live (maxTTL): answers show it, if anything does. Documents
 * have revision 1, and CAS 1000 and their number.
 */
#include "base/endian.h"
#include "couchbase_scene.h"
#include "mcbp/feature.h"

static uint32_t now(const struct scene *scene)
{
    return (uint32_t)(scene->time / 1000000000);
}

static void stores(struct scene *scene, const char *key, uint32_t expires, uint64_t number)
{
    uint8_t extras[8] = {0};
    write_be32(extras + 4, expires);
    asks_with(scene, ANN, MCBP_SET, span_of(extras, sizeof(extras)), key, span_of("v", 1));
    is_told_number(scene, ANN, MCBP_SET, 7, number);
}

static void is_shown(struct scene *scene, const char *key, uint32_t expiry, uint64_t number)
{
    uint8_t meta[20] = {0};
    write_be32(meta + 8, expiry);
    meta[19] = 1;
    asks_for(scene, ANN, MCBP_GET_META, 0, key, "");
    is_told(scene, ANN, MCBP_GET_META, 0, span_of(meta, sizeof(meta)), "", 1000 + number);
}

static void is_touched(struct scene *scene, const char *key, uint64_t cas)
{
    asks_with(scene, ANN, MCBP_TOUCH, span_of("\0\0\0\0", 4), key, span_of("", 0));
    is_told(scene, ANN, MCBP_TOUCH, 0, span_of("", 0), "", cas);
}

static void is_gone(struct scene *scene, const char *key)
{
    asks_for(scene, ANN, MCBP_GET, 0, key, "");
    is_told(scene, ANN, MCBP_GET, MCBP_STATUS_KEY_NOT_FOUND, span_of("", 0), "", 0);
}

static void says_manifest(struct scene *scene, const char *manifest)
{
    asks_for(scene, ANN, MCBP_COLLECTIONS_GET_MANIFEST, 0, "", "");
    is_told(scene, ANN, MCBP_COLLECTIONS_GET_MANIFEST, 0, span_of("", 0), manifest, 0);
}

#define LIMITED(uid, seconds)                                                                      \
    "{\"uid\":\"" uid "\",\"scopes\":[{\"name\":\"_default\",\"uid\":\"0\",\"collections\":[{"     \
    "\"name\":\"_default\",\"uid\":\"0\",\"maxTTL\":" seconds "}]}]}"

static void is_right(struct scene *scene)
{
    assert_int_equal(scene_verify(scene)->executed.check.different, 0);
}

static void what_was_stored_to_stay_may_be_shown_to_expire(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    is_shown(scene, "k", now(scene) + 9, 1);
    is_right(scene);
}

static void and_what_is_to_expire_later(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 50, 1);
    is_shown(scene, "k", now(scene) + 9, 1);
    is_right(scene);
}

static void but_not_in_the_past_nor_later_than_it_was_to(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    is_shown(scene, "k", now(scene) - 100, 1);
    stores(scene, "l", 9, 2);
    is_shown(scene, "l", now(scene) + 50, 2);
    assert_int_equal(scene_verify(scene)->executed.check.different, 2);
}

static void then_it_expires(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    is_shown(scene, "k", now(scene) + 9, 1);
    scene_wait(scene, 12);
    is_gone(scene, "k");
    is_right(scene);
}

static void as_do_others_that_are_stored_before_and_after(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "j", 0, 1);
    scene_wait(scene, 3);
    stores(scene, "k", 0, 2);
    is_shown(scene, "k", now(scene) + 9, 2);
    stores(scene, "l", 3000, 3);
    scene_wait(scene, 9);
    is_gone(scene, "j");
    scene_wait(scene, 3);
    is_gone(scene, "l");
    is_right(scene);
}

static void none_is_gone_while_nothing_has_told_a_limit(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    scene_wait(scene, 12);
    is_gone(scene, "k");
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.extras_length");
    assert_string_equal(scene->result.differences[0].detail,
                        "a maxTTL of its collection, if it has one, was not told");
}

static void nor_before_its_time(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    is_shown(scene, "k", now(scene) + 9, 1);
    scene_wait(scene, 4);
    is_gone(scene, "k");
    assert_one_difference(scene, DIFFERENCE_FIELD, "header.extras_length");
}

static void another_can_not_have_another_limit(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    stores(scene, "l", 0, 2);
    is_shown(scene, "k", now(scene) + 9, 1);
    is_shown(scene, "l", now(scene) + 19, 2);
    assert_one_difference(scene, DIFFERENCE_FIELD, "extras");
}

static void nor_one_where_the_first_has_none(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    stores(scene, "l", 0, 2);
    is_shown(scene, "k", 0, 1);
    is_shown(scene, "l", now(scene) + 19, 2);
    assert_one_difference(scene, DIFFERENCE_FIELD, "extras");
}

static void a_touch_prolongs_what_is_limited(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    scene_wait(scene, 5);
    is_touched(scene, "k", 1002);
    scene_wait(scene, 5);
    is_touched(scene, "k", 1003);
    is_right(scene);
}

static void a_manifest_tells_the_limit(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    says_manifest(scene, LIMITED("1", "5"));
    stores(scene, "k", 0, 1);
    scene_wait(scene, 8);
    is_gone(scene, "k");
    is_right(scene);
}

static void or_that_there_is_none(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    says_manifest(scene, LIMITED("1", "0"));
    stores(scene, "k", 0, 1);
    is_shown(scene, "k", now(scene) + 9, 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "extras");
}

static void until_there_is_another_one(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    says_manifest(scene, LIMITED("1", "0"));
    stores(scene, "k", 0, 1);
    is_shown(scene, "k", 0, 1);
    says_manifest(scene, LIMITED("2", "50"));
    stores(scene, "l", 0, 2);
    is_shown(scene, "l", now(scene) + 50, 2);
    is_right(scene);
}

static void who_sets_a_manifest_tells_the_limit_too(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    asks_for(scene, ANN, MCBP_COLLECTIONS_SET_MANIFEST, 0, "", LIMITED("2", "5"));
    is_told(scene, ANN, MCBP_COLLECTIONS_SET_MANIFEST, 0, span_of("", 0), "", 0);
    stores(scene, "k", 0, 1);
    scene_wait(scene, 8);
    is_gone(scene, "k");
    is_right(scene);
}

static void another_manifest_has_numbers_of_its_own(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 0, 1);
    says_manifest(scene, LIMITED("2", "0"));
    stores(scene, "k", 0, 3);
    is_right(scene);
}

/* ---------------------------------------------------------------- another clock */

/* The server's clock is 100 s ahead, as its CAS tells. */
static void a_time_may_be_that_of_the_server(void **state)
{
    struct scene *scene = *state;
    uint8_t meta[20] = {0};
    uint64_t cas = ((uint64_t)scene->time + 100 * UINT64_C(1000000000)) & ~UINT64_C(0xffff);
    greets(scene, ANN, MCBP_FEATURE_XATTR);
    selects(scene, ANN, "default");
    asks_with(scene, ANN, MCBP_SET, span_of("\0\0\0\0\0\0\0\x32", 8), "k", span_of("v", 1));
    is_told(scene, ANN, MCBP_SET, 0, span_of("", 0), "", cas);
    write_be32(meta + 8, now(scene) + 150);
    asks_for(scene, ANN, MCBP_GET_META, 0, "k", "");
    is_told(scene, ANN, MCBP_GET_META, 0, span_of(meta, sizeof(meta)), "", cas);
    is_right(scene);
}

static void but_of_no_other(void **state)
{
    struct scene *scene = *state;
    come(scene, ANN);
    stores(scene, "k", 50, 1);
    is_shown(scene, "k", now(scene) + 150, 1);
    assert_one_difference(scene, DIFFERENCE_FIELD, "extras");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(what_was_stored_to_stay_may_be_shown_to_expire),
        scene_test(and_what_is_to_expire_later),
        scene_test(but_not_in_the_past_nor_later_than_it_was_to),
        scene_test(then_it_expires),
        scene_test(as_do_others_that_are_stored_before_and_after),
        scene_test(none_is_gone_while_nothing_has_told_a_limit),
        scene_test(nor_before_its_time),
        scene_test(another_can_not_have_another_limit),
        scene_test(nor_one_where_the_first_has_none),
        scene_test(a_touch_prolongs_what_is_limited),
        scene_test(a_manifest_tells_the_limit),
        scene_test(or_that_there_is_none),
        scene_test(until_there_is_another_one),
        scene_test(who_sets_a_manifest_tells_the_limit_too),
        scene_test(another_manifest_has_numbers_of_its_own),
        scene_test(a_time_may_be_that_of_the_server),
        scene_test(but_of_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
