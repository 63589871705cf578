/*
 * The mutator: stays within its bounds whatever it is given, is repeatable, and makes inputs that
 * are what a target takes for valid often enough.
 */
#include "base/endian.h"
#include "mcbp/frame.h"
#include "mutator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, ROOM = 600 };

static const char *const targets[] = {"response", "oom",       "chunks", "frame",
                                      "execute",  "frameinfo", "decode", "reassembly",
                                      "savefile", "verify",    "mask",   "subdoc"};
enum { TARGETS = sizeof(targets) / sizeof(targets[0]) };

/* Each mutation runs in an allocation of its exact room, for AddressSanitizer. */
static void it_stays_in_its_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < TARGETS; i++) {
        const struct form *form = form_find(targets[i]);
        assert_non_null(form);
        uint8_t *data = malloc(ROOM);
        size_t size = 0;
        for (uint32_t seed = 0; seed < ROUNDS; seed++) {
            size_t max = seed % 5 == 0 ? size : ROOM;
            size = mutate(form, data, size, max, seed);
            assert_true(size <= max);
        }
        free(data);
    }
}

static void it_splices_within_the_room(void **state)
{
    (void)state;
    uint8_t a[100];
    uint8_t b[100];
    uint8_t *out = malloc(90);
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    for (size_t i = 0; i < TARGETS; i++) {
        for (uint32_t seed = 0; seed < 500; seed++) {
            size_t size =
                mutate_splice(form_find(targets[i]), a, seed % 101, b, sizeof(b), out, 90, seed);
            assert_true(size <= 90);
        }
    }
    free(out);
}

static void the_same_seed_makes_the_same_input(void **state)
{
    (void)state;
    const struct form *form = form_find("execute");
    uint8_t one[ROOM] = {0};
    uint8_t two[ROOM] = {0};
    for (uint32_t seed = 0; seed < 100; seed++) {
        size_t size = mutate(form, one, 100, ROOM, seed);
        assert_int_equal(mutate(form, two, 100, ROOM, seed), size);
        assert_memory_equal(one, two, size);
        memset(one, 0, sizeof(one));
        memset(two, 0, sizeof(two));
    }
}

/* Of the frames that it makes anew from nothing, most are whole ones. */
static void most_frames_are_valid(void **state)
{
    (void)state;
    const struct form *form = form_find("execute");
    unsigned valid = 0;
    unsigned all = 0;
    for (uint32_t seed = 0; seed < ROUNDS; seed++) {
        uint8_t data[2048] = {0};
        size_t size = mutate(form, data, 8, sizeof(data), seed);
        struct span stream = size < 8 ? span_of(data, 0) : span_of(data + 8, size - 8);
        struct mcbp_frame frame;
        while (stream.size > 0) {
            all++;
            if (mcbp_frame_parse(stream, &frame) != MCBP_FRAME) {
                break;
            }
            valid++;
            stream = span_skip(stream, frame.bytes.size);
        }
    }
    assert_true(all > ROUNDS / 4);
    assert_true(valid > all / 2);
    assert_true(valid < all); /* and some are broken */
}

static uint32_t little(const uint8_t *bytes)
{
    return __builtin_bswap32(read_be32(bytes));
}

/* Where nothing was, there is a file header and often a whole packet. */
static void captures_are_made_from_nothing(void **state)
{
    (void)state;
    const struct form *form = form_find("verify");
    unsigned pcap = 0;
    unsigned pcapng = 0;
    for (uint32_t seed = 0; seed < 1000; seed++) {
        uint8_t data[4096] = {'0'};
        size_t size = mutate(form, data, 1, sizeof(data), seed);
        uint32_t magic = size < 4 ? 0 : little(data);
        pcap += magic == 0xa1b2c3d4 && size > 40 && little(data + 32) <= size - 40;
        pcapng += magic == 0x0a0d0d0a && size > 96;
    }
    assert_true(pcap > 100);
    assert_true(pcapng > 20);
}

/* Both copies of a block's length are the same, whatever was done to it, three times of four. */
static void lengths_of_blocks_are_repaired(void **state)
{
    (void)state;
    const struct form *form = form_find("savefile");
    unsigned same = 0;
    for (uint32_t seed = 0; seed < 1000; seed++) {
        uint8_t data[64] = {0x0a, 0x0d, 0x0d, 0x0a, 28};
        mutate(form, data, 28, sizeof(data), seed);
        uint32_t size = little(data + 4);
        same += size >= 12 && size <= 64 && little(data + size - 4) == size;
    }
    assert_true(same > 300);
}

/* Extras of 8 bits, a key of 16: nothing but an operation that means to would make such sums. */
static void sums_are_made_to_wrap(void **state)
{
    (void)state;
    const struct form *form = form_find("execute");
    unsigned wrapped = 0;
    for (uint32_t seed = 0; seed < ROUNDS; seed++) {
        uint8_t data[64] = {0};
        data[8] = 0x80;
        mutate(form, data, 8 + 24, 8 + 24, seed);
        uint32_t sum = read_be16(data + 10) + data[12];
        wrapped += sum >= 65536 && sum < 65536 + 64 && data[12] > 1;
    }
    assert_true(wrapped > 10);
}

static void there_is_no_other_target(void **state)
{
    (void)state;
    assert_null(form_find("fram"));
    assert_null(form_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stays_in_its_room),
        cmocka_unit_test(it_splices_within_the_room),
        cmocka_unit_test(the_same_seed_makes_the_same_input),
        cmocka_unit_test(most_frames_are_valid),
        cmocka_unit_test(captures_are_made_from_nothing),
        cmocka_unit_test(lengths_of_blocks_are_repaired),
        cmocka_unit_test(sums_are_made_to_wrap),
        cmocka_unit_test(there_is_no_other_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
