/*
 * What the library gives to programs: its list of writers, and writers made by name.
 */
#include "fixture.h"
#include "kvresponse/kvresponse.h"
#include "memory.h"
#include "shapes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VALUE = 20000 };

static int references;

static void retain(struct kvr_value_owner *owner)
{
    (void)owner;
    references++;
}

static void release(struct kvr_value_owner *owner)
{
    (void)owner;
}

/* How many references a writer with these options takes to a value of VALUE bytes. */
static int references_taken(const struct kvr_options *options)
{
    static struct kvr_value_owner owner = {retain, release};
    const struct kvr_response response = {.magic = KVR_MAGIC_RESPONSE,
                                          .value = pattern(VALUE),
                                          .value_size = VALUE,
                                          .value_owner = &owner};
    struct kvr_writer *writer = kvr_writer_new("batch", options);
    struct fixture fixture;
    fixture_init(&fixture);
    references = 0;
    assert_int_equal(kvr_write(writer, fixture.bufferevent, &response, 1), KVR_OK);
    kvr_writer_free(writer);
    fixture_deinit(&fixture);
    return references;
}

static void the_writers_are_counted_got_and_found(void **state)
{
    (void)state;
    assert_int_equal(kvr_writer_count(), 2);
    assert_string_equal(kvr_writer_type_name(kvr_writer_get(0)), "reserve");
    assert_string_equal(kvr_writer_type_name(kvr_writer_get(1)), "batch");
    assert_ptr_equal(kvr_writer_find("batch"), kvr_writer_get(1));
    assert_string_not_equal(kvr_writer_type_summary(kvr_writer_get(1)), "");
}

static void there_is_nothing_behind_the_last_writer(void **state)
{
    (void)state;
    assert_null(kvr_writer_get(kvr_writer_count()));
    assert_null(kvr_writer_get(SIZE_MAX));
}

static void baselines_are_no_writers_of_the_library(void **state)
{
    (void)state;
    assert_null(kvr_writer_find("legacy"));
    assert_null(kvr_writer_find("append"));
    errno = 0;
    assert_null(kvr_writer_new("legacy", NULL));
    assert_int_equal(errno, EINVAL);
}

static void each_writer_writes_what_the_flat_encoder_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < kvr_writer_count(); i++) {
        struct kvr_writer *writer = kvr_writer_new(kvr_writer_type_name(kvr_writer_get(i)), NULL);
        struct fixture fixture;
        fixture_init(&fixture);
        const struct kvr_response *response = &shapes()[3].response;
        assert_int_equal(kvr_write(writer, fixture.bufferevent, response, 1), KVR_OK);
        size_t size, expected_size;
        uint8_t *bytes = output_copy(fixture.output, &size);
        uint8_t *expected = flat_copy(response, 1, &expected_size);
        assert_int_equal(size, expected_size);
        assert_memory_equal(bytes, expected, size);
        free(bytes);
        free(expected);
        kvr_writer_free(writer);
        fixture_deinit(&fixture);
    }
}

static void a_writer_has_its_options_though_they_are_freed(void **state)
{
    (void)state;
    assert_int_equal(references_taken(NULL), 1);
    struct kvr_options *options = kvr_options_new();
    assert_int_equal(references_taken(options), 1);
    kvr_options_set_reference_threshold(options, VALUE);
    assert_int_equal(references_taken(options), 1);
    kvr_options_set_reference_threshold(options, VALUE + 1);
    assert_int_equal(references_taken(options), 0);
    kvr_options_set_reference_threshold(options, SIZE_MAX);
    assert_int_equal(references_taken(options), 0);
    kvr_options_set_reference_threshold(options, 0);
    assert_int_equal(references_taken(options), 1);
    kvr_options_free(options);
}

static void without_memory_there_is_no_writer_and_nothing_leaks(void **state)
{
    (void)state;
    size_t before = memory_live();
    for (size_t nth = 1; nth <= 2; nth++) {
        memory_refuse(nth, false);
        errno = 0;
        assert_null(kvr_writer_new("batch", NULL));
        memory_allow();
        assert_int_equal(errno, ENOMEM);
        assert_int_equal(memory_live(), before);
    }
}

static void nothing_can_be_freed(void **state)
{
    (void)state;
    kvr_writer_free(NULL);
    kvr_options_free(NULL);
}

static void the_version_is_the_headers(void **state)
{
    (void)state;
    assert_string_equal(kvr_version(), KVR_VERSION);
    unsigned major, minor, patch;
    assert_int_equal(sscanf(kvr_version(), "%u.%u.%u", &major, &minor, &patch), 3);
    assert_int_equal(major << 16 | minor << 8 | patch, KVR_VERSION_NUMBER);
}

int main(void)
{
    memory_control();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writers_are_counted_got_and_found),
        cmocka_unit_test(there_is_nothing_behind_the_last_writer),
        cmocka_unit_test(baselines_are_no_writers_of_the_library),
        cmocka_unit_test(each_writer_writes_what_the_flat_encoder_does),
        cmocka_unit_test(a_writer_has_its_options_though_they_are_freed),
        cmocka_unit_test(without_memory_there_is_no_writer_and_nothing_leaks),
        cmocka_unit_test(nothing_can_be_freed),
        cmocka_unit_test(the_version_is_the_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
