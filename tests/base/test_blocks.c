#include "base/blocks.h"
#include "base/endian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_block_holds_as_much_as_was_asked_for(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    for (size_t size = 0; size < 5000; size++) {
        uint8_t *block = blocks_take(&blocks, size);
        assert_non_null(block);
        memset(block, 0xa5, size); /* AddressSanitizer watches */
        blocks_give(&blocks, block, size);
    }
    assert_int_equal(blocks.taken_bytes, 0);
    blocks_deinit(&blocks);
}

static void a_block_is_less_than_half_as_large_again(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    for (size_t size = 17; size < 100000; size += 13) {
        void *block = blocks_take(&blocks, size);
        assert_true(blocks.taken_bytes >= size);
        assert_true(blocks.taken_bytes < size + size / 2 + 16);
        blocks_give(&blocks, block, size);
    }
    blocks_deinit(&blocks);
}

static void a_size_that_no_frame_has_is_refused(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    assert_null(blocks_take(&blocks, SIZE_MAX));
    assert_null(blocks_take(&blocks, (size_t)1 << 40));
    assert_int_equal(blocks.taken_bytes, 0);
}

static void what_is_kept_is_bounded(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    enum { COUNT = 64, SIZE = 1 << 20 };
    void *taken[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        taken[i] = blocks_take(&blocks, SIZE);
    }
    for (size_t i = 0; i < COUNT; i++) {
        blocks_give(&blocks, taken[i], SIZE);
    }
    assert_int_equal(blocks.taken_bytes, 0);
    assert_true(blocks.idle_bytes <= COUNT * (size_t)SIZE / 2);
    blocks_deinit(&blocks);
    assert_int_equal(blocks.idle_bytes, 0);
}

static void what_is_kept_is_counted_and_used_again(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    enum { SIZE = 1000 };
    void *first = blocks_take(&blocks, SIZE);
    void *second = blocks_take(&blocks, SIZE);
    blocks_give(&blocks, first, SIZE);
    blocks_give(&blocks, second, SIZE);
    size_t kept = blocks.idle_bytes; /* nothing with AddressSanitizer */
    assert_true(kept == 0 || kept == 2 * blocks_size(SIZE));
    void *again = blocks_take(&blocks, SIZE);
    assert_true(kept == 0 || again == second);
    assert_int_equal(blocks.idle_bytes, kept / 2);
    blocks_give(&blocks, again, SIZE);
    blocks_deinit(&blocks);
}

static void numbers_are_read_and_written_in_network_order(void **state)
{
    (void)state;
    uint8_t bytes[15] = {0};
    write_be16(bytes + 1, 0x0102);
    write_be32(bytes + 3, 0x03040506);
    write_be64(bytes + 7, 0x0708090a0b0c0d0e);
    for (uint8_t i = 1; i < sizeof(bytes); i++) {
        assert_int_equal(bytes[i], i);
    }
    assert_int_equal(read_be16(bytes + 1), 0x0102);
    assert_int_equal(read_be32(bytes + 3), 0x03040506);
    assert_int_equal(read_be64(bytes + 7), 0x0708090a0b0c0d0e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_holds_as_much_as_was_asked_for),
        cmocka_unit_test(a_block_is_less_than_half_as_large_again),
        cmocka_unit_test(a_size_that_no_frame_has_is_refused),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(what_is_kept_is_counted_and_used_again),
        cmocka_unit_test(numbers_are_read_and_written_in_network_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
