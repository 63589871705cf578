#include "guarded.h"
#include "mcbp/leb128.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct guarded guarded;

static void assert_read(const char *bytes, size_t size, uint32_t expected, size_t rest)
{
    struct span span = guarded_copy(&guarded, bytes, size);
    uint32_t number = ~expected;
    assert_int_equal(mcbp_leb128_take(&span, &number), MCBP_LEB128_OK);
    assert_int_equal(number, expected);
    assert_int_equal(span.size, rest);
}

static void assert_refused(const char *bytes, size_t size, enum mcbp_leb128 why)
{
    struct span span = guarded_copy(&guarded, bytes, size);
    uint32_t number = 4711;
    assert_int_equal(mcbp_leb128_take(&span, &number), why);
    assert_int_equal(number, 4711);
    assert_int_equal(span.size, size);
}

static void a_number_takes_seven_bits_of_each_byte(void **state)
{
    (void)state;
    assert_read("\x00", 1, 0, 0);
    assert_read("\x08key", 4, 8, 3);
    assert_read("\x7f", 1, 127, 0);
    assert_read("\x80\x01", 2, 128, 0);
    assert_read("\xd2\x09", 2, 1234, 0);
    assert_read("\xd5\x0a", 2, 0x555, 0);
    assert_read("\xff\xff\xff\xff\x0f!", 6, UINT32_MAX, 1);
}

static void a_number_without_its_last_byte_is_cut(void **state)
{
    (void)state;
    assert_refused("", 0, MCBP_LEB128_CUT);
    assert_refused("\x80", 1, MCBP_LEB128_CUT);
    assert_refused("\xff\xff\xff\xff", 4, MCBP_LEB128_CUT);
}

static void only_the_shortest_form_is_a_number(void **state)
{
    (void)state;
    assert_refused("\x80\x00", 2, MCBP_LEB128_LONG);
    assert_refused("\xff\x80\x00key", 6, MCBP_LEB128_LONG);
    assert_refused("\x80\x80\x80\x80\x00", 5, MCBP_LEB128_LONG);
}

static void a_number_has_at_most_five_bytes_and_32_bits(void **state)
{
    (void)state;
    assert_refused("\x80\x80\x80\x80\x10", 5, MCBP_LEB128_LONG);
    assert_refused("\xff\xff\xff\xff\x7f", 5, MCBP_LEB128_LONG);
    assert_refused("\x80\x80\x80\x80\x80", 5, MCBP_LEB128_LONG);
    assert_refused("\x80\x80\x80\x80\x80\x01", 6, MCBP_LEB128_LONG);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t bytes[MCBP_LEB128_MAX];
    for (unsigned bit = 0; bit < 32; bit++) {
        for (int off = -1; off <= 1; off++) {
            uint32_t number = (uint32_t)((UINT64_C(1) << bit) + (uint64_t)off);
            size_t size = mcbp_leb128_write(number, bytes);
            assert_in_range(size, 1, MCBP_LEB128_MAX);
            assert_read((const char *)bytes, size, number, 0);
        }
    }
    assert_int_equal(mcbp_leb128_write(UINT32_MAX, bytes), 5);
    assert_int_equal(mcbp_leb128_write(127, bytes), 1);
    assert_int_equal(mcbp_leb128_write(128, bytes), 2);
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
        cmocka_unit_test(a_number_takes_seven_bits_of_each_byte),
        cmocka_unit_test(a_number_without_its_last_byte_is_cut),
        cmocka_unit_test(only_the_shortest_form_is_a_number),
        cmocka_unit_test(a_number_has_at_most_five_bytes_and_32_bits),
        cmocka_unit_test(what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
