#include "guarded.h"
#include "mcbp/frame_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct guarded guarded;

static void assert_next(struct span *rest, uint16_t id, size_t size, size_t whole)
{
    struct mcbp_frame_info info;
    assert_true(mcbp_frame_info_next(rest, &info));
    assert_int_equal(info.id, id);
    assert_int_equal(info.value.size, size);
    assert_int_equal(info.bytes.size, whole);
}

static void assert_refused(const void *bytes, size_t size)
{
    struct span rest = guarded_copy(&guarded, bytes, size);
    struct mcbp_frame_info info;
    assert_false(mcbp_frame_info_next(&rest, &info));
    assert_int_equal(rest.size, size);
}

static void a_duration_and_three_units_are_read_in_order(void **state)
{
    (void)state;
    static const uint8_t infos[] = {0x02, 0, 1, 0x12, 0, 2, 0x22, 0, 3, 0x32, 0, 4};
    struct span rest = guarded_copy(&guarded, infos, sizeof(infos));
    assert_next(&rest, MCBP_FRAME_INFO_DURATION, 2, 3);
    assert_next(&rest, MCBP_FRAME_INFO_READ_UNITS, 2, 3);
    assert_next(&rest, MCBP_FRAME_INFO_WRITE_UNITS, 2, 3);
    assert_next(&rest, MCBP_FRAME_INFO_THROTTLE, 2, 3);
    struct mcbp_frame_info info;
    assert_false(mcbp_frame_info_next(&rest, &info));
    assert_int_equal(rest.size, 0);
}

static void escaped_ids_and_lengths_add_the_next_byte_to_15(void **state)
{
    (void)state;
    uint8_t bytes[3 + 270] = {0xff, 0, 0};
    struct span rest = guarded_copy(&guarded, bytes, 3 + 15);
    assert_next(&rest, 15, 15, 18);

    bytes[1] = bytes[2] = 255;
    rest = guarded_copy(&guarded, bytes, 3 + 270);
    assert_next(&rest, 270, 270, 273);

    static const uint8_t id_only[] = {0xf1, 2, 9};
    rest = guarded_copy(&guarded, id_only, sizeof(id_only));
    assert_next(&rest, 17, 1, 3);
}

static void what_is_cut_short_is_refused(void **state)
{
    (void)state;
    assert_refused("", 0);
    assert_refused("\x02\x01", 2); /* one of two bytes */
    assert_refused("\xf0", 1);     /* no escape byte for the id */
    assert_refused("\x0f", 1);     /* none for the length */
    assert_refused("\xff\x01", 2); /* one of two */
    assert_refused("\x0f\x00"
                   "14 bytes only",
                   15);
}

static void every_id_and_length_survives_encoding(void **state)
{
    (void)state;
    static uint8_t value[MCBP_FRAME_INFO_VALUE_MAX];
    uint8_t bytes[MCBP_FRAME_INFO_PREFIX_MAX + MCBP_FRAME_INFO_VALUE_MAX];
    for (uint16_t id = 0; id <= MCBP_FRAME_INFO_ID_MAX; id++) {
        for (size_t size = 0; size <= MCBP_FRAME_INFO_VALUE_MAX; size++) {
            struct mcbp_frame_info info = {.id = id, .value = span_of(value, size)};
            size_t written = mcbp_frame_info_encode(&info, bytes, sizeof(bytes));
            assert_int_equal(written, 1 + (id >= 15) + (size >= 15) + size);
            struct span rest = span_of(bytes, written);
            assert_next(&rest, id, size, written);
            assert_int_equal(mcbp_frame_info_encode(&info, bytes, written - 1), 0);
        }
    }
}

static void ids_and_lengths_beyond_the_form_are_not_encoded(void **state)
{
    (void)state;
    static uint8_t value[MCBP_FRAME_INFO_VALUE_MAX + 1];
    uint8_t bytes[512];
    struct mcbp_frame_info info = {.id = MCBP_FRAME_INFO_ID_MAX + 1};
    assert_int_equal(mcbp_frame_info_encode(&info, bytes, sizeof(bytes)), 0);
    info = (struct mcbp_frame_info){.id = 0, .value = span_of(value, sizeof(value))};
    assert_int_equal(mcbp_frame_info_encode(&info, bytes, sizeof(bytes)), 0);
}

static struct mcbp_frame_info info_of(const char *bytes, size_t size)
{
    return (struct mcbp_frame_info){.value = guarded_copy(&guarded, bytes, size)};
}

static void durability_is_a_level_with_or_without_a_timeout(void **state)
{
    (void)state;
    struct mcbp_durability durability;
    struct mcbp_frame_info info = info_of("\x01\x08\xca", 3);
    assert_true(mcbp_frame_info_durability(&info, &durability));
    assert_int_equal(durability.level, MCBP_DURABILITY_MAJORITY);
    assert_true(durability.has_timeout);
    assert_int_equal(durability.timeout, 2250);
    info = info_of("\x03", 1);
    assert_true(mcbp_frame_info_durability(&info, &durability));
    assert_false(durability.has_timeout);
    assert_string_equal(mcbp_durability_level_name(durability.level), "PERSIST_TO_MAJORITY");
    assert_null(mcbp_durability_level_name(0));
    assert_null(mcbp_durability_level_name(4));
    info = info_of("\x01\x08", 2);
    assert_false(mcbp_frame_info_durability(&info, &durability));
    info = info_of("", 0);
    assert_false(mcbp_frame_info_durability(&info, &durability));
}

static void a_number_has_two_bytes(void **state)
{
    (void)state;
    uint16_t number;
    struct mcbp_frame_info info = info_of("\x01\x02", 2);
    assert_true(mcbp_frame_info_number(&info, &number));
    assert_int_equal(number, 0x102);
    info = info_of("\x01\x02\x03", 3);
    assert_false(mcbp_frame_info_number(&info, &number));
    info = info_of("\x01", 1);
    assert_false(mcbp_frame_info_number(&info, &number));
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
        cmocka_unit_test(a_duration_and_three_units_are_read_in_order),
        cmocka_unit_test(escaped_ids_and_lengths_add_the_next_byte_to_15),
        cmocka_unit_test(what_is_cut_short_is_refused),
        cmocka_unit_test(every_id_and_length_survives_encoding),
        cmocka_unit_test(ids_and_lengths_beyond_the_form_are_not_encoded),
        cmocka_unit_test(durability_is_a_level_with_or_without_a_timeout),
        cmocka_unit_test(a_number_has_two_bytes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
