/*
 * A check that can fail is shown failing: verify with writers that are wrong on purpose. Each has
 * to end with exit status 1 and the name of the field that is at fault.
 */
#include "baseline/all_writers.h"
#include "faulty_writers.h"
#include "frame_info_masks.h"
#include "replay/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Between them, their frames have everything that a writer can get wrong. */
static const char *const captures[] = {
    CORPUS "/made/frame-info-response.pcap", CORPUS "/made/datatypes.pcap",
    CORPUS "/made/long-frames.pcap",         CORPUS "/captures/memccapable-ipv4.pcap",
    CORPUS "/captures/memcslap-mget.pcap",   CORPUS "/captures/large.pcap.zst",
    CORPUS "/captures/pylibmc-quiet.pcap",
};
enum { CAPTURES = sizeof(captures) / sizeof(captures[0]) };

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_named(const char *wanted, const struct difference *difference)
{
    if (strcmp(wanted, "value") == 0 || strcmp(wanted, "key") == 0) {
        return begins_with(difference->field, wanted);
    }
    if (strcmp(wanted, "frame_info[3]") == 0) {
        return strcmp(difference->field, "frame-info[3]") == 0;
    }
    if (strcmp(wanted, "size") == 0) {
        return difference->reference.frame_size != difference->built.frame_size;
    }
    return strcmp(wanted, "any") == 0 || strcmp(wanted, difference->field) == 0;
}

static void verify_all(const struct kvr_writer_type *writer, enum construct_reference reference,
                       struct verify_result *result)
{
    struct verify_options options;
    verify_options_init(&options);
    options.construct.writer = writer;
    options.construct.reference = reference;
    options.masks = frame_info_masks(); /* for the executed check; rebuilt has no masks */
    assert_true(verify_result_init(result, CAPTURES, 4, options.masks.count));
    for (size_t i = 0; i < CAPTURES; i++) {
        verify_capture(captures[i], &options, result);
    }
    verify_result_total(result);
}

/* The fault shows in single responses, one after the other. */
static bool shows_here(const struct faulty_writer *faulty)
{
    return (faulty->when == FAULTY_ALWAYS || faulty->when == FAULTY_SPLIT) &&
           strcmp(faulty->field, "refusal") != 0;
}

static unsigned check(const struct faulty_writer *faulty, enum construct_reference reference)
{
    struct verify_result result;
    verify_all(&faulty->writer, reference, &result);
    const struct difference *first = &result.differences[0];
    bool right = result.status == VERIFY_DIFFERENT && result.differences_count > 0 &&
                 (first->check == CHECK_REBUILT || faulty->when == FAULTY_SPLIT) &&
                 is_named(faulty->field, first);
    if (!right) {
        printf("%s: status %d, %zu differences, the first in '%s', not '%s'\n", faulty->writer.name,
               result.status, result.differences_count, first->field, faulty->field);
    }
    verify_result_deinit(&result);
    return right ? 0 : 1;
}

static void every_fault_is_found_in_its_field(void **state)
{
    (void)state;
    unsigned wrong = 0;
    unsigned found = 0;
    for (const struct faulty_writer *faulty = faulty_writers; faulty->writer.name != NULL;
         faulty++) {
        if (shows_here(faulty)) {
            wrong += check(faulty, REFERENCE_CAPTURE);
            found++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_true(found >= 20);
}

static void the_flat_encoder_as_reference_finds_them_too(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (const struct faulty_writer *faulty = faulty_writers; faulty->writer.name != NULL;
         faulty++) {
        if (shows_here(faulty)) {
            wrong += check(faulty, REFERENCE_FLAT);
        }
    }
    assert_int_equal(wrong, 0);
}

static enum kvr_error refuse(void *state, struct bufferevent *bufferevent,
                             const struct kvr_response *responses, size_t count)
{
    (void)state;
    (void)bufferevent;
    (void)responses;
    (void)count;
    return KVR_NO_MEMORY;
}

static void a_writer_that_refuses_is_a_difference(void **state)
{
    (void)state;
    static const struct kvr_writer_type refusing = {.name = "refusing", .write = refuse};
    struct verify_result result;
    verify_all(&refusing, REFERENCE_CAPTURE, &result);
    assert_int_equal(result.status, VERIFY_DIFFERENT);
    assert_int_equal(result.differences[0].kind, DIFFERENCE_REFUSED);
    assert_int_equal(result.totals.rebuilt.identical, 0);
    verify_result_deinit(&result);
}

static void every_right_writer_is_identical_to_every_reference(void **state)
{
    (void)state;
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        struct verify_result result;
        verify_all(writer, REFERENCE_CAPTURE, &result);
        assert_int_equal(result.status, VERIFY_IDENTICAL);
        verify_result_deinit(&result);

        verify_all(writer, REFERENCE_FLAT, &result);
        assert_int_equal(result.status, VERIFY_IDENTICAL);
        verify_result_deinit(&result);

        struct verify_options options;
        verify_options_init(&options);
        options.construct =
            (struct construct_options){.writer = writer,
                                       .reference = REFERENCE_WRITER,
                                       .reference_writer = all_writers_find("legacy")};
        assert_true(verify_result_init(&result, CAPTURES, 4, 0));
        for (size_t i = 0; i < CAPTURES; i++) {
            verify_capture(captures[i], &options, &result);
        }
        verify_result_total(&result);
        assert_int_equal(result.status, VERIFY_IDENTICAL);
        verify_result_deinit(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_found_in_its_field),
        cmocka_unit_test(the_flat_encoder_as_reference_finds_them_too),
        cmocka_unit_test(a_writer_that_refuses_is_a_difference),
        cmocka_unit_test(every_right_writer_is_identical_to_every_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
