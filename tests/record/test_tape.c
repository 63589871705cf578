/* Where a set of rotated files is cut. */
#include "record/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { PACKET = 100, AROUND = 35 /* what a block adds to a packet, at most: padding is up to 3 */ };

static char folder[] = "/tmp/kvreplay-tape-XXXXXX";

static const char *path(void)
{
    static char text[64];
    snprintf(text, sizeof(text), "%s/set.pcapng", folder);
    return text;
}

static void remove_files(unsigned count)
{
    char text[64];
    for (unsigned i = 1; i <= count; i++) {
        snprintf(text, sizeof(text), "%s/set-%05u.pcapng", folder, i);
        assert_int_equal(unlink(text), 0);
    }
}

/* Writes packets into files of at most that size; returns how many files there are, and in *bytes
 * what they have. */
static unsigned files_of(uint64_t rotate_size, size_t packets, uint64_t *bytes)
{
    static const uint8_t content[PACKET];
    char problem[TAPE_PROBLEM_SIZE];
    struct tape_options options = {
        .path = path(),
        .rotate_size = rotate_size,
        .interface = {.link_type = PCAPNG_ETHERNET, .application = "test"},
    };
    struct tape *tape = tape_open(&options, problem);
    assert_non_null(tape);
    for (size_t i = 0; i < packets; i++) {
        struct span part = span_of(content, PACKET);
        assert_true(tape_write(tape, (int64_t)i, PACKET, &part, 1));
    }
    struct tape_counts counts = tape_counts(tape);
    *bytes = counts.bytes;
    assert_true(tape_close(tape, problem));
    remove_files(counts.files);
    return counts.files;
}

static void a_packet_that_just_fits_stays_in_the_file(void **state)
{
    (void)state;
    uint64_t one, bytes;
    assert_int_equal(files_of(UINT64_MAX, 1, &one), 1);
    assert_int_equal(files_of(one + AROUND + PACKET, 2, &bytes), 1);
    assert_int_equal(files_of(one + AROUND + PACKET - 1, 2, &bytes), 2);
}

static void a_file_has_a_packet_even_if_that_is_too_large(void **state)
{
    (void)state;
    uint64_t bytes;
    assert_int_equal(files_of(1, 3, &bytes), 3);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_that_just_fits_stays_in_the_file),
        cmocka_unit_test(a_file_has_a_packet_even_if_that_is_too_large),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
