/*
 * Writers from shared objects: what is loaded, what is refused and why.
 */
#include "faulty_writers.h"
#include "fixture.h"
#include "shapes.h"
#include "writer/plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* PLUGINS is the folder they are built in. */
static const struct kvr_writer_type *load(const char *name, char problem[PLUGIN_PROBLEM_SIZE])
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.so", PLUGINS, name);
    assert_true(plugin_is_path(path));
    return plugin_load(path, problem);
}

static void a_name_without_a_slash_is_no_path(void **state)
{
    (void)state;
    assert_false(plugin_is_path("reserve"));
    assert_true(plugin_is_path("./theirs.so"));
}

static void check_right(const char *name)
{
    char problem[PLUGIN_PROBLEM_SIZE] = "";
    const struct kvr_writer_type *writer = load(name, problem);
    assert_string_equal(problem, "");
    assert_non_null(writer);
    assert_string_equal(writer->name, name);
    struct fixture fixture;
    fixture_init(&fixture);
    const struct kvr_response *response = &shapes()[3].response;
    assert_int_equal(writer->write(NULL, fixture.bufferevent, response, 1), KVR_OK);
    size_t size, expected_size;
    uint8_t *bytes = output_copy(fixture.output, &size);
    uint8_t *expected = flat_copy(response, 1, &expected_size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(bytes, expected, size);
    free(bytes);
    free(expected);
    fixture_deinit(&fixture);
}

static void a_plug_in_writes_like_any_writer(void **state)
{
    (void)state;
    check_right("right");
}

static void a_plug_in_compiled_with_an_earlier_header_still_does(void **state)
{
    (void)state;
    check_right("right_0.1");
    check_right("right_0.2");
}

static void every_faulty_writer_is_a_plug_in_too(void **state)
{
    (void)state;
    for (const struct faulty_writer *faulty = faulty_writers; faulty->fault != NULL; faulty++) {
        char problem[PLUGIN_PROBLEM_SIZE] = "";
        const struct kvr_writer_type *writer = load(faulty->writer.name, problem);
        assert_string_equal(problem, "");
        assert_non_null(writer);
        assert_string_equal(writer->name, faulty->writer.name);
        assert_string_equal(writer->summary, faulty->writer.summary);
    }
}

static void what_is_no_plug_in_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name, *reason;
    } rows[] = {
        {"no_such_file", "No such file"},
        {"unusable_no_symbol", "no symbol kvr_plugin_v1"},
        {"unusable_other_header", "struct kvr_response is of another size"},
        {"unusable_newer_header", "compiled with a newer kvresponse/plugin.h"},
        {"unusable_no_name", "has no name"},
        {"unusable_odd_name", "name has control characters"},
        {"unusable_no_write", "no write function"},
        {"unusable_no_destroy", "only one of create and destroy"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char problem[PLUGIN_PROBLEM_SIZE] = "";
        assert_null(load(rows[i].name, problem));
        assert_non_null(strstr(problem, rows[i].name));
        if (strstr(problem, rows[i].reason) == NULL) {
            fail_msg("%s: %s", rows[i].name, problem);
        }
    }
}

static void a_file_that_is_no_shared_object_is_refused(void **state)
{
    (void)state;
    char problem[PLUGIN_PROBLEM_SIZE] = "";
    assert_null(plugin_load("/dev/null", problem));
    assert_string_not_equal(problem, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_without_a_slash_is_no_path),
        cmocka_unit_test(a_plug_in_writes_like_any_writer),
        cmocka_unit_test(a_plug_in_compiled_with_an_earlier_header_still_does),
        cmocka_unit_test(every_faulty_writer_is_a_plug_in_too),
        cmocka_unit_test(what_is_no_plug_in_is_refused_with_a_reason),
        cmocka_unit_test(a_file_that_is_no_shared_object_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
