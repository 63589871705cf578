/*
 * What a batch costs, counted: reservations, bytes, chunks, and the TLS records they become.
 */
#include "baseline/all_writers.h"
#include "fixture.h"
#include "from_to.h"
#include "memory.h"
#include "shapes.h"
#include "writer/hostile.h"
#include "writer/output.h"
#include "writer/staged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORD = 16384, DEPTH_MAX = 130 };

static int reservations;
static int commits;
static int commits_to_refuse;

/* The linker sends the library's calls through here (--wrap). */
int __real_evbuffer_reserve_space(struct evbuffer *, ev_ssize_t, struct evbuffer_iovec *, int);
int __wrap_evbuffer_reserve_space(struct evbuffer *, ev_ssize_t, struct evbuffer_iovec *, int);
int __real_evbuffer_commit_space(struct evbuffer *, struct evbuffer_iovec *, int);
int __wrap_evbuffer_commit_space(struct evbuffer *, struct evbuffer_iovec *, int);

int __wrap_evbuffer_reserve_space(struct evbuffer *buffer, ev_ssize_t size,
                                  struct evbuffer_iovec *extents, int count)
{
    reservations++;
    return __real_evbuffer_reserve_space(buffer, size, extents, count);
}

int __wrap_evbuffer_commit_space(struct evbuffer *buffer, struct evbuffer_iovec *extents, int count)
{
    commits++;
    if (commits_to_refuse > 0) {
        commits_to_refuse--;
        return -1;
    }
    return __real_evbuffer_commit_space(buffer, extents, count);
}

/* TLS encrypts each chunk by itself. */
static size_t tls_records(struct evbuffer *output)
{
    struct evbuffer_iovec chunks[1024];
    int count = evbuffer_peek(output, -1, NULL, chunks, 1024);
    assert_true(count <= 1024);
    size_t records = 0;
    for (int i = 0; i < count; i++) {
        records += (chunks[i].iov_len + RECORD - 1) / RECORD;
    }
    return records;
}

static void drain(struct fixture *fixture)
{
    evbuffer_unfreeze(fixture->output, 1);
    evbuffer_drain(fixture->output, evbuffer_get_length(fixture->output));
    evbuffer_freeze(fixture->output, 1);
}

/* One batch of `size` bytes in two responses, into an empty buffer. */
static void check_batch(struct fixture *fixture, void *state, size_t size)
{
    const size_t value = size - 2 * KVR_HEADER_SIZE;
    const struct kvr_response pair[] = {
        {.magic = 0x81, .value = pattern(value / 3), .value_size = value / 3},
        {.magic = 0x81, .value = pattern(value - value / 3), .value_size = value - value / 3},
    };
    reservations = commits = 0;
    memory_count_begin();
    assert_int_equal(all_writers_find("batch")->write(state, fixture->bufferevent, pair, 2),
                     KVR_OK);
    assert_int_equal(evbuffer_get_length(fixture->output), size);
    assert_int_equal(tls_records(fixture->output), (size + RECORD - 1) / RECORD);
    assert_true(memory_bytes() * 4 <= size * 5);
    int expected = staged_layout(size).reserved > 0;
    assert_int_equal(reservations, expected);
    assert_int_equal(commits, expected);
    drain(fixture);
}

static void a_batch_of_16_kib_and_more_wastes_neither_memory_nor_records(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    void *writer_state = all_writers_find("batch")->create();
    for (size_t size = 16384; size < 300000; size += 101) {
        check_batch(&fixture, writer_state, size);
    }
    for (size_t record = RECORD; record <= 1 << 20;
         record += record < 10 * RECORD ? RECORD : 9 * RECORD) {
        for (size_t size = record - 60; size <= record + 60; size++) {
            if (size >= RECORD) {
                check_batch(&fixture, writer_state, size);
            }
        }
    }
    all_writers_find("batch")->destroy(writer_state);
    fixture_deinit(&fixture);
}

/* Where no reservation can do it: within 48 bytes of a whole number of records, under 128 KiB. */
static void only_a_few_sizes_do_without_a_reservation(void **state)
{
    (void)state;
    for (size_t size = 1; size < 1 << 20; size++) {
        struct staged_layout layout = staged_layout(size);
        assert_int_equal(layout.reserved + layout.block, size);
        if (layout.reserved == 0) {
            assert_true(size < 128 * 1024);
            assert_from_to((size - 1) % RECORD, RECORD - 48, RECORD - 1);
        }
    }
}

static void a_small_batch_takes_one_reservation_and_one_chunk(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t count = 2; count < DEPTH_MAX; count++) {
        struct kvr_response responses[DEPTH_MAX];
        for (size_t i = 0; i < count; i++) {
            responses[i] =
                (struct kvr_response){.magic = 0x81, .value = pattern(90), .value_size = 90};
        }
        reservations = commits = 0;
        assert_int_equal(
            all_writers_find("batch")->write(NULL, fixture.bufferevent, responses, count), KVR_OK);
        assert_int_equal(reservations, 1);
        assert_int_equal(commits, 1);
        assert_int_equal(output_chunks(fixture.output), 1);
        drain(&fixture);
    }
    fixture_deinit(&fixture);
}

/* As libevent may do when earlier reservations were abandoned. */
static void a_refused_commit_changes_nothing_but_the_way(void **state)
{
    (void)state;
    static const char *const names[] = {"reserve", "batch"};
    for (int w = 0; w < 2; w++) {
        for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
            size_t size, after;
            kvr_size(&shape->response, &size);
            if (size >= STAGED_COPY_MIN) {
                continue; /* a buffer of the writer's own has no earlier reservations */
            }
            struct fixture fixture;
            fixture_init(&fixture);
            assert_true(hostile_make(fixture.output, HOSTILE_TAIL, 30));
            size_t before = evbuffer_get_length(fixture.output);
            commits_to_refuse = 1;
            assert_int_equal(
                all_writers_find(names[w])->write(NULL, fixture.bufferevent, &shape->response, 1),
                KVR_OK);
            commits_to_refuse = 0;
            uint8_t *frame = flat_copy(&shape->response, 1, &size);
            uint8_t *bytes = output_copy(fixture.output, &after);
            assert_int_equal(after, before + size);
            assert_memory_equal(bytes + before, frame, size);
            free(frame);
            free(bytes);
            fixture_deinit(&fixture);
        }
    }
}

static void a_sum_over_the_limit_is_refused(void **state)
{
    (void)state;
    const struct kvr_response three[] = {
        {.magic = 0x81}, {.magic = 0x81, .key_size = 6}, {.magic = 0x81, .value_size = 100}};
    size_t total = 0;
    assert_int_equal(batch_size(three, 3, 178, &total), KVR_OK);
    assert_int_equal(total, 178);
    assert_int_equal(batch_size(three, 3, 177, &total), KVR_BATCH_TOO_LONG);
    assert_int_equal(batch_size(three, 3, 53, &total), KVR_BATCH_TOO_LONG);
    assert_int_equal(batch_size(three, 3, 0, &total), KVR_BATCH_TOO_LONG);
    assert_int_equal(batch_size(three, 0, 0, &total), KVR_OK);
    assert_int_equal(total, 0);
}

/* Chunks and records after each of `depth` responses with values of one size. */
static void measure(const struct kvr_writer_type *writer, size_t value, int chunks[DEPTH_MAX],
                    size_t records[DEPTH_MAX], int depth)
{
    struct fixture fixture;
    fixture_init(&fixture);
    void *writer_state = writer->create();
    const struct kvr_response response = {.magic = 0x81,
                                          .extras = "flag",
                                          .extras_size = 4,
                                          .value = pattern(value),
                                          .value_size = value};
    for (int i = 0; i < depth; i++) {
        assert_int_equal(writer->write(writer_state, fixture.bufferevent, &response, 1), KVR_OK);
        chunks[i] = output_chunks(fixture.output);
        records[i] = tls_records(fixture.output);
    }
    writer->destroy(writer_state);
    fixture_deinit(&fixture);
}

static void reserve_never_leaves_more_chunks_or_records_than_legacy(void **state)
{
    (void)state;
    int chunks[2][DEPTH_MAX];
    size_t records[2][DEPTH_MAX];
    for (size_t value = 0; value < 40000; value += value < 300 ? 1 : value < 9000 ? 37 : 509) {
        int depth = value < 9000 ? DEPTH_MAX : 30;
        measure(all_writers_find("reserve"), value, chunks[0], records[0], depth);
        measure(all_writers_find("legacy"), value, chunks[1], records[1], depth);
        for (int i = 0; i < depth; i++) {
            if (chunks[0][i] > chunks[1][i] || records[0][i] > records[1][i]) {
                fail_msg("value %zu, depth %d: %d chunks (legacy %d), %zu records (legacy %zu)",
                         value, i + 1, chunks[0][i], chunks[1][i], records[0][i], records[1][i]);
            }
        }
    }
}

/* A chunk that is full to the brim would hide from the next reservation that it gets a new one. */
static void reserve_does_not_fill_a_chunk_to_its_last_byte(void **state)
{
    (void)state;
    enum { CHUNK = 976, PREFIX = 24 + 4, SMALL = 100 - PREFIX, SMALL_ONES = 9 };
    struct fixture fixture;
    fixture_init(&fixture);
    const struct kvr_writer_type *reserve = all_writers_find("reserve");
    void *writer_state = reserve->create();
    struct kvr_response response = {.magic = 0x81,
                                    .extras = "flag",
                                    .extras_size = 4,
                                    .value = pattern(CHUNK),
                                    .value_size = CHUNK - PREFIX};
    assert_int_equal(reserve->write(writer_state, fixture.bufferevent, &response, 1), KVR_OK);
    response.value_size = SMALL;
    for (int i = 0; i < SMALL_ONES; i++) {
        assert_int_equal(reserve->write(writer_state, fixture.bufferevent, &response, 1), KVR_OK);
    }
    assert_int_equal(output_chunks(fixture.output), 1);
    reserve->destroy(writer_state);
    fixture_deinit(&fixture);
}

int main(void)
{
    memory_control();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_of_16_kib_and_more_wastes_neither_memory_nor_records),
        cmocka_unit_test(only_a_few_sizes_do_without_a_reservation),
        cmocka_unit_test(a_small_batch_takes_one_reservation_and_one_chunk),
        cmocka_unit_test(a_refused_commit_changes_nothing_but_the_way),
        cmocka_unit_test(a_sum_over_the_limit_is_refused),
        cmocka_unit_test(reserve_does_not_fill_a_chunk_to_its_last_byte),
        cmocka_unit_test(reserve_never_leaves_more_chunks_or_records_than_legacy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
