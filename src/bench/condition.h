/*
 * What has to hold in every cell: WRITER.SINK.COLUMN <= [NUMBER *] WRITER.SINK.COLUMN, also with <,
 * ==, >= and >, or with a NUMBER on the right.
 */
#ifndef KVREPLAY_BENCH_CONDITION_H
#define KVREPLAY_BENCH_CONDITION_H

#include "bench/bench.h"

struct condition_operand {
    size_t writer; /* of the options' writers */
    enum bench_sink sink;
    enum bench_column column;
};

enum condition_relation { RELATION_LE, RELATION_LT, RELATION_EQ, RELATION_GE, RELATION_GT };

struct condition {
    const char *text; /* borrowed */
    struct condition_operand left;
    enum condition_relation relation;
    double factor;
    bool right_is_number; /* the number is `factor` then */
    struct condition_operand right;
};

struct condition_problem {
    size_t position; /* in the text */
    char message[160];
};

/* Only writers and sinks of the options are known. False: `problem` says what and where. */
bool condition_parse(const char *text, const struct bench_options *options,
                     struct condition *condition, struct condition_problem *problem);

/* The two sides of it in one size and depth; cells of all sinks in the same order. */
struct condition_sides {
    double left;
    double right;
};

/*
 * Looks at the size and depth number `index` of each sink. True if the condition holds there; sets
 * *sides to what was compared, and *cell to the left side's cell.
 */
bool condition_holds(const struct condition *condition, const struct bench_result *result,
                     size_t index, struct condition_sides *sides, const struct bench_cell **cell);

/* How many sizes and depths there are. */
size_t condition_indices(const struct bench_options *options);

/* "not <=" in one sign: what is so if the relation does not hold. */
const char *condition_opposite_text(enum condition_relation relation);

#endif
