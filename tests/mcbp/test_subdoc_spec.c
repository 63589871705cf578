#include "guarded.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct guarded guarded;

#define COPY(bytes) guarded_copy(&guarded, bytes, sizeof(bytes) - 1)

static void assert_text(struct span span, const char *text)
{
    assert_int_equal(span.size, strlen(text));
    assert_true(span.size == 0 || memcmp(span.data, text, span.size) == 0);
}

static void opcodes_have_three_shapes(void **state)
{
    (void)state;
    assert_int_equal(mcbp_subdoc_shape_of(MCBP_GET), MCBP_SUBDOC_NONE);
    assert_int_equal(mcbp_subdoc_shape_of(0xc4), MCBP_SUBDOC_NONE);
    assert_int_equal(mcbp_subdoc_shape_of(MCBP_SUBDOC_GET), MCBP_SUBDOC_SINGLE);
    assert_int_equal(mcbp_subdoc_shape_of(MCBP_SUBDOC_MULTI_LOOKUP), MCBP_SUBDOC_LOOKUP);
    assert_int_equal(mcbp_subdoc_shape_of(MCBP_SUBDOC_MULTI_MUTATION), MCBP_SUBDOC_MUTATION);
    assert_int_equal(mcbp_subdoc_shape_of(MCBP_SUBDOC_GET_COUNT), MCBP_SUBDOC_SINGLE);
    assert_int_equal(mcbp_subdoc_shape_of(0xd3), MCBP_SUBDOC_SINGLE);
    assert_int_equal(mcbp_subdoc_shape_of(0xd4), MCBP_SUBDOC_NONE);
}

static void a_single_path_lies_in_extras_and_value(void **state)
{
    (void)state;
    struct mcbp_subdoc_extras extras;
    struct mcbp_subdoc_spec spec;
    assert_true(mcbp_subdoc_extras_read(
        MCBP_SUBDOC_SINGLE, COPY("\x00\x03\x01\x00\x00\x00\x0a\x02\x00\x00\x06\x04"), &extras));
    assert_int_equal(extras.path_flags, MCBP_SUBDOC_PATH_MKDIR_P);
    assert_int_equal(extras.doc_flags, MCBP_SUBDOC_DOC_ACCESS_DELETED);
    assert_true(extras.has_expiry && extras.has_user_flags);
    assert_int_equal(extras.expiry, 10);
    assert_int_equal(extras.user_flags, 0x02000006);
    assert_true(mcbp_subdoc_single(MCBP_SUBDOC_DICT_ADD, &extras, COPY("a.b\"v\""), &spec));
    assert_text(spec.path, "a.b");
    assert_text(spec.value, "\"v\"");
    assert_false(mcbp_subdoc_single(MCBP_SUBDOC_DICT_ADD, &extras, COPY("a."), &spec));
}

static void the_length_of_extras_says_what_is_in_them(void **state)
{
    (void)state;
    struct mcbp_subdoc_extras extras;
    static const uint8_t bytes[16] = {0, 1, 4, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    for (size_t size = 0; size < sizeof(bytes); size++) {
        struct span span = guarded_copy(&guarded, bytes, size);
        bool single = size == 3 || size == 4 || size == 7 || size == 8 || size == 11 || size == 12;
        bool multi = size == 0 || size == 1 || size == 4 || size == 5 || size == 8 || size == 9;
        assert_int_equal(mcbp_subdoc_extras_read(MCBP_SUBDOC_SINGLE, span, &extras), single);
        assert_int_equal(mcbp_subdoc_extras_read(MCBP_SUBDOC_MUTATION, span, &extras), multi);
        assert_int_equal(mcbp_subdoc_extras_read(MCBP_SUBDOC_LOOKUP, span, &extras), size <= 1);
        assert_false(mcbp_subdoc_extras_read(MCBP_SUBDOC_NONE, span, &extras));
    }
}

static void specs_of_lookups_are_walked_one_by_one(void **state)
{
    (void)state;
    struct mcbp_subdoc_spec spec;
    struct span value = COPY("\xc5\x04\x00\x03_id"
                             "\x00\x00\x00\x00");
    assert_true(mcbp_subdoc_spec_next(MCBP_SUBDOC_LOOKUP, &value, &spec));
    assert_int_equal(spec.opcode, MCBP_SUBDOC_GET);
    assert_int_equal(spec.flags, MCBP_SUBDOC_PATH_XATTR);
    assert_text(spec.path, "_id");
    assert_true(mcbp_subdoc_spec_next(MCBP_SUBDOC_LOOKUP, &value, &spec));
    assert_int_equal(spec.opcode, MCBP_GET);
    assert_int_equal(spec.path.size, 0);
    assert_false(mcbp_subdoc_spec_next(MCBP_SUBDOC_LOOKUP, &value, &spec));
    assert_int_equal(value.size, 0);
}

static void specs_of_mutations_have_values(void **state)
{
    (void)state;
    struct mcbp_subdoc_spec spec;
    struct span value = COPY("\xc8\x01\x00\x01\x00\x00\x00\x02"
                             "a12");
    assert_true(mcbp_subdoc_spec_next(MCBP_SUBDOC_MUTATION, &value, &spec));
    assert_text(spec.path, "a");
    assert_text(spec.value, "12");
    assert_int_equal(value.size, 0);
}

static void a_cut_spec_is_left_where_it_is(void **state)
{
    (void)state;
    struct mcbp_subdoc_spec spec;
    static const char mutation[] = "\xc8\x01\x00\x01\x00\x00\x00\x02"
                                   "a12";
    for (size_t size = 0; size < sizeof(mutation) - 1; size++) {
        struct span value = guarded_copy(&guarded, mutation, size);
        assert_false(mcbp_subdoc_spec_next(MCBP_SUBDOC_MUTATION, &value, &spec));
        assert_int_equal(value.size, size);
    }
    struct span huge = COPY("\xc8\x01\x00\x01\xff\xff\xff\xff"
                            "a12");
    assert_false(mcbp_subdoc_spec_next(MCBP_SUBDOC_MUTATION, &huge, &spec));
}

static void a_lookup_has_a_result_for_each_spec(void **state)
{
    (void)state;
    struct mcbp_subdoc_result result;
    struct span value = COPY("\x00\x00\x00\x00\x00\x02"
                             "42"
                             "\x00\xc0\x00\x00\x00\x00");
    assert_true(mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &value, &result));
    assert_int_equal(result.status, MCBP_STATUS_SUCCESS);
    assert_text(result.value, "42");
    assert_true(mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &value, &result));
    assert_int_equal(result.status, MCBP_STATUS_SUBDOC_PATH_NOT_FOUND);
    assert_int_equal(result.value.size, 0);
    assert_false(mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &value, &result));
}

static void a_mutation_s_failure_has_no_value(void **state)
{
    (void)state;
    struct mcbp_subdoc_result result;
    struct span value = COPY("\x02\x00\x00\x00\x00\x00\x01"
                             "7"
                             "\x01\x00\xc9");
    assert_true(mcbp_subdoc_result_next(MCBP_SUBDOC_MUTATION, &value, &result));
    assert_int_equal(result.index, 2);
    assert_text(result.value, "7");
    assert_true(mcbp_subdoc_result_next(MCBP_SUBDOC_MUTATION, &value, &result));
    assert_int_equal(result.index, 1);
    assert_int_equal(result.status, MCBP_STATUS_SUBDOC_PATH_EXISTS);
    assert_int_equal(value.size, 0);
}

static void a_cut_result_is_left_where_it_is(void **state)
{
    (void)state;
    struct mcbp_subdoc_result result;
    static const char bytes[] = "\x00\x00\x00\x00\x00\x00\x02"
                                "42";
    for (size_t size = 0; size < sizeof(bytes) - 1; size++) {
        struct span value = guarded_copy(&guarded, bytes, size);
        assert_false(mcbp_subdoc_result_next(MCBP_SUBDOC_MUTATION, &value, &result));
        assert_int_equal(value.size, size);
        if (size > 0) {
            value = guarded_copy(&guarded, bytes + 1, size - 1);
            assert_false(mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &value, &result));
            assert_int_equal(value.size, size - 1);
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    guarded_init(&guarded);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guarded_deinit(&guarded);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opcodes_have_three_shapes),
        cmocka_unit_test(a_single_path_lies_in_extras_and_value),
        cmocka_unit_test(the_length_of_extras_says_what_is_in_them),
        cmocka_unit_test(specs_of_lookups_are_walked_one_by_one),
        cmocka_unit_test(specs_of_mutations_have_values),
        cmocka_unit_test(a_cut_spec_is_left_where_it_is),
        cmocka_unit_test(a_lookup_has_a_result_for_each_spec),
        cmocka_unit_test(a_mutation_s_failure_has_no_value),
        cmocka_unit_test(a_cut_result_is_left_where_it_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
