/*
 * Callbacks on the output that write from inside a writer's call, as the header has it: right with
 * reserve and batch, forbidden with legacy and append.
 */
#include "baseline/all_writers.h"
#include "fixture.h"
#include "shapes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Writes one response from inside the call that adds to the output first. */
struct reentry {
    const struct kvr_writer_type *writer;
    void *state;
    struct bufferevent *bufferevent; /* that it writes to */
    bool armed;
    enum kvr_error error;
};

static const struct kvr_response inner = {
    .magic = 0x81, .opcode = 0x0a, .opaque = 0x22222222, .value = "inner", .value_size = 5};

static void write_inner(struct reentry *reentry)
{
    if (reentry->armed) {
        reentry->armed = false;
        reentry->error = reentry->writer->write(reentry->state, reentry->bufferevent, &inner, 1);
    }
}

static void on_change(struct evbuffer *output, const struct evbuffer_cb_info *info, void *reentry)
{
    (void)output;
    if (info->n_added > 0) {
        write_inner(reentry);
    }
}

static void assert_output(struct evbuffer *output, const struct kvr_response *outer, size_t count)
{
    struct kvr_response all[64];
    size_t expected_size, size;
    memcpy(all, outer, count * sizeof(*outer));
    all[count] = inner;
    uint8_t *expected = flat_copy(all, count + 1, &expected_size);
    uint8_t *bytes = output_copy(output, &size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(bytes, expected, size);
    free(expected);
    free(bytes);
}

/* The callback writes with the same state or with another one. */
static void check(const char *name, const struct kvr_response *outer, size_t count, bool same_state)
{
    const struct kvr_writer_type *writer = all_writers_find(name);
    struct fixture fixture;
    fixture_init(&fixture);
    void *state = writer->create();
    void *other = writer->create();
    struct reentry reentry = {.writer = writer,
                              .state = same_state ? state : other,
                              .bufferevent = fixture.bufferevent,
                              .armed = true};
    evbuffer_add_cb(fixture.output, on_change, &reentry);
    assert_int_equal(writer->write(state, fixture.bufferevent, outer, count), KVR_OK);
    assert_int_equal(reentry.error, KVR_OK);
    assert_output(fixture.output, outer, count);
    assert_int_equal(writer->write(state, fixture.bufferevent, outer, count), KVR_OK);
    writer->destroy(state);
    writer->destroy(other);
    fixture_deinit(&fixture);
}

static void what_reserve_and_batch_write_stays_whole(void **state)
{
    (void)state;
    static const char *const names[] = {"reserve", "batch"};
    struct kvr_response all[63];
    size_t count = 0;
    for (const struct shape *shape = shapes(); shape->name != NULL; shape++) {
        all[count++] = shape->response;
    }
    for (int w = 0; w < 2; w++) {
        for (int same = 0; same < 2; same++) {
            for (size_t i = 0; i < count; i++) {
                check(names[w], &all[i], 1, same);
                check(names[w], &all[i], i + 1 < count ? 2 : 1, same);
            }
            check(names[w], all, count, same);
        }
    }
}

static void count_only(struct kvr_value_owner *owner)
{
    (void)owner;
}

static void values_by_reference_stay_whole_too(void **state)
{
    (void)state;
    static struct kvr_value_owner owner = {count_only, count_only};
    const struct kvr_response outer[] = {
        {.magic = 0x81, .value = "small", .value_size = 5},
        {.magic = 0x81, .value = pattern(20000), .value_size = 20000, .value_owner = &owner},
        {.magic = 0x81, .opcode = 0x0b},
    };
    check("reserve", &outer[1], 1, true);
    check("reserve", outer, 3, true);
    check("batch", outer, 3, true);
}

/* Under a filter, what asks for more runs inside the call, too, once all has been passed on. */
static enum bufferevent_filter_result pass_on(struct evbuffer *from, struct evbuffer *to,
                                              ev_ssize_t limit, enum bufferevent_flush_mode mode,
                                              void *unused)
{
    (void)limit;
    (void)mode;
    (void)unused;
    return evbuffer_remove_buffer(from, to, evbuffer_get_length(from)) > 0 ? BEV_OK : BEV_NEED_MORE;
}

static void on_room(struct bufferevent *bufferevent, void *reentry)
{
    (void)bufferevent;
    write_inner(reentry);
}

static void the_same_under_a_filter(void **state)
{
    (void)state;
    static const char *const names[] = {"reserve", "batch"};
    const struct kvr_response outer[] = {
        {.magic = 0x81, .opaque = 1, .key = "k", .key_size = 1, .value = "v", .value_size = 1},
        {.magic = 0x81, .opaque = 2, .value = pattern(20000), .value_size = 20000}};
    for (int w = 0; w < 2; w++) {
        struct fixture fixture;
        fixture_init(&fixture);
        const struct kvr_writer_type *writer = all_writers_find(names[w]);
        struct bufferevent *filter =
            bufferevent_filter_new(fixture.bufferevent, NULL, pass_on, 0, NULL, NULL);
        struct reentry reentry = {.writer = writer, .bufferevent = filter, .armed = true};
        bufferevent_setcb(filter, NULL, on_room, NULL, &reentry);
        bufferevent_enable(filter, EV_WRITE);
        assert_int_equal(writer->write(NULL, filter, outer, 2), KVR_OK);
        assert_false(reentry.armed);
        assert_output(fixture.output, outer, 2);
        bufferevent_free(filter);
        fixture_deinit(&fixture);
    }
}

/* What the header forbids is what happens: a callback's bytes come before the rest of the frame. */
static void what_is_written_inside_calls_of_legacy_and_append_lands_inside_a_frame(void **state)
{
    (void)state;
    static const char *const names[] = {"legacy", "append"};
    const struct kvr_response outer = {.magic = 0x81, .value = "v", .value_size = 1};
    for (int w = 0; w < 2; w++) {
        const struct kvr_writer_type *writer = all_writers_find(names[w]);
        struct fixture fixture;
        fixture_init(&fixture);
        struct reentry reentry = {
            .writer = writer, .bufferevent = fixture.bufferevent, .armed = true};
        evbuffer_add_cb(fixture.output, on_change, &reentry);
        assert_int_equal(writer->write(NULL, fixture.bufferevent, &outer, 1), KVR_OK);
        size_t size;
        uint8_t *bytes = output_copy(fixture.output, &size);
        assert_int_equal(size, 24 + 29 + 1);
        assert_int_equal(bytes[24], 0x81); /* of the inner one */
        assert_int_equal(bytes[size - 1], 'v');
        free(bytes);
        fixture_deinit(&fixture);
    }
}

static void freeze(struct evbuffer *output, const struct evbuffer_cb_info *info, void *unused)
{
    (void)info;
    (void)unused;
    evbuffer_freeze(output, 0);
}

static void what_was_there_before_is_not_lost_when_a_callback_freezes_the_buffer(void **state)
{
    (void)state;
    static const char *const names[] = {"legacy", "append"};
    const struct kvr_response outer = {.magic = 0x81, .value = "v", .value_size = 1};
    for (int w = 0; w < 2; w++) {
        struct fixture fixture;
        fixture_init(&fixture);
        assert_int_equal(evbuffer_add(fixture.output, "before", 6), 0);
        evbuffer_add_cb(fixture.output, freeze, NULL);
        assert_int_equal(all_writers_find(names[w])->write(NULL, fixture.bufferevent, &outer, 1),
                         KVR_TORN);
        assert_int_equal(evbuffer_get_length(fixture.output), 6 + 24);
        fixture_deinit(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_reserve_and_batch_write_stays_whole),
        cmocka_unit_test(values_by_reference_stay_whole_too),
        cmocka_unit_test(the_same_under_a_filter),
        cmocka_unit_test(what_is_written_inside_calls_of_legacy_and_append_lands_inside_a_frame),
        cmocka_unit_test(what_was_there_before_is_not_lost_when_a_callback_freezes_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
