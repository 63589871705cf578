/*
 * Every writer, from every state a buffer can be in: what was there stays, the frame follows it.
 */
#include "baseline/all_writers.h"
#include "fixture.h"
#include "shapes.h"
#include "writer/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Writes `count` frames to a buffer in that state and compares all of it, byte for byte. */
static void check(const struct kvr_writer_type *writer, enum hostile_state state, size_t tail,
                  const struct kvr_response *responses, size_t count)
{
    struct fixture fixture;
    fixture_init(&fixture);
    assert_true(hostile_make(fixture.output, state, tail));
    size_t before_size, frames_size, after_size;
    uint8_t *before = output_copy(fixture.output, &before_size);
    uint8_t *frames = flat_copy(responses, count, &frames_size);

    void *writer_state = writer->create == NULL ? NULL : writer->create();
    assert_int_equal(writer->write(writer_state, fixture.bufferevent, responses, count), KVR_OK);

    uint8_t *after = output_copy(fixture.output, &after_size);
    assert_int_equal(after_size, before_size + frames_size);
    assert_memory_equal(after, before, before_size);
    assert_memory_equal(after + before_size, frames, frames_size);

    if (writer->destroy != NULL) {
        writer->destroy(writer_state);
    }
    free(before);
    free(frames);
    free(after);
    fixture_deinit(&fixture);
}

static void check_every_tail(const struct kvr_writer_type *writer, enum hostile_state state,
                             const struct kvr_response *responses, size_t count)
{
    size_t total;
    free(flat_copy(responses, count, &total));
    const size_t tails[] = {0, 1, 23, 24, 25, total - 1, total, total + 1};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        check(writer, state, tails[i], responses, count);
    }
}

static void every_state_and_shape(void **state)
{
    (void)state;
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
            for (int i = 0; i < HOSTILE_STATES; i++) {
                check_every_tail(writer, (enum hostile_state)i, &shape->response, 1);
            }
        }
    }
}

static void every_state_and_all_shapes_in_one_call(void **state)
{
    (void)state;
    struct kvr_response all[64];
    size_t count = 0;
    for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
        all[count++] = shape->response;
    }
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        for (int i = 0; i < HOSTILE_STATES; i++) {
            check_every_tail(writer, (enum hostile_state)i, all, count);
        }
    }
}

/* A split at every byte of a frame: in the header, between the parts, in each part. */
static void every_split_of_a_frame(void **state)
{
    (void)state;
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
            size_t total;
            kvr_size(&shape->response, &total);
            for (size_t tail = 0; total < 500 && tail <= total; tail++) {
                check(writer, HOSTILE_TAIL, tail, &shape->response, 1);
            }
        }
    }
}

static void no_response_at_all_changes_nothing(void **state)
{
    (void)state;
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        check(writer, HOSTILE_EMPTY, 0, NULL, 0);
        check(writer, HOSTILE_TAIL, 0, NULL, 0);
    }
}

/* The same writer again and again on one buffer that is drained in between, by odd amounts. */
static void many_rounds_on_one_buffer(void **state)
{
    (void)state;
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        struct fixture fixture;
        fixture_init(&fixture);
        struct evbuffer *received = evbuffer_new();
        struct evbuffer *expected = evbuffer_new();
        void *writer_state = writer->create == NULL ? NULL : writer->create();
        evbuffer_unfreeze(fixture.output, 1);
        for (int round = 0; round < 200; round++) {
            for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
                size_t size;
                uint8_t *frame = flat_copy(&shape->response, 1, &size);
                evbuffer_add(expected, frame, size);
                free(frame);
                assert_int_equal(
                    writer->write(writer_state, fixture.bufferevent, &shape->response, 1), KVR_OK);
                evbuffer_remove_buffer(fixture.output, received,
                                       (size_t)round * 37 % 900 + size / 2);
            }
        }
        evbuffer_add_buffer(received, fixture.output);
        size_t size, expected_size;
        uint8_t *bytes = output_copy(received, &size);
        uint8_t *expected_bytes = output_copy(expected, &expected_size);
        assert_int_equal(size, expected_size);
        assert_memory_equal(bytes, expected_bytes, size);
        free(bytes);
        free(expected_bytes);
        evbuffer_free(received);
        evbuffer_free(expected);
        if (writer->destroy != NULL) {
            writer->destroy(writer_state);
        }
        fixture_deinit(&fixture);
    }
}

static void random_states(void **state)
{
    (void)state;
    uint64_t seed = 20210304;
    for (int round = 0; round < 2000; round++) {
        uint64_t used = seed;
        struct fixture fixture;
        fixture_init(&fixture);
        assert_true(hostile_make_random(fixture.output, &seed));
        size_t before = evbuffer_get_length(fixture.output);
        const struct kvr_writer_type *writer = all_writers[round % 4];
        const struct kvr_response *response = &shapes()[round % 11].response;
        size_t size, after_size;
        uint8_t *frame = flat_copy(response, 1, &size);
        assert_int_equal(writer->write(NULL, fixture.bufferevent, response, 1), KVR_OK);
        uint8_t *after = output_copy(fixture.output, &after_size);
        if (after_size != before + size || memcmp(after + before, frame, size) != 0) {
            fail_msg("%s differs, seed %llu", writer->name, (unsigned long long)used);
        }
        free(frame);
        free(after);
        fixture_deinit(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_shape),
        cmocka_unit_test(every_state_and_all_shapes_in_one_call),
        cmocka_unit_test(every_split_of_a_frame),
        cmocka_unit_test(no_response_at_all_changes_nothing),
        cmocka_unit_test(many_rounds_on_one_buffer),
        cmocka_unit_test(random_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
