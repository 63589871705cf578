/*
 * Values by reference: sent from where they are, kept alive exactly as long as they are needed.
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

enum { LARGE = 20000, ITEMS = 5, ATTEMPTS_MAX = 200 };

/* As in a store: the value's count of users, the store itself among them. */
struct item {
    struct kvr_value_owner owner;
    int users;
    int retained; /* ever */
};

static void retain(struct kvr_value_owner *owner)
{
    struct item *item = (struct item *)owner;
    item->users++;
    item->retained++;
}

static void release(struct kvr_value_owner *owner)
{
    struct item *item = (struct item *)owner;
    assert_true(item->users > 1);
    item->users--;
}

static struct item items[ITEMS];

/* Small and large values in turn, all with owners. */
static void make_responses(struct kvr_response responses[ITEMS])
{
    for (int i = 0; i < ITEMS; i++) {
        size_t size = i % 2 == 0 ? LARGE + (size_t)i : 50;
        items[i] = (struct item){{retain, release}, 1, 0};
        responses[i] = (struct kvr_response){.magic = 0x81,
                                             .opaque = (uint32_t)i,
                                             .extras = "flag",
                                             .extras_size = 4,
                                             .value = pattern(size),
                                             .value_size = size,
                                             .value_owner = &items[i].owner};
    }
}

static void assert_users(int large)
{
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i].users, i % 2 == 0 ? large : 1);
    }
}

static const struct kvr_writer_type *by_reference[] = {NULL, NULL};

static int find_writers(void **state)
{
    (void)state;
    by_reference[0] = all_writers_find("reserve");
    by_reference[1] = all_writers_find("batch");
    return 0;
}

static void assert_bytes(struct evbuffer *output, const struct kvr_response *responses)
{
    size_t size, expected_size;
    uint8_t *bytes = output_copy(output, &size);
    uint8_t *expected = flat_copy(responses, ITEMS, &expected_size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(bytes, expected, size);
    free(bytes);
    free(expected);
}

static bool refers_to(struct evbuffer *output, const void *value)
{
    struct evbuffer_iovec chunks[64];
    int count = evbuffer_peek(output, -1, NULL, chunks, 64);
    for (int i = 0; i < count && i < 64; i++) {
        if (chunks[i].iov_base == value) {
            return true;
        }
    }
    return false;
}

static void a_large_value_is_not_copied_and_let_go_once_sent(void **state)
{
    (void)state;
    for (int w = 0; w < 2; w++) {
        struct fixture fixture;
        fixture_init(&fixture);
        struct kvr_response responses[ITEMS];
        make_responses(responses);
        assert_int_equal(by_reference[w]->write(NULL, fixture.bufferevent, responses, ITEMS),
                         KVR_OK);
        assert_bytes(fixture.output, responses);
        assert_users(2);
        assert_true(refers_to(fixture.output, responses[0].value));
        evbuffer_unfreeze(fixture.output, 1);
        evbuffer_drain(fixture.output, evbuffer_get_length(fixture.output));
        assert_users(1);
        fixture_deinit(&fixture);
    }
}

static void values_are_let_go_when_the_connection_dies_first(void **state)
{
    (void)state;
    for (int w = 0; w < 2; w++) {
        struct fixture fixture;
        fixture_init(&fixture);
        struct kvr_response responses[ITEMS];
        make_responses(responses);
        assert_int_equal(by_reference[w]->write(NULL, fixture.bufferevent, responses, ITEMS),
                         KVR_OK);
        assert_users(2);
        fixture_deinit(&fixture);
        assert_users(1);
    }
}

static void the_threshold_is_configurable(void **state)
{
    (void)state;
    static const struct {
        size_t threshold;
        int small, large; /* how often each was retained */
    } rows[] = {{0, 0, 1}, {1, 1, 1}, {51, 0, 1}, {LARGE + 100, 0, 0}, {SIZE_MAX, 0, 0}};
    for (int w = 0; w < 2; w++) {
        for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
            struct fixture fixture;
            fixture_init(&fixture);
            struct kvr_response responses[ITEMS];
            make_responses(responses);
            void *writer_state = by_reference[w]->create();
            const struct kvr_options options = {.reference_threshold = rows[row].threshold};
            by_reference[w]->configure(writer_state, &options);
            assert_int_equal(
                by_reference[w]->write(writer_state, fixture.bufferevent, responses, ITEMS),
                KVR_OK);
            assert_bytes(fixture.output, responses);
            for (int i = 0; i < ITEMS; i++) {
                assert_int_equal(items[i].retained, i % 2 == 0 ? rows[row].large : rows[row].small);
            }
            by_reference[w]->destroy(writer_state);
            fixture_deinit(&fixture);
            assert_users(1);
        }
    }
}

static void writers_that_copy_leave_the_owner_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"legacy", "append"};
    for (int w = 0; w < 2; w++) {
        struct fixture fixture;
        fixture_init(&fixture);
        struct kvr_response responses[ITEMS];
        make_responses(responses);
        const struct kvr_writer_type *writer = all_writers_find(names[w]);
        assert_int_equal(writer->write(NULL, fixture.bufferevent, responses, ITEMS), KVR_OK);
        assert_bytes(fixture.output, responses);
        assert_users(1);
        fixture_deinit(&fixture);
    }
}

/* True if the writer got by with fewer than `nth` allocations. */
static bool attempt(const struct kvr_writer_type *writer, size_t nth, bool rest)
{
    struct fixture fixture;
    fixture_init(&fixture);
    assert_true(hostile_make(fixture.output, HOSTILE_TAIL, 30));
    size_t before = evbuffer_get_length(fixture.output);
    struct kvr_response responses[ITEMS];
    make_responses(responses);
    void *writer_state = writer->create();

    memory_count_begin();
    memory_refuse(nth, rest);
    enum kvr_error error = writer->write(writer_state, fixture.bufferevent, responses, ITEMS);
    bool enough = memory_allocations() < nth;
    memory_allow();

    if (error == KVR_OK) {
        assert_users(2);
    } else {
        assert_int_equal(error, KVR_NO_MEMORY);
        assert_int_equal(evbuffer_get_length(fixture.output), before);
        assert_users(1);
    }
    writer->destroy(writer_state);
    fixture_deinit(&fixture);
    assert_users(1);
    return enough;
}

static void no_failed_allocation_leaks_a_value_or_lets_it_go_twice(void **state)
{
    (void)state;
    for (int w = 0; w < 2; w++) {
        for (int rest = 0; rest < 2; rest++) {
            size_t live = memory_live();
            size_t nth = 1;
            while (!attempt(by_reference[w], nth, rest)) {
                nth++;
                assert_true(nth < ATTEMPTS_MAX);
            }
            assert_true(nth > 5);
            assert_int_equal(memory_live(), live);
        }
    }
}

static void a_frozen_buffer_gets_no_reference(void **state)
{
    (void)state;
    for (int w = 0; w < 2; w++) {
        struct fixture fixture;
        fixture_init(&fixture);
        evbuffer_freeze(fixture.output, 0);
        struct kvr_response responses[ITEMS];
        make_responses(responses);
        assert_int_equal(by_reference[w]->write(NULL, fixture.bufferevent, responses, ITEMS),
                         KVR_BUFFER_REFUSED);
        assert_int_equal(evbuffer_get_length(fixture.output), 0);
        assert_users(1);
        fixture_deinit(&fixture);
    }
}

int main(void)
{
    memory_control();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_value_is_not_copied_and_let_go_once_sent),
        cmocka_unit_test(values_are_let_go_when_the_connection_dies_first),
        cmocka_unit_test(the_threshold_is_configurable),
        cmocka_unit_test(writers_that_copy_leave_the_owner_alone),
        cmocka_unit_test(no_failed_allocation_leaks_a_value_or_lets_it_go_twice),
        cmocka_unit_test(a_frozen_buffer_gets_no_reference),
    };
    return cmocka_run_group_tests(tests, find_writers, NULL);
}
