/*
 * What pcapng files say of dropped packets, in pieces of every size.
 */
#include "capture/drops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { EPB = 6, ISB = 5, PB = 2, COMMENT = 1, DROPCOUNT = 4, IFDROP = 5, OSDROP = 7 };

struct file {
    uint8_t bytes[4096];
    size_t size;
    bool big; /* written in network order */
    size_t block;
};

static void put(struct file *file, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        size_t shift = 8 * (file->big ? size - 1 - i : i);
        file->bytes[file->size++] = (uint8_t)(shift < 64 ? number >> shift : 0);
    }
}

static void begin_block(struct file *file, uint32_t type)
{
    file->block = file->size;
    put(file, type, 4);
    put(file, 0, 4);
}

static void end_block(struct file *file)
{
    uint32_t length = (uint32_t)(file->size - file->block) + 4;
    size_t end = file->size;
    file->size = file->block + 4;
    put(file, length, 4);
    file->size = end;
    put(file, length, 4);
}

static void option(struct file *file, uint16_t code, uint16_t size, uint64_t value)
{
    put(file, code, 2);
    put(file, size, 2);
    put(file, value, size < 8 ? (size + 3u) / 4 * 4 : 8);
}

static void section(struct file *file, bool big)
{
    file->big = big;
    begin_block(file, 0x0a0d0d0a);
    put(file, 0x1a2b3c4d, 4);
    put(file, 0, 12);
    end_block(file);
}

/* Of 5 captured bytes, padded, with a comment and the count; without options if it is 0. */
static void packet(struct file *file, uint32_t interface, uint64_t dropped)
{
    begin_block(file, EPB);
    put(file, interface, 4);
    put(file, 0, 8);
    put(file, 5, 4);
    put(file, 9, 4);
    put(file, 0, 8);
    if (dropped > 0) {
        option(file, COMMENT, 3, 'x');
        option(file, DROPCOUNT, 8, dropped);
        option(file, 0, 0, 0);
    }
    end_block(file);
}

static void statistics(struct file *file, uint32_t interface, uint64_t ifdrop, uint64_t osdrop)
{
    begin_block(file, ISB);
    put(file, interface, 4);
    put(file, 0, 8);
    option(file, 4, 8, 1000); /* received */
    option(file, IFDROP, 8, ifdrop);
    option(file, OSDROP, 8, osdrop);
    end_block(file); /* the end of options may be left out */
}

static void assert_dropped(const struct file *file, uint64_t total)
{
    for (size_t piece = 1; piece <= file->size; piece++) {
        struct drops drops = {0};
        for (size_t at = 0; at < file->size; at += piece) {
            size_t left = file->size - at;
            drops_feed(&drops, span_of(file->bytes + at, piece < left ? piece : left));
        }
        assert_int_equal(drops_total(&drops), total);
    }
}

static void counts_of_packets_add_up(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file, false);
    packet(&file, 0, 0);
    packet(&file, 0, 3);
    packet(&file, 1, 4);
    packet(&file, 0, 1);
    assert_dropped(&file, 8);
}

static void statistics_count_from_the_beginning(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file, true);
    packet(&file, 0, 0);
    statistics(&file, 0, 2, 1);
    statistics(&file, 0, 5, 1);
    statistics(&file, 1, 0, 7);
    assert_dropped(&file, 13);
}

static void what_packets_and_statistics_say_is_the_same_loss(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file, false);
    packet(&file, 0, 6);
    statistics(&file, 0, 4, 1);
    packet(&file, 1, 2);
    statistics(&file, 1, 9, 0);
    assert_dropped(&file, 15);
}

static void each_section_has_its_order_and_its_interfaces(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file, false);
    statistics(&file, 0, 10, 0);
    section(&file, true);
    statistics(&file, 0, 7, 0);
    packet(&file, 0, 8);
    assert_dropped(&file, 18);
}

static void the_obsolete_packet_block_has_a_field_for_it(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file, false);
    for (uint32_t dropped = 2; dropped <= 0xffff; dropped += 0xfffd) { /* the last: not known */
        begin_block(&file, PB);
        put(&file, 0, 2);
        put(&file, dropped, 2);
        put(&file, 0, 16);
        end_block(&file);
    }
    assert_dropped(&file, 2);
}

static void interfaces_beyond_those_counted_apart_are_not_left_out(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file, false);
    packet(&file, DROPS_INTERFACES - 1, 1);
    packet(&file, 1000000, 2);
    packet(&file, UINT32_MAX, 3);
    assert_dropped(&file, 6);
}

static void a_sum_stays_at_its_limit(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file, false);
    packet(&file, 0, UINT64_MAX);
    packet(&file, 1, UINT64_MAX);
    assert_dropped(&file, UINT64_MAX);
}

static void what_is_no_pcapng_says_nothing(void **state)
{
    (void)state;
    struct file file = {0};
    packet(&file, 0, 3);
    assert_dropped(&file, 0);
}

/* A captured length beyond the block, and an option beyond it. */
static void lengths_that_cannot_be_end_their_block(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file, false);
    size_t first = file.size;
    packet(&file, 0, 3);
    file.bytes[first + 20] = 0xff;
    packet(&file, 0, 4);
    size_t third = file.size;
    packet(&file, 0, 5);
    file.bytes[third + 38] = 0xff; /* the comment's length */
    packet(&file, 0, 6);
    assert_dropped(&file, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_of_packets_add_up),
        cmocka_unit_test(statistics_count_from_the_beginning),
        cmocka_unit_test(what_packets_and_statistics_say_is_the_same_loss),
        cmocka_unit_test(each_section_has_its_order_and_its_interfaces),
        cmocka_unit_test(the_obsolete_packet_block_has_a_field_for_it),
        cmocka_unit_test(interfaces_beyond_those_counted_apart_are_not_left_out),
        cmocka_unit_test(a_sum_stays_at_its_limit),
        cmocka_unit_test(what_is_no_pcapng_says_nothing),
        cmocka_unit_test(lengths_that_cannot_be_end_their_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
