/* What the engine knows of keys, is told of them, takes back, and forgets. */
#include "engine/asking.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/*                  mg op klen el dt stat body     opaque   CAS                              */
#define SET_K                                                                                      \
    "80 01 0001 08 00 0000 0000000e 00000001 0000000000000000 00000000 00000000 'k' 'value'"
#define SET_K_FOR_10_S                                                                             \
    "80 01 0001 08 00 0000 0000000e 00000001 0000000000000000 00000000 0000000a 'k' 'value'"
#define SETQ_K                                                                                     \
    "80 11 0001 08 00 0000 0000000d 00000001 0000000000000000 00000000 00000000 'k' 'else'"
#define APPEND_K          "80 0e 0001 00 00 0000 00000002 00000001 0000000000000000 'k' '!'"
#define DELETE_K          "80 04 0001 00 00 0000 00000001 00000001 0000000000000000 'k'"
#define GET_K             "80 00 0001 00 00 0000 00000001 00000001 0000000000000000 'k'"
#define FLUSH             "80 08 0000 00 00 0000 00000000 00000001 0000000000000000"
#define FLUSH_IN(seconds) "80 08 0000 04 00 0000 00000004 00000001 0000000000000000" seconds

static void assert_k_is(struct asking *asking, const char *value)
{
    struct engine_item item = know(asking, "k");
    assert_int_equal(item.knowledge, ENGINE_PRESENT);
    assert_int_equal(item.value.size, strlen(value));
    assert_memory_equal(item.value.data, value, item.value.size);
}

static void assert_k_is_known_as(struct asking *asking, enum engine_knowledge knowledge)
{
    assert_int_equal(know(asking, "k").knowledge, knowledge);
}

static void seed(struct asking *asking, const char *key, struct engine_item item)
{
    assert_true(engine_seed(asking->engine, span_of(key, strlen(key)), &item));
}

static struct engine_item present(const char *value)
{
    return (struct engine_item){
        .knowledge = ENGINE_PRESENT,
        .value = span_of(value, strlen(value)),
        .cas = 77,
    };
}

/* ---------------------------------------------------------------- knowing */

static void a_key_never_seen_is_unknown_and_a_miss_leaves_it_so(void **state)
{
    tell(*state, GET_K);
    assert_k_is_known_as(*state, ENGINE_UNKNOWN);
}

static void a_deleted_key_is_known_to_be_absent(void **state)
{
    tell(*state, SET_K);
    tell(*state, DELETE_K);
    assert_k_is_known_as(*state, ENGINE_ABSENT);
}

static void an_item_is_gone_in_the_second_in_which_it_expires(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K_FOR_10_S);
    asking->now += 9;
    assert_k_is_known_as(asking, ENGINE_PRESENT);
    asking->now += 1;
    assert_k_is_known_as(asking, ENGINE_ABSENT);
    tell(asking, GET_K);
    assert_int_equal(asking->answer.responses[0].status, MCBP_STATUS_KEY_NOT_FOUND);
}

static void the_cas_of_a_quiet_mutation_is_unknown_until_bound(void **state)
{
    struct asking *asking = *state;
    asking->cas = 0;
    ask(asking, SETQ_K, "");
    tell(asking, GET_K);
    assert_true(asking->answer.cas_unknown);
    engine_bind_cas(asking->engine, span_of("k", 1), 78);
    tell(asking, GET_K);
    assert_false(asking->answer.cas_unknown);
    assert_int_equal(asking->answer.responses[0].cas, 78);
}

static void a_cas_that_meets_an_unknown_one_is_assumed_to_match(void **state)
{
    struct asking *asking = *state;
    asking->cas = 0;
    tell(asking, SETQ_K);
    tell(asking, "80 04 0001 00 00 0000 00000001 00000001 0000000000000009 'k'");
    assert_int_equal(asking->answer.responses[0].status, MCBP_STATUS_SUCCESS);
    assert_true(asking->answer.cas_assumed);
}

static void an_engine_of_its_own_counts_its_cas_values(void **state)
{
    struct asking *asking = *state;
    engine_destroy(asking->engine);
    asking->engine = engine_create(&(struct engine_options){.own_cas = true});
    tell(asking, SET_K);
    tell(asking, FLUSH); /* takes one */
    tell(asking, SET_K);
    assert_int_equal(asking->answer.responses[0].cas, 3);
}

/* ---------------------------------------------------------------- telling */

static void a_seeded_item_is_served_as_given(void **state)
{
    struct engine_item item = present("{}");
    item.flags = 0xdeadbeef;
    item.datatype = MCBP_DATATYPE_JSON;
    seed(*state, "k", item);
    ask(*state, GET_K, "81 00 0000 04 01 0000 00000006 00000001 000000000000004d deadbeef '{}'");
}

static void a_doubtful_item_is_so_until_it_is_overwritten(void **state)
{
    struct engine_item item = present("guess");
    item.doubtful = true;
    seed(*state, "k", item);
    tell(*state, APPEND_K);
    assert_true(know(*state, "k").doubtful);
    tell(*state, SET_K);
    assert_false(know(*state, "k").doubtful);
}

static void a_key_seeded_as_absent_is_absent(void **state)
{
    tell(*state, SET_K);
    seed(*state, "k", (struct engine_item){.knowledge = ENGINE_ABSENT});
    assert_k_is_known_as(*state, ENGINE_ABSENT);
}

static void an_item_can_be_seeded_with_its_own_value(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    seed(asking, "k", know(asking, "k"));
    assert_k_is(asking, "value");
}

/* ---------------------------------------------------------------- taking back */

static void undo_takes_back_an_overwriting(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    tell(asking, SETQ_K);
    assert_k_is(asking, "else");
    engine_undo(asking->engine);
    assert_k_is(asking, "value");
    engine_undo(asking->engine); /* there is no second step back */
    assert_k_is(asking, "value");
}

static void undo_takes_back_a_first_writing(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    engine_undo(asking->engine);
    assert_k_is_known_as(asking, ENGINE_UNKNOWN);
    assert_int_equal(engine_item_count(asking->engine), 0);
}

static void undo_takes_back_append_and_delete(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    tell(asking, APPEND_K);
    assert_k_is(asking, "value!");
    engine_undo(asking->engine);
    assert_k_is(asking, "value");
    tell(asking, DELETE_K);
    engine_undo(asking->engine);
    assert_k_is(asking, "value");
    assert_int_equal(engine_item_count(asking->engine), 1);
}

static void undo_after_a_miss_takes_back_nothing(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    tell(asking, "80 00 0001 00 00 0000 00000001 00000001 0000000000000000 'x'");
    engine_undo(asking->engine);
    assert_k_is(asking, "value");
}

static void undo_brings_back_an_item_overwritten_after_it_expired(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K_FOR_10_S);
    asking->now += 10;
    tell(asking, SETQ_K);
    engine_undo(asking->engine);
    asking->now -= 1;
    assert_k_is(asking, "value");
}

static void undo_takes_back_the_cas_that_was_handed_out(void **state)
{
    struct asking *asking = *state;
    engine_destroy(asking->engine);
    asking->engine = engine_create(&(struct engine_options){.own_cas = true});
    tell(asking, SET_K);
    engine_undo(asking->engine);
    tell(asking, SET_K);
    assert_int_equal(asking->answer.responses[0].cas, 1);
}

/* ---------------------------------------------------------------- forgetting and flushing */

static void a_forgotten_key_is_unknown(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    engine_forget(asking->engine, span_of("k", 1));
    assert_k_is_known_as(asking, ENGINE_UNKNOWN);
    assert_int_equal(engine_item_count(asking->engine), 0);
}

static void after_forget_all_every_key_is_unknown_until_written(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    engine_forget_all(asking->engine);
    assert_k_is_known_as(asking, ENGINE_UNKNOWN);
    assert_int_equal(engine_item_count(asking->engine), 0);
    tell(asking, SETQ_K);
    assert_k_is(asking, "else");
}

static void after_a_flush_every_key_is_absent_seen_or_not(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    tell(asking, FLUSH);
    assert_k_is_known_as(asking, ENGINE_ABSENT);
    assert_int_equal(know(asking, "never seen").knowledge, ENGINE_ABSENT);
    tell(asking, SETQ_K);
    assert_k_is(asking, "else");
    assert_int_equal(engine_flush_time(asking->engine), 0);
}

static void forget_and_forget_all_outweigh_a_flush(void **state)
{
    struct asking *asking = *state;
    tell(asking, FLUSH);
    engine_forget(asking->engine, span_of("k", 1));
    assert_k_is_known_as(asking, ENGINE_UNKNOWN);
    tell(asking, FLUSH);
    assert_k_is_known_as(asking, ENGINE_ABSENT);
    engine_forget_all(asking->engine);
    assert_k_is_known_as(asking, ENGINE_UNKNOWN);
}

static void an_item_seeded_after_a_flush_is_there(void **state)
{
    struct asking *asking = *state;
    tell(asking, FLUSH_IN("00000001"));
    seed(asking, "k", present("value"));
    assert_k_is(asking, "value");
}

/* Replaying another order executes what is stored after a flush as of when it was asked for. */
static void what_is_stored_after_a_flush_as_of_an_earlier_second_is_there(void **state)
{
    struct asking *asking = *state;
    tell(asking, FLUSH);
    asking->now -= 1;
    tell(asking, SET_K);
    assert_k_is(asking, "value");
    asking->now -= 1;
    tell(asking, SETQ_K);
    assert_k_is(asking, "else");
    asking->now += 2;
    assert_k_is(asking, "else");
    assert_int_equal(know(asking, "never seen").knowledge, ENGINE_ABSENT);
}

static void a_delayed_flush_comes_a_second_early_and_takes_that_second_s_items_too(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    tell(asking, FLUSH_IN("0000000a"));
    assert_int_equal(engine_flush_time(asking->engine), asking->now + 9);
    asking->now += 8;
    assert_k_is(asking, "value");
    assert_int_equal(know(asking, "never seen").knowledge, ENGINE_UNKNOWN);
    asking->now += 1;
    assert_k_is_known_as(asking, ENGINE_ABSENT);
    assert_int_equal(know(asking, "never seen").knowledge, ENGINE_ABSENT);
    tell(asking, SET_K);
    assert_k_is_known_as(asking, ENGINE_ABSENT);
    asking->now += 1;
    tell(asking, SET_K);
    assert_k_is(asking, "value");
}

static void a_later_flush_brings_back_what_nobody_has_looked_at(void **state)
{
    struct asking *asking = *state;
    tell(asking, SET_K);
    tell(asking, FLUSH);
    tell(asking, FLUSH_IN("00000064"));
    assert_k_is(asking, "value");
    tell(asking, FLUSH);
    tell(asking, GET_K);
    tell(asking, FLUSH_IN("00000064"));
    assert_k_is_known_as(asking, ENGINE_ABSENT);
}

static void a_flush_before_the_server_started_calls_flushes_off(void **state)
{
    struct asking *asking = *state;
    engine_destroy(asking->engine);
    asking->engine = engine_create(&(struct engine_options){.started = 3000000});
    asking->now = 3000100;
    tell(asking, SET_K);
    tell(asking, FLUSH_IN("0000000a"));
    tell(asking, FLUSH_IN("002dc6c0")); /* 3000000 */
    asking->now += 1000;
    assert_k_is(asking, "value");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, asking_begin, asking_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_never_seen_is_unknown_and_a_miss_leaves_it_so),
        TEST(a_deleted_key_is_known_to_be_absent),
        TEST(an_item_is_gone_in_the_second_in_which_it_expires),
        TEST(the_cas_of_a_quiet_mutation_is_unknown_until_bound),
        TEST(a_cas_that_meets_an_unknown_one_is_assumed_to_match),
        TEST(an_engine_of_its_own_counts_its_cas_values),
        TEST(a_seeded_item_is_served_as_given),
        TEST(a_doubtful_item_is_so_until_it_is_overwritten),
        TEST(a_key_seeded_as_absent_is_absent),
        TEST(an_item_can_be_seeded_with_its_own_value),
        TEST(undo_takes_back_an_overwriting),
        TEST(undo_takes_back_a_first_writing),
        TEST(undo_takes_back_append_and_delete),
        TEST(undo_after_a_miss_takes_back_nothing),
        TEST(undo_brings_back_an_item_overwritten_after_it_expired),
        TEST(undo_takes_back_the_cas_that_was_handed_out),
        TEST(a_forgotten_key_is_unknown),
        TEST(after_forget_all_every_key_is_unknown_until_written),
        TEST(after_a_flush_every_key_is_absent_seen_or_not),
        TEST(forget_and_forget_all_outweigh_a_flush),
        TEST(an_item_seeded_after_a_flush_is_there),
        TEST(what_is_stored_after_a_flush_as_of_an_earlier_second_is_there),
        TEST(a_delayed_flush_comes_a_second_early_and_takes_that_second_s_items_too),
        TEST(a_later_flush_brings_back_what_nobody_has_looked_at),
        TEST(a_flush_before_the_server_started_calls_flushes_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
