/* Where the engine's memory comes from, when it does, and what happens when it doesn't. */
#include "base/blocks.h"
#include "engine/answers.h"
#include "engine/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define BLOCKS_ARE_KEPT false /* see base/blocks.h */
#elif defined(__has_feature)
#define BLOCKS_ARE_KEPT !__has_feature(address_sanitizer)
#else
#define BLOCKS_ARE_KEPT true
#endif

/* The linker leads every malloc and calloc of this program here (--wrap). */
static size_t allocations;
static size_t largest_allocation;
static bool none_left;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    if (size > largest_allocation) {
        largest_allocation = size;
    }
    return none_left ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return none_left ? NULL : __real_calloc(count, size);
}

/* Executes without asking.c, which allocates. */
static enum engine_verdict execute(struct asking *asking, const struct bytes *request)
{
    struct mcbp_frame frame;
    mcbp_frame_parse(span_of(request->data, request->size), &frame);
    struct engine_request engine_request = {.frame = &frame, .now = asking->now, .cas = 1};
    engine_execute(asking->engine, &engine_request, &asking->answer);
    return asking->answer.verdict;
}

static struct bytes request_of(const char *notation)
{
    struct bytes request = {0};
    bytes_add_notation(&request, notation);
    return request;
}

static void a_steady_state_allocates_nothing(void **state)
{
    if (!BLOCKS_ARE_KEPT) {
        skip();
    }
    struct asking *asking = *state;
    struct bytes requests[] = {
        request_of(SET_K_VALUE),
        request_of(GET_K),
        request_of("80 0e 0001 00 00 0000 00000004 00000002 0000000000000000 'k' 'end'"),
        request_of("80 04 0001 00 00 0000 00000001 00000002 0000000000000000 'k'"),
        request_of("80 05 0001 14 00 0000 00000015 00000002 0000000000000000"
                   "0000000000000001 0000000000000009 00000000 'n'"),
    };
    enum { COUNT = sizeof(requests) / sizeof(requests[0]) };
    for (size_t i = 0; i < 10 * COUNT; i++) {
        execute(asking, &requests[i % COUNT]);
    }
    allocations = 0;
    for (size_t i = 0; i < 1000 * COUNT; i++) {
        execute(asking, &requests[i % COUNT]);
    }
    assert_int_equal(allocations, 0);
    for (size_t i = 0; i < COUNT; i++) {
        bytes_free(&requests[i]);
    }
}

/* The value can't be had, or (as there is a block for it already) the entry. */
static void without_memory_nothing_changes(void **state)
{
    struct asking *asking = *state;
    struct bytes set = request_of(SET_K_VALUE);
    none_left = true;
    enum engine_verdict verdict = execute(asking, &set);
    none_left = false;
    assert_int_equal(verdict, ENGINE_NO_MEMORY);
    assert_int_equal(asking->answer.count, 0);
    assert_int_equal(know(asking, "k").knowledge, ENGINE_UNKNOWN);
    assert_int_equal(execute(asking, &set), ENGINE_ANSWERED);
    assert_int_equal(know(asking, "k").knowledge, ENGINE_PRESENT);
    bytes_free(&set);
}

static void a_seed_without_memory_leaves_what_is_known(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K_VALUE);
    struct engine_item item = know(asking, "k");
    static const uint8_t large[100000];
    item.value = span_of(large, sizeof(large));
    none_left = true;
    bool seeded = engine_seed(asking->engine, span_of("k", 1), &item);
    none_left = false;
    assert_false(seeded);
    assert_int_equal(know(asking, "k").value.size, 5);
}

static void set_number(struct asking *asking, unsigned number, size_t size)
{
    static const uint8_t value[4096];
    char key[16];
    struct request set = {
        .opcode = 1,
        .extras = span_of("\0\0\0\0\0\0\0", 8),
        .key = span_of(key, (size_t)snprintf(key, sizeof(key), "key %u", number)),
        .value = span_of(value, size),
    };
    ask_request(asking, &set);
}

static void many_keys_are_all_found_again(void **state)
{
    enum { MANY = 100000 };
    struct asking *asking = *state;
    for (unsigned i = 0; i < MANY; i++) {
        set_number(asking, i, i % 100);
    }
    assert_int_equal(engine_item_count(asking->engine), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key %u", i);
        assert_int_equal(know(asking, key).value.size, i % 100);
    }
}

static void overwriting_takes_no_more_memory(void **state)
{
    struct asking *asking = *state;
    for (unsigned i = 0; i < 1000; i++) {
        set_number(asking, i % 10, i % 4096);
    }
    size_t before = engine_memory(asking->engine);
    for (unsigned i = 0; i < 10000; i++) {
        set_number(asking, i % 10, 2048);
    }
    assert_true(engine_memory(asking->engine) <= before + 11 * 4096);
    size_t steady = engine_memory(asking->engine);
    for (unsigned i = 0; i < 10000; i++) {
        set_number(asking, i % 10, 2048);
    }
    assert_int_equal(engine_memory(asking->engine), steady);
}

static void what_is_flushed_again_and_again_takes_no_more_memory(void **state)
{
    struct asking *asking = *state;
    size_t most = 0;
    for (unsigned i = 0; i < 100000; i++) {
        if (i % 1000 == 0) {
            tell(asking, "80 08 0000 00 00 0000 00000000 00000001 0000000000000000"); /* FLUSH */
        }
        set_number(asking, i, 100);
        if (engine_memory(asking->engine) > most) {
            most = engine_memory(asking->engine);
        }
    }
    assert_true(most < 2 << 20);
}

static void a_block_is_as_large_as_asked_for_and_less_than_half_as_large_again(void **state)
{
    (void)state;
    struct blocks blocks = {0};
    largest_allocation = 0;
    for (size_t size = 1; size < 10000; size++) {
        void *block = blocks_take(&blocks, size);
        assert_non_null(block);
        blocks_give(&blocks, block, size);
        assert_true(largest_allocation >= size);
        assert_true(largest_allocation < size + size / 2 + 16);
    }
    blocks_deinit(&blocks);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, asking_begin, asking_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_steady_state_allocates_nothing),
        TEST(without_memory_nothing_changes),
        TEST(a_seed_without_memory_leaves_what_is_known),
        TEST(many_keys_are_all_found_again),
        TEST(overwriting_takes_no_more_memory),
        TEST(what_is_flushed_again_and_again_takes_no_more_memory),
        cmocka_unit_test(a_block_is_as_large_as_asked_for_and_less_than_half_as_large_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
