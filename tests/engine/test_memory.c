/* Where the engine's memory comes from, when it does, and what happens when it doesn't. */
#include "engine/answers.h"
#include "engine/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define BLOCKS_ARE_KEPT false /* see engine/blocks.h */
#elif defined(__has_feature)
#define BLOCKS_ARE_KEPT !__has_feature(address_sanitizer)
#else
#define BLOCKS_ARE_KEPT true
#endif

/* The linker leads every malloc and calloc of this program here (--wrap). */
static size_t allocations;
static bool none_left;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
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
    if (!BLOCKS_ARE_KEPT)
        skip();
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
    for (size_t i = 0; i < 10 * COUNT; i++)
        execute(asking, &requests[i % COUNT]);
    allocations = 0;
    for (size_t i = 0; i < 1000 * COUNT; i++)
        execute(asking, &requests[i % COUNT]);
    assert_int_equal(allocations, 0);
    for (size_t i = 0; i < COUNT; i++)
        bytes_free(&requests[i]);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, asking_begin, asking_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_steady_state_allocates_nothing),
        TEST(without_memory_nothing_changes),
        TEST(a_seed_without_memory_leaves_what_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
