/*
 * The writers where libevent has faults: buffers in the states that the programs here make, and
 * responses appended to them. What was there stays, and the frames follow it; and the writers do
 * not call what is faulty.
 */
#include "baseline/all_writers.h"
#include "fixture.h"
#include "shapes.h"
#include "writer/staged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --------------------------------------------------------------- calls that are watched (--wrap)
 */

static int empty_reservations, pullups, references;

int __real_evbuffer_reserve_space(struct evbuffer *buffer, ev_ssize_t size,
                                  struct evbuffer_iovec *extents, int count);
int __wrap_evbuffer_reserve_space(struct evbuffer *buffer, ev_ssize_t size,
                                  struct evbuffer_iovec *extents, int count);
unsigned char *__real_evbuffer_pullup(struct evbuffer *buffer, ev_ssize_t size);
unsigned char *__wrap_evbuffer_pullup(struct evbuffer *buffer, ev_ssize_t size);
int __real_evbuffer_add_buffer_reference(struct evbuffer *to, struct evbuffer *from);
int __wrap_evbuffer_add_buffer_reference(struct evbuffer *to, struct evbuffer *from);

int __wrap_evbuffer_reserve_space(struct evbuffer *buffer, ev_ssize_t size,
                                  struct evbuffer_iovec *extents, int count)
{
    empty_reservations += size <= 0;
    return __real_evbuffer_reserve_space(buffer, size, extents, count);
}

unsigned char *__wrap_evbuffer_pullup(struct evbuffer *buffer, ev_ssize_t size)
{
    pullups++;
    return __real_evbuffer_pullup(buffer, size);
}

int __wrap_evbuffer_add_buffer_reference(struct evbuffer *to, struct evbuffer *from)
{
    references++;
    return __real_evbuffer_add_buffer_reference(to, from);
}

/* ---------------------------------------------------------------------------------- the states */

/* A chunk with `tail` bytes of room, so few that it will not be made larger. */
static void fill_chunk(struct evbuffer *output, size_t tail)
{
    struct evbuffer_iovec extent;
    assert_int_equal(evbuffer_reserve_space(output, 1, &extent, 1), 1);
    extent.iov_len -= tail;
    memset(extent.iov_base, 'x', extent.iov_len);
    assert_int_equal(evbuffer_commit_space(output, &extent, 1), 0);
}

static void full_chunk(struct evbuffer *output)
{
    fill_chunk(output, 0);
}

/* commit_refused.c */
static void two_abandoned_reservations(struct evbuffer *output)
{
    struct evbuffer_iovec extents[3];
    fill_chunk(output, 1);
    assert_int_equal(evbuffer_reserve_space(output, 100, extents, 3), 2);
    assert_int_equal(evbuffer_reserve_space(output, 2000, extents, 3), 3);
}

/* pullup_shared.c: another buffer's chunk with room behind its data. */
static void shared_chunk(struct evbuffer *output)
{
    struct evbuffer *shared = evbuffer_new();
    assert_int_equal(evbuffer_add(shared, "shared", 6), 0);
    assert_int_equal(evbuffer_add_buffer_reference(output, shared), 0);
    evbuffer_free(shared);
}

/* reference_into_empty.c */
static void chunk_without_data(struct evbuffer *output)
{
    struct evbuffer_iovec extents[2];
    assert_true(evbuffer_reserve_space(output, 10, extents, 2) > 0);
}

/* empty_between.c */
static void empty_chunk_between(struct evbuffer *output)
{
    struct evbuffer *front = evbuffer_new();
    struct evbuffer *whole = evbuffer_new();
    struct evbuffer_iovec extents[2];
    assert_int_equal(evbuffer_add(front, "ab", 2), 0);
    assert_int_equal(evbuffer_reserve_space(front, 2000, extents, 2), 2);
    assert_int_equal(evbuffer_add_reference(whole, "cd", 2, NULL, NULL), 0);
    assert_int_equal(evbuffer_add_reference(whole, "ef", 2, NULL, NULL), 0);
    assert_int_equal(evbuffer_prepend_buffer(whole, front), 0);
    assert_int_equal(evbuffer_remove_buffer(whole, output, 5), 5);
    evbuffer_free(front);
    evbuffer_free(whole);
}

static void prepended_before_empty_chunk(struct evbuffer *output)
{
    chunk_without_data(output);
    assert_int_equal(evbuffer_prepend(output, "cd", 2), 0);
    assert_int_equal(evbuffer_prepend(output, "ab", 2), 0);
}

static void (*const states[])(struct evbuffer *output) = {
    full_chunk,         two_abandoned_reservations, shared_chunk,
    chunk_without_data, empty_chunk_between,        prepended_before_empty_chunk,
};

/* ----------------------------------------------------------------------------------- the tests */

/* The bytes in the output and those of the responses behind them; the caller frees them. */
static uint8_t *expectation(struct evbuffer *output, const struct kvr_response *responses,
                            size_t count, size_t *size)
{
    size_t before_size, frames_size;
    uint8_t *before = output_copy(output, &before_size);
    uint8_t *frames = flat_copy(responses, count, &frames_size);
    *size = before_size + frames_size;
    uint8_t *both = realloc(before, *size + 1);
    assert_non_null(both);
    memcpy(both + before_size, frames, frames_size);
    free(frames);
    return both;
}

static void write_and_compare(const struct kvr_writer_type *writer, struct fixture *fixture,
                              const struct kvr_response *responses, size_t count)
{
    size_t size, expected_size;
    uint8_t *expected = expectation(fixture->output, responses, count, &expected_size);
    void *state = writer->create();
    empty_reservations = pullups = references = 0;
    assert_int_equal(writer->write(state, fixture->bufferevent, responses, count), KVR_OK);
    assert_int_equal(empty_reservations + pullups + references, 0);
    uint8_t *bytes = output_copy(fixture->output, &size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(bytes, expected, size);
    writer->destroy(state);
    free(bytes);
    free(expected);
}

static void check(void (*make)(struct evbuffer *output), const struct kvr_response *responses,
                  size_t count)
{
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        struct fixture fixture;
        fixture_init(&fixture);
        evbuffer_unfreeze(fixture.output, 1);
        make(fixture.output);
        write_and_compare(all_writers[w], &fixture, responses, count);
        fixture_deinit(&fixture);
    }
}

static void every_writer_appends_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct kvr_response all[64];
        size_t count = 0;
        for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
            check(states[i], &shape->response, 1);
            all[count++] = shape->response;
        }
        check(states[i], all, count);
        check(states[i], NULL, 0);
    }
}

/* Where everything lies in a block of the writer's own, there is nothing to reserve (staged.c). */
static void a_batch_without_anything_to_reserve_is_written(void **state)
{
    (void)state;
    size_t size = STAGED_COPY_MIN;
    while (staged_layout(size).reserved > 0) {
        size++;
    }
    const struct kvr_response response = {.magic = KVR_MAGIC_RESPONSE,
                                          .value = pattern(size - KVR_HEADER_SIZE),
                                          .value_size = size - KVR_HEADER_SIZE};
    check(full_chunk, &response, 1);
}

/* pullup_shared.c: of two outputs that share a chunk, each has its own frames.
 */
static void outputs_that_share_a_chunk_do_not_meet(void **state)
{
    (void)state;
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        struct evbuffer *shared = evbuffer_new();
        struct fixture fixtures[2];
        uint8_t *expected[2];
        size_t sizes[2];
        assert_int_equal(evbuffer_add(shared, "shared", 6), 0);
        for (int i = 0; i < 2; i++) {
            const struct kvr_response response = {.magic = KVR_MAGIC_RESPONSE,
                                                  .opaque = (uint32_t)i + 1};
            fixture_init(&fixtures[i]);
            assert_int_equal(evbuffer_add_buffer_reference(fixtures[i].output, shared), 0);
            expected[i] = expectation(fixtures[i].output, &response, 1, &sizes[i]);
            write_and_compare(all_writers[w], &fixtures[i], &response, 1);
        }
        for (int i = 0; i < 2; i++) {
            size_t size;
            uint8_t *bytes = output_copy(fixtures[i].output, &size);
            assert_int_equal(size, sizes[i]);
            assert_memory_equal(bytes, expected[i], size);
            free(bytes);
            free(expected[i]);
            fixture_deinit(&fixtures[i]);
        }
        assert_int_equal(evbuffer_get_length(shared), 6);
        evbuffer_free(shared);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_writer_appends_in_every_state),
        cmocka_unit_test(a_batch_without_anything_to_reserve_is_written),
        cmocka_unit_test(outputs_that_share_a_chunk_do_not_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
