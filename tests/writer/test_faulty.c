/*
 * Every faulty writer is wrong exactly where its row says, and right where it says nothing.
 */
#include "faulty_writers.h"
#include "fixture.h"
#include "shapes.h"
#include "writer/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The field of the reference frame that the byte at `offset` belongs to. */
static const char *field_at(const struct kvr_response *response, size_t offset)
{
    static const char *const header[24] = {
        "header.magic",
        "header.opcode",
        "header.key_length",
        "header.key_length",
        "header.extras_length",
        "header.datatype",
        "header.status",
        "header.status",
        [8 ... 11] = "header.total_body_length",
        [12 ... 15] = "header.opaque",
        [16 ... 23] = "header.cas",
    };
    if (offset < sizeof(header) / sizeof(header[0])) {
        return header[offset];
    }
    offset -= KVR_HEADER_SIZE;
    if (offset < response->framing_extras_size) {
        static const char *const infos[] = {"frame_info[0]", "frame_info[1]", "frame_info[2]",
                                            "frame_info[3]"};
        return infos[offset / 3 % 4]; /* the test's frame infos take three bytes each */
    }
    offset -= response->framing_extras_size;
    if (offset < response->extras_size) {
        return "extras";
    }
    offset -= response->extras_size;
    return offset < response->key_size ? "key" : "value";
}

/* The first difference of a frame and what a writer made of it; NULL if there is none. */
static const char *difference(const struct kvr_response *response, const uint8_t *frame,
                              size_t size, const uint8_t *built, size_t built_size)
{
    size_t same = 0;
    while (same < size && same < built_size && frame[same] == built[same]) {
        same++;
    }
    if (same < size && same < built_size) {
        return field_at(response, same);
    }
    return size == built_size ? NULL : "size";
}

/* What is wrong with the first of `count` responses, after `tail` bytes of room. */
static const char *found(const struct faulty_writer *faulty, const struct kvr_response *responses,
                         size_t count, enum hostile_state state, size_t tail)
{
    struct fixture fixture;
    fixture_init(&fixture);
    assert_true(hostile_make(fixture.output, state, tail));
    size_t before = evbuffer_get_length(fixture.output);
    assert_int_equal(faulty->writer.write(NULL, fixture.bufferevent, responses, count), KVR_OK);
    size_t size, after;
    uint8_t *frame = flat_copy(responses, count, &size);
    uint8_t *built = output_copy(fixture.output, &after);
    const char *field = difference(responses, frame, size, built + before, after - before);
    free(frame);
    free(built);
    fixture_deinit(&fixture);
    return field;
}

static void assert_field(const struct faulty_writer *faulty, const char *field)
{
    if (field == NULL) {
        fail_msg("%s: nothing was found", faulty->writer.name);
    } else if (strcmp(faulty->field, "any") != 0) {
        assert_string_equal(field, faulty->field);
    }
}

static void each_fault_shows_where_its_row_says(void **state)
{
    (void)state;
    for (const struct faulty_writer *faulty = faulty_writers; faulty->fault != NULL; faulty++) {
        if (faulty->when == FAULTY_THREADS || strcmp(faulty->field, "refusal") == 0) {
            continue;
        }
        int shown = 0;
        for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
            const struct kvr_response pair[] = {shape->response, {.magic = 0x81, .opcode = 0x77}};
            bool here = faulty->shows_in(&shape->response);
            size_t count = faulty->when == FAULTY_BATCH ? 2 : 1;
            const char *field = found(faulty, pair, count, HOSTILE_TAIL,
                                      faulty->when == FAULTY_SPLIT ? 24 : 100000);
            if (here) {
                assert_field(faulty, field);
                shown++;
            } else if (faulty->when == FAULTY_ALWAYS) {
                assert_null(field);
            }
        }
        assert_int_not_equal(shown, 0);
    }
}

static void what_has_to_be_refused_is_taken(void **state)
{
    (void)state;
    const struct kvr_response response = {
        .magic = 0x18, .key = pattern(300), .key_size = 300, .value = "v", .value_size = 1};
    size_t size;
    assert_int_equal(kvr_size(&response, &size), KVR_KEY_TOO_LONG);
    for (const struct faulty_writer *faulty = faulty_writers; faulty->fault != NULL; faulty++) {
        if (strcmp(faulty->field, "refusal") == 0) {
            struct fixture fixture;
            fixture_init(&fixture);
            assert_int_equal(faulty->writer.write(NULL, fixture.bufferevent, &response, 1), KVR_OK);
            uint8_t *built = output_copy(fixture.output, &size);
            assert_int_equal(built[3], 300 - 256);
            free(built);
            fixture_deinit(&fixture);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_shows_where_its_row_says),
        cmocka_unit_test(what_has_to_be_refused_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
