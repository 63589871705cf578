/*
 * Copies of the bytes of streams: which are equal and which differ is as before.
 */
#include "anonymise/places.h"
#include "anonymise/substitute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
// cmocka needs the three before it
#include <cmocka.h>

enum { STREAM = 7, FILE_MAX = 4096 };

/* A file of places: what was in it, and what will be, with noise by the place in the stream. */
struct file {
    struct places places;
    uint8_t before[FILE_MAX];
    uint8_t after[FILE_MAX];
    uint64_t size;
};

static void add(struct file *file, uint64_t offset, const char *bytes)
{
    struct place place = {
        .stream = STREAM,
        .offset = offset,
        .file_at = file->size,
        .size = (uint32_t)strlen(bytes),
    };
    memcpy(file->before + file->size, bytes, place.size);
    for (uint32_t i = 0; i < place.size; i++) {
        file->after[file->size + i] = (uint8_t)('a' + (offset + i) % 26);
    }
    file->size += place.size;
    assert_true(places_add(&file->places, &place));
}

static void finish(struct file *file)
{
    file->places.before = span_of(file->before, file->size);
    file->places.after = file->after;
    places_finish(&file->places);
}

static bool overwrite(struct file *file, uint64_t offset, const char *was, const char *is,
                      uint64_t *written)
{
    struct stream_bytes bytes = {STREAM, offset, (const uint8_t *)was, (const uint8_t *)is,
                                 strlen(was)};
    return places_write(&file->places, &bytes, written);
}

static void assert_after(const struct file *file, const char *expected)
{
    assert_int_equal(file->size, strlen(expected));
    assert_memory_equal(file->after, expected, file->size);
}

static void equal_copies_have_equal_noise(void **state)
{
    struct file file = {0};
    (void)state;
    add(&file, 0, "secret");
    add(&file, 2, "cret");
    finish(&file);
    assert_after(&file, "abcdefcdef");
    places_deinit(&file.places);
}

static void copies_that_differ_have_other_noise_where_they_do(void **state)
{
    struct file file = {0};
    (void)state;
    add(&file, 0, "secret");
    add(&file, 0, "sXcrYt");
    add(&file, 0, "sXcrZt");
    finish(&file);
    assert_after(&file, "abcdef"
                        "accdff"
                        "accdgf");
    places_deinit(&file.places);
}

static void a_frame_is_written_to_what_was_equal_only(void **state)
{
    struct file file = {0};
    uint64_t written = 0;
    (void)state;
    add(&file, 0, "xxkey1");
    add(&file, 2, "keX1");
    finish(&file);
    assert_true(overwrite(&file, 2, "key1", "abez", &written));
    assert_after(&file, "ababez"
                        "abfz");
    assert_int_equal(written, 4 + 3);
    places_deinit(&file.places);
}

static void what_differs_does_not_become_what_is_written(void **state)
{
    struct file file = {0};
    uint64_t written = 0;
    (void)state;
    add(&file, 0, "k");
    add(&file, 0, "X"); /* its noise is b */
    finish(&file);
    assert_true(overwrite(&file, 0, "k", "b", &written));
    assert_after(&file, "bc");
    places_deinit(&file.places);
}

static void bytes_without_a_place_are_said(void **state)
{
    struct file file = {0};
    uint64_t written = 0;
    (void)state;
    add(&file, 0, "key");
    finish(&file);
    assert_false(overwrite(&file, 1, "eys", "abc", &written));
    places_deinit(&file.places);
}

/* Each pair of bytes at the same offset is equal after as it was before. */
static void check_pairs(const struct file *file)
{
    for (size_t i = 0; i < file->places.count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct place *a = &file->places.places[i];
            const struct place *b = &file->places.places[j];
            for (uint64_t at = a->offset; at < a->offset + a->size; at++) {
                if (at < b->offset || at >= b->offset + b->size) {
                    continue;
                }
                uint64_t one = a->file_at + (at - a->offset);
                uint64_t other = b->file_at + (at - b->offset);
                assert_int_equal(file->before[one] == file->before[other],
                                 file->after[one] == file->after[other]);
            }
        }
    }
}

static void any_copies_stay_equal_or_different(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    (void)state;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 300; round++) {
        struct file file = {0};
        int count = 1 + rand_r(&seed) % 30;
        for (int i = 0; i < count; i++) {
            char bytes[33] = "";
            int size = 1 + rand_r(&seed) % 32;
            for (int j = 0; j < size; j++) {
                bytes[j] = (char)('1' + rand_r(&seed) % 4);
            }
            add(&file, (uint64_t)(rand_r(&seed) % 64), bytes);
        }
        finish(&file);
        check_pairs(&file);
        places_deinit(&file.places);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_copies_have_equal_noise),
        cmocka_unit_test(copies_that_differ_have_other_noise_where_they_do),
        cmocka_unit_test(a_frame_is_written_to_what_was_equal_only),
        cmocka_unit_test(what_differs_does_not_become_what_is_written),
        cmocka_unit_test(bytes_without_a_place_are_said),
        cmocka_unit_test(any_copies_stay_equal_or_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
