#include "mcbp/feature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void features_are_found_by_the_names_they_print(void **state)
{
    (void)state;
    for (uint16_t number = 0x01; number <= 0x26; number++) {
        char text[MCBP_FEATURE_TEXT_SIZE];
        uint16_t found = 0;
        assert_true(mcbp_feature_find(mcbp_feature_text(number, text), &found));
        assert_int_equal(found, number);
    }
}

static void a_feature_without_a_name_is_written_as_its_number(void **state)
{
    (void)state;
    char text[MCBP_FEATURE_TEXT_SIZE];
    uint16_t found;
    assert_string_equal(mcbp_feature_text(0x12, text), "COLLECTIONS");
    assert_string_equal(mcbp_feature_text(0x00, text), "0x0000");
    assert_string_equal(mcbp_feature_text(0x27, text), "0x0027");
    assert_string_equal(mcbp_feature_text(0xffff, text), "0xffff");
    assert_false(mcbp_feature_find("NONE", &found));
}

static void a_list_is_a_set_in_any_order(void **state)
{
    (void)state;
    static const uint8_t list[] = {0, 0x12, 0, 0x04, 0, 0x12, 0, 0x06};
    mcbp_feature_set set = mcbp_feature_set_of(span_of(list, sizeof(list)));
    assert_true(mcbp_feature_is_in(set, MCBP_FEATURE_COLLECTIONS));
    assert_true(mcbp_feature_is_in(set, MCBP_FEATURE_MUTATION_SEQNO));
    assert_true(mcbp_feature_is_in(set, MCBP_FEATURE_XATTR));
    assert_int_equal(__builtin_popcountll(set), 3);
}

static void large_numbers_and_an_odd_byte_are_in_no_set(void **state)
{
    (void)state;
    static const uint8_t list[] = {0, 64, 0x12, 0x12, 0xff, 0xff, 0};
    assert_int_equal(mcbp_feature_set_of(span_of(list, sizeof(list))), 0);
    assert_int_equal(mcbp_feature_set_of(span_of(NULL, 0)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_are_found_by_the_names_they_print),
        cmocka_unit_test(a_feature_without_a_name_is_written_as_its_number),
        cmocka_unit_test(a_list_is_a_set_in_any_order),
        cmocka_unit_test(large_numbers_and_an_odd_byte_are_in_no_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
