/*
 * All or nothing: whatever allocation fails, the buffer has the whole call's frames or is as
 * before.
 */
#include "baseline/all_writers.h"
#include "fixture.h"
#include "memory.h"
#include "shapes.h"
#include "writer/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ATTEMPTS_MAX = 200 };

/*
 * One attempt with allocation number `nth` refused. True if the writer got by without that many.
 */
static bool attempt(const struct kvr_writer_type *writer, enum hostile_state state, size_t tail,
                    const struct kvr_response *responses, size_t count, size_t nth, bool rest)
{
    struct fixture fixture;
    fixture_init(&fixture);
    assert_true(hostile_make(fixture.output, state, tail));
    size_t before_size, frames_size, after_size;
    uint8_t *before = output_copy(fixture.output, &before_size);
    uint8_t *frames = flat_copy(responses, count, &frames_size);
    void *writer_state = writer->create == NULL ? NULL : writer->create();

    memory_count_begin();
    memory_refuse(nth, rest);
    enum kvr_error error = writer->write(writer_state, fixture.bufferevent, responses, count);
    bool enough = memory_allocations() < nth;
    memory_allow();

    uint8_t *after = output_copy(fixture.output, &after_size);
    assert_int_equal(after_size, before_size + (error == KVR_OK ? frames_size : 0));
    assert_memory_equal(after, before, before_size);
    assert_memory_equal(after + before_size, frames, after_size - before_size);
    if (error != KVR_OK) {
        assert_int_equal(error, KVR_NO_MEMORY);
    }
    if (enough) {
        assert_int_equal(error, KVR_OK);
    }
    /* And the buffer still works. */
    assert_int_equal(writer->write(writer_state, fixture.bufferevent, responses, count), KVR_OK);

    if (writer->destroy != NULL) {
        writer->destroy(writer_state);
    }
    free(before);
    free(frames);
    free(after);
    fixture_deinit(&fixture);
    return enough;
}

static void refuse_each(const struct kvr_writer_type *writer, enum hostile_state state, size_t tail,
                        const struct kvr_response *responses, size_t count)
{
    for (int rest = 0; rest < 2; rest++) {
        size_t nth = 1;
        while (!attempt(writer, state, tail, responses, count, nth, rest)) {
            nth++;
            assert_true(nth < ATTEMPTS_MAX);
        }
    }
}

static void every_allocation_in_turn(void **state)
{
    (void)state;
    static const size_t tails[] = {0, 24, 30, 500};
    struct kvr_response all[64];
    size_t count = 0;
    for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
        all[count++] = shape->response;
    }
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        for (int i = 0; i < HOSTILE_STATES; i++) {
            for (size_t t = 0; t < sizeof(tails) / sizeof(tails[0]); t++) {
                refuse_each(writer, (enum hostile_state)i, tails[t], all, count);
                for (size_t one = 0; one < count; one++) {
                    refuse_each(writer, (enum hostile_state)i, tails[t], &all[one], 1);
                }
            }
        }
    }
}

static void a_frozen_buffer_is_refused_and_unchanged(void **state)
{
    (void)state;
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        struct fixture fixture;
        fixture_init(&fixture);
        assert_true(hostile_make(fixture.output, HOSTILE_TAIL, 30));
        size_t before = evbuffer_get_length(fixture.output);
        evbuffer_freeze(fixture.output, 0);
        assert_int_equal(writer->write(NULL, fixture.bufferevent, &shapes()[3].response, 1),
                         KVR_BUFFER_REFUSED);
        assert_int_equal(evbuffer_get_length(fixture.output), before);
        fixture_deinit(&fixture);
    }
}

/* The impossible response is the last one of the call: the good ones before it stay out too. */
static void an_impossible_length_is_refused_before_anything_is_written(void **state)
{
    (void)state;
    static const struct kvr_response impossible[] = {
        {.magic = 0x81, .framing_extras_size = 1}, {.magic = 0x18, .framing_extras_size = 256},
        {.magic = 0x81, .extras_size = 256},       {.magic = 0x81, .key_size = 65536},
        {.magic = 0x18, .key_size = 256},          {.magic = 0x81, .value_size = SIZE_MAX},
    };
    static const enum kvr_error errors[] = {
        KVR_FRAMING_EXTRAS_WITHOUT_FLEX,
        KVR_FRAMING_EXTRAS_TOO_LONG,
        KVR_EXTRAS_TOO_LONG,
        KVR_KEY_TOO_LONG,
        KVR_KEY_TOO_LONG,
        KVR_BODY_TOO_LONG,
    };
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        struct fixture fixture;
        fixture_init(&fixture);
        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
            const struct kvr_response pair[] = {shapes()[2].response, impossible[i]};
            memory_count_begin();
            assert_int_equal(writer->write(NULL, fixture.bufferevent, pair, 2), errors[i]);
            assert_int_equal(evbuffer_get_length(fixture.output), 0);
            assert_int_equal(memory_allocations(), 0);
        }
        fixture_deinit(&fixture);
    }
}

/* Sends on at once what is added, as a filtering bufferevent does. */
static void pass_on(struct evbuffer *output, const struct evbuffer_cb_info *info, void *unused)
{
    (void)info;
    (void)unused;
    evbuffer_drain(output, evbuffer_get_length(output));
}

static void what_was_passed_on_cant_be_taken_back_and_the_caller_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {"legacy", "append"};
    for (int w = 0; w < 2; w++) {
        struct fixture fixture;
        fixture_init(&fixture);
        evbuffer_unfreeze(fixture.output, 1);
        evbuffer_add_cb(fixture.output, pass_on, NULL);
        memory_refuse(2, false); /* the first part gets its chunk, the second does not */
        assert_int_equal(
            all_writers_find(names[w])->write(NULL, fixture.bufferevent, &shapes()[1].response, 1),
            KVR_TORN);
        memory_allow();
        fixture_deinit(&fixture);
    }
}

static void without_a_spare_buffer_nothing_can_be_taken_back_either(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    const struct kvr_response large = {.magic = 0x81, .value = pattern(5000), .value_size = 5000};
    memory_refuse(2, true);
    assert_int_equal(all_writers_find("legacy")->write(NULL, fixture.bufferevent, &large, 1),
                     KVR_TORN);
    memory_allow();
    fixture_deinit(&fixture);
}

int main(void)
{
    memory_control();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_in_turn),
        cmocka_unit_test(a_frozen_buffer_is_refused_and_unchanged),
        cmocka_unit_test(what_was_passed_on_cant_be_taken_back_and_the_caller_is_told),
        cmocka_unit_test(without_a_spare_buffer_nothing_can_be_taken_back_either),
        cmocka_unit_test(an_impossible_length_is_refused_before_anything_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
