/* A store with a limit evicts what was not used for longest; a value lent outlives its item. */
#include "engine/answers.h"
#include "engine/asking.h"
#include "from_to.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { LIMIT = 1 << 20, VALUE = 1000, KEYS_THAT_FIT = 700, MANY = 20000 };

static int begin_limited(void **state)
{
    static const struct engine_options limited = {.own_cas = true, .memory_max = LIMIT};
    asking_begin(state);
    struct asking *asking = *state;
    engine_destroy(asking->engine);
    asking->engine = engine_create(&limited);
    return asking->engine == NULL ? -1 : 0;
}

static int begin_lending(void **state)
{
    static const struct engine_options lending = {
        .own_cas = true, .memory_max = LIMIT, .lend_values = true};
    asking_begin(state);
    struct asking *asking = *state;
    engine_destroy(asking->engine);
    asking->engine = engine_create(&lending);
    return asking->engine == NULL ? -1 : 0;
}

static uint16_t request_for(struct asking *asking, uint8_t opcode, unsigned key, size_t value_size)
{
    static const uint8_t zeros[VALUE];
    char text[16];
    struct request request = {.opcode = opcode, .value = span_of(zeros, value_size)};
    request.key = span_of(text, (size_t)snprintf(text, sizeof(text), "key %u", key));
    if (opcode == MCBP_SET) {
        request.extras = span_of(zeros, 8);
    }
    ask_request(asking, &request);
    return asking->answer.responses[0].status;
}

static void set(struct asking *asking, unsigned key)
{
    assert_int_equal(request_for(asking, MCBP_SET, key, VALUE), MCBP_STATUS_SUCCESS);
}

static bool is_there(struct asking *asking, unsigned key)
{
    return request_for(asking, MCBP_GET, key, 0) == MCBP_STATUS_SUCCESS;
}

static void memory_stays_below_the_limit(void **state)
{
    struct asking *asking = *state;
    for (unsigned i = 0; i < MANY; i++) {
        set(asking, i);
    }
    assert_from_to(engine_item_count(asking->engine), KEYS_THAT_FIT, LIMIT / VALUE);
    assert_int_equal(engine_evictions(asking->engine), MANY - engine_item_count(asking->engine));
    for (unsigned i = MANY - KEYS_THAT_FIT; i < MANY; i++) {
        assert_true(is_there(asking, i));
    }
    assert_false(is_there(asking, 0));
}

static void what_is_read_again_and_again_is_not_evicted(void **state)
{
    struct asking *asking = *state;
    for (unsigned i = 0; i < MANY; i++) {
        set(asking, i);
        assert_true(is_there(asking, 7 < i ? 7 : i));
    }
}

static void what_was_deleted_makes_room_first(void **state)
{
    struct asking *asking = *state;
    for (unsigned i = 0; i < KEYS_THAT_FIT; i++) {
        set(asking, i);
    }
    for (unsigned i = KEYS_THAT_FIT / 2; i < KEYS_THAT_FIT; i++) {
        assert_int_equal(request_for(asking, MCBP_DELETE, i, 0), MCBP_STATUS_SUCCESS);
    }
    for (unsigned i = 0; i < KEYS_THAT_FIT / 2; i++) {
        set(asking, MANY + i);
    }
    for (unsigned i = 0; i < KEYS_THAT_FIT / 2; i++) {
        assert_true(is_there(asking, i));
    }
    assert_int_equal(engine_evictions(asking->engine), 0);
}

static void every_key_is_found_or_gone_whatever_was_evicted_between(void **state)
{
    struct asking *asking = *state;
    size_t found = 0;
    for (unsigned i = 0; i < MANY; i++) {
        set(asking, i % 3 == 0 ? i / 2 : i);
    }
    for (unsigned i = 0; i < MANY; i++) {
        found += is_there(asking, i);
    }
    assert_int_equal(found, engine_item_count(asking->engine));
}

static void without_a_limit_nothing_is_evicted(void **state)
{
    struct asking *asking = *state;
    for (unsigned i = 0; i < MANY / 4; i++) {
        set(asking, i);
    }
    assert_int_equal(engine_item_count(asking->engine), MANY / 4);
}

static void a_lent_value_stays_as_it_was(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K_VALUE);
    tell(asking, GET_K);
    struct kvr_response lent = asking->answer.responses[0];
    assert_non_null(lent.value_owner);
    lent.value_owner->retain(lent.value_owner);
    tell(asking, SET_K_10);
    for (unsigned i = 0; i < MANY; i++) {
        set(asking, i);
    }
    assert_memory_equal(lent.value, "value", 5);
    lent.value_owner->release(lent.value_owner);
    tell(asking, GET_K);
}

static void a_value_let_go_while_its_item_lives_stays_with_the_item(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K_VALUE);
    tell(asking, GET_K);
    struct kvr_value_owner *owner = asking->answer.responses[0].value_owner;
    owner->retain(owner);
    owner->release(owner);
    tell(asking, GET_K);
    assert_memory_equal(asking->answer.responses[0].value, "value", 5);
}

static void lent_values_do_not_drive_items_out(void **state)
{
    enum { LENT = 2 * LIMIT / VALUE };
    struct asking *asking = *state;
    static struct kvr_value_owner *owners[LENT];
    for (unsigned i = 0; i < LENT; i++) {
        set(asking, 1);
        assert_true(is_there(asking, 1));
        owners[i] = asking->answer.responses[0].value_owner;
        owners[i]->retain(owners[i]);
    }
    for (unsigned i = 0; i < KEYS_THAT_FIT / 2; i++) {
        set(asking, i);
    }
    assert_int_equal(engine_evictions(asking->engine), 0);
    for (unsigned i = 0; i < LENT; i++) {
        owners[i]->release(owners[i]);
    }
    assert_true(is_there(asking, 1));
    assert_true(engine_memory(asking->engine) < 5 * LIMIT + (4 << 20));
}

static void an_empty_value_has_no_owner(void **state)
{
    struct asking *asking = *state;
    request_for(asking, MCBP_SET, 1, 0);
    assert_true(is_there(asking, 1));
    assert_null(asking->answer.responses[0].value_owner);
}

static void only_what_is_stored_is_read(void **state)
{
    (void)state;
    assert_true(engine_reads_value(MCBP_SETQ));
    assert_true(engine_reads_value(MCBP_PREPEND));
    assert_false(engine_reads_value(MCBP_TOUCH));
    assert_false(engine_reads_value(MCBP_SASL_AUTH));
    assert_false(engine_reads_value(MCBP_HELLO));
}

#define TEST(test, begin) cmocka_unit_test_setup_teardown(test, begin, asking_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_stays_below_the_limit, begin_limited),
        TEST(what_is_read_again_and_again_is_not_evicted, begin_limited),
        TEST(what_was_deleted_makes_room_first, begin_limited),
        TEST(every_key_is_found_or_gone_whatever_was_evicted_between, begin_limited),
        TEST(without_a_limit_nothing_is_evicted, asking_begin),
        TEST(a_lent_value_stays_as_it_was, begin_lending),
        TEST(a_value_let_go_while_its_item_lives_stays_with_the_item, begin_lending),
        TEST(lent_values_do_not_drive_items_out, begin_lending),
        TEST(an_empty_value_has_no_owner, begin_lending),
        cmocka_unit_test(only_what_is_stored_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
