/*
 * The mutator: stays within its bounds whatever it is given, is repeatable, and makes inputs that
 * are what a target takes for valid often enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcbp/frame.h"
#include "mutator.h"

enum { ROUNDS = 20000, ROOM = 600 };

static const char *const targets[] = {"response", "oom",       "chunks", "frame",
                                      "execute",  "frameinfo", "decode", "reassembly",
                                      "savefile", "verify",    "mask"};
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
        cmocka_unit_test(there_is_no_other_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
