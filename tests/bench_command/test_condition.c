/*
 * --assert: what is understood, where what is not goes wrong, and in which cells it holds.
 */
#include "bench/condition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct bench_writer writers[] = {{.name = "flat"}, {.name = "batch"}, {.name = "a.b"}};
static const size_t sizes[] = {16, 1024};
static const size_t depths[] = {1};

static const struct bench_options options = {
    .writers = writers,
    .writers_count = 3,
    .sizes = sizes,
    .sizes_count = 2,
    .depths = depths,
    .depths_count = 1,
    .sinks = {[BENCH_MEMORY] = true, [BENCH_TLS] = true},
};

static struct condition understood(const char *text)
{
    struct condition condition;
    struct condition_problem problem;
    assert_true(condition_parse(text, &options, &condition, &problem));
    return condition;
}

static void test_two_operands(void **state)
{
    (void)state;
    struct condition condition = understood("batch.tls.records<=flat.memory.chunks");
    assert_int_equal(condition.left.writer, 1);
    assert_int_equal(condition.left.sink, BENCH_TLS);
    assert_int_equal(condition.left.column, BENCH_RECORDS);
    assert_int_equal(condition.relation, RELATION_LE);
    assert_false(condition.right_is_number);
    assert_true(condition.factor == 1);
    assert_int_equal(condition.right.writer, 0);
    assert_int_equal(condition.right.sink, BENCH_MEMORY);
    assert_int_equal(condition.right.column, BENCH_CHUNKS);
}

static void test_factor_and_blanks(void **state)
{
    (void)state;
    struct condition condition = understood("  batch.tls.cpu < 0.7*\tflat.tls.cpu ");
    assert_int_equal(condition.relation, RELATION_LT);
    assert_true(condition.factor == 0.7);
    assert_false(condition.right_is_number);
}

static void test_number(void **state)
{
    (void)state;
    struct condition condition = understood("batch.memory.bytes>=1.25");
    assert_int_equal(condition.relation, RELATION_GE);
    assert_true(condition.right_is_number);
    assert_true(condition.factor == 1.25);
}

static void test_name_with_dots(void **state)
{
    (void)state;
    assert_int_equal(understood("a.b.tls.writev == 3").left.writer, 2);
}

static void test_what_is_not_understood(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t position;
        const char *message;
    } cases[] = {
        {"", 0, "WRITER.SINK.COLUMN has to be here"},
        {"batch", 0, "WRITER.SINK.COLUMN has to be here"},
        {"batch.tls <= 1", 0, "WRITER.SINK.COLUMN has to be here"},
        {" other.tls.cpu <= 1", 1, "'other' is none of the writers"},
        {"batch.socket.cpu <= 1", 6, "'socket' is none of the sinks"},
        {"batch.tls.time <= 1", 10, "'time' is no column"},
        {"batch.memory.records <= 1", 13, "'records' is not counted in that sink"},
        {"batch.tls.cpu", 13, "<=, <, ==, >= or > has to be here"},
        {"batch.tls.cpu = 1", 14, "<=, <, ==, >= or > has to be here"},
        {"batch.tls.cpu <= ", 17, "WRITER.SINK.COLUMN has to be here"},
        {"batch.tls.cpu <= 1.2.3", 17, "'1' is none of the writers"},
        {"batch.tls.cpu <= -1", 17, "WRITER.SINK.COLUMN has to be here"},
        {"batch.tls.cpu <= 2 *", 20, "WRITER.SINK.COLUMN has to be here"},
        {"batch.tls.cpu <= 2 * 3", 21, "WRITER.SINK.COLUMN has to be here"},
        {"batch.tls.cpu <= flat.tls.cpu * 2", 30, "'* 2' may not follow here"},
        {"batch.tls.cpu <= 2 flat.tls.cpu", 19, "'flat.tls.cpu' may not follow here"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct condition condition;
        struct condition_problem problem;
        assert_false(condition_parse(cases[i].text, &options, &condition, &problem));
        assert_non_null(strstr(problem.message, cases[i].message));
        assert_int_equal(problem.position, cases[i].position);
    }
}

/* Of batch in memory 2 and 4 chunks, over TLS 3 records in both sizes. */
static void test_in_which_cells_it_holds(void **state)
{
    (void)state;
    struct bench_figures small[3] = {[1] = {.values = {[BENCH_CHUNKS] = 2}}};
    struct bench_figures large[3] = {[1] = {.values = {[BENCH_CHUNKS] = 4}}};
    struct bench_figures tls[3] = {[1] = {.values = {[BENCH_RECORDS] = 3}}};
    struct bench_cell cells[] = {{.sink = BENCH_MEMORY, .value_size = 16, .figures = small},
                                 {.sink = BENCH_MEMORY, .value_size = 1024, .figures = large},
                                 {.sink = BENCH_TLS, .value_size = 16, .figures = tls},
                                 {.sink = BENCH_TLS, .value_size = 1024, .figures = tls}};
    struct bench_result result = {.cells = cells, .cells_count = 4};
    static const struct {
        const char *text;
        bool holds[2];
    } cases[] = {
        {"batch.memory.chunks <= 2", {true, false}},
        {"batch.memory.chunks < 2", {false, false}},
        {"batch.memory.chunks == 4", {false, true}},
        {"batch.memory.chunks >= batch.tls.records", {false, true}},
        {"batch.memory.chunks > 0.5 * batch.memory.chunks", {true, true}},
        {"batch.tls.records <= 0.75 * batch.memory.chunks", {false, true}},
    };
    assert_int_equal(condition_indices(&options), 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct condition condition = understood(cases[i].text);
        for (size_t index = 0; index < 2; index++) {
            struct condition_sides sides;
            const struct bench_cell *cell;
            assert_int_equal(condition_holds(&condition, &result, index, &sides, &cell),
                             cases[i].holds[index]);
            assert_int_equal(cell->sink, condition.left.sink);
            assert_int_equal(cell->value_size, sizes[index]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_operands),
        cmocka_unit_test(test_factor_and_blanks),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_name_with_dots),
        cmocka_unit_test(test_what_is_not_understood),
        cmocka_unit_test(test_in_which_cells_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
