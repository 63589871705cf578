#include "bench/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text; /* longer ones before those they begin with */
    enum condition_relation relation;
    const char *opposite;
} relations[] = {
    {"<=", RELATION_LE, ">"}, {"<", RELATION_LT, ">="}, {"==", RELATION_EQ, "!="},
    {">=", RELATION_GE, "<"}, {">", RELATION_GT, "<="},
};
enum { WORD_SHOWN = 60, RELATIONS = sizeof(relations) / sizeof(relations[0]) };

struct parser {
    const char *text;
    const char *at;
    const struct bench_options *options;
    struct condition_problem *problem;
};

/* A word of the text. */
struct word {
    const char *at;
    size_t size;
};

static void skip_blanks(struct parser *self)
{
    self->at += strspn(self->at, " \t");
}

/* The message begins with the word, unless that is empty. */
static bool condition_fail(struct parser *self, const char *at, struct word word,
                           const char *message)
{
    struct condition_problem *problem = self->problem;
    problem->position = (size_t)(at - self->text);
    if (word.size == 0) {
        snprintf(problem->message, sizeof(problem->message), "%s", message);
    } else {
        snprintf(problem->message, sizeof(problem->message), "'%.*s' %s",
                 (int)(word.size < WORD_SHOWN ? word.size : WORD_SHOWN), word.at, message);
    }
    return false;
}

static bool word_is(struct word word, const char *name)
{
    return strlen(name) == word.size && memcmp(name, word.at, word.size) == 0;
}

static bool find_writer(struct parser *self, struct word word, size_t *writer)
{
    for (size_t i = 0; i < self->options->writers_count; i++) {
        if (word_is(word, self->options->writers[i].name)) {
            *writer = i;
            return true;
        }
    }
    return condition_fail(self, word.at, word, "is none of the writers that are measured");
}

static bool find_sink(struct parser *self, struct word word, enum bench_sink *sink)
{
    for (int i = 0; i < BENCH_SINKS; i++) {
        if (self->options->sinks[i] && word_is(word, bench_sink_names[i].name)) {
            *sink = (enum bench_sink)i;
            return true;
        }
    }
    return condition_fail(self, word.at, word, "is none of the sinks that are measured");
}

static bool find_column(struct parser *self, struct word word, enum bench_sink sink,
                        enum bench_column *column)
{
    for (int i = 0; i < BENCH_COLUMNS; i++) {
        if (word_is(word, bench_column_names[i].name)) {
            *column = (enum bench_column)i;
            return bench_column_names[i].sinks[sink] ||
                   condition_fail(self, word.at, word, "is not counted in that sink");
        }
    }
    return condition_fail(
        self, word.at, word,
        "is no column; there are cpu, reservations, allocations, bytes, chunks, writev, "
        "records");
}

/* The word before the last dot before `end`, or the whole of it. */
static struct word condition_last_part(const char *begin, const char *end)
{
    const char *at = end;
    while (at > begin && at[-1] != '.') {
        at--;
    }
    return (struct word){at, (size_t)(end - at)};
}

/* WRITER.SINK.COLUMN; the writer's name may have dots. */
static bool parse_operand(struct parser *self, struct condition_operand *operand)
{
    skip_blanks(self);
    const char *begin = self->at;
    const char *end = begin + strcspn(begin, " \t<>=*");
    struct word column = condition_last_part(begin, end);
    struct word sink = column.at > begin ? condition_last_part(begin, column.at - 1) : column;
    if (sink.at == begin) {
        return condition_fail(self, begin, (struct word){begin, 0},
                              "WRITER.SINK.COLUMN has to be here");
    }
    self->at = end;
    return find_writer(self, (struct word){begin, (size_t)(sink.at - 1 - begin)},
                       &operand->writer) &&
           find_sink(self, sink, &operand->sink) &&
           find_column(self, column, operand->sink, &operand->column);
}

static bool parse_relation(struct parser *self, enum condition_relation *relation)
{
    skip_blanks(self);
    for (int i = 0; i < RELATIONS; i++) {
        size_t size = strlen(relations[i].text);
        if (strncmp(self->at, relations[i].text, size) == 0) {
            *relation = relations[i].relation;
            self->at += size;
            return true;
        }
    }
    return condition_fail(self, self->at, (struct word){"", 0},
                          "<=, <, ==, >= or > has to be here");
}

/* Whether a plain decimal number is next, which is read then. */
static bool condition_parse_number(struct parser *self, double *number)
{
    size_t size = strspn(self->at, "0123456789.");
    char after = self->at[size];
    char *end;
    if (size == 0 || (after != '\0' && strchr(" \t*", after) == NULL)) {
        return false;
    }
    *number = strtod(self->at, &end);
    if (end != self->at + size) {
        return false;
    }
    self->at = end;
    return true;
}

static bool parse_right(struct parser *self, struct condition *condition)
{
    skip_blanks(self);
    condition->factor = 1;
    if (!condition_parse_number(self, &condition->factor)) {
        return parse_operand(self, &condition->right);
    }
    skip_blanks(self);
    condition->right_is_number = *self->at != '*';
    self->at += !condition->right_is_number;
    return condition->right_is_number || parse_operand(self, &condition->right);
}

bool condition_parse(const char *text, const struct bench_options *options,
                     struct condition *condition, struct condition_problem *problem)
{
    struct parser self = {.text = text, .at = text, .options = options, .problem = problem};
    *condition = (struct condition){.text = text};
    if (!parse_operand(&self, &condition->left) || !parse_relation(&self, &condition->relation) ||
        !parse_right(&self, condition)) {
        return false;
    }
    skip_blanks(&self);
    return *self.at == '\0' ||
           condition_fail(&self, self.at, (struct word){self.at, strlen(self.at)},
                          "may not follow here");
}

/* ---------------------------------------------------------------------------------- in the cells
 */

size_t condition_indices(const struct bench_options *options)
{
    return options->mix != NULL ? 1 : options->sizes_count * options->depths_count;
}

static const struct bench_cell *cell_of(const struct bench_result *result, enum bench_sink sink,
                                        size_t index)
{
    for (size_t i = 0; i < result->cells_count; i++) {
        if (result->cells[i].sink == sink && index-- == 0) {
            return &result->cells[i];
        }
    }
    return NULL;
}

static double condition_value_of(const struct condition_operand *operand,
                                 const struct bench_cell *cell)
{
    return cell->figures[operand->writer].values[operand->column];
}

static bool condition_compare(enum condition_relation relation, struct condition_sides sides)
{
    switch (relation) {
    case RELATION_LE:
        return sides.left <= sides.right;
    case RELATION_LT:
        return sides.left < sides.right;
    case RELATION_EQ:
        return sides.left >= sides.right && sides.left <= sides.right;
    case RELATION_GE:
        return sides.left >= sides.right;
    case RELATION_GT:
        return sides.left > sides.right;
    }
    return false;
}

bool condition_holds(const struct condition *condition, const struct bench_result *result,
                     size_t index, struct condition_sides *sides, const struct bench_cell **cell)
{
    *cell = cell_of(result, condition->left.sink, index);
    sides->left = condition_value_of(&condition->left, *cell);
    sides->right = condition->factor;
    if (!condition->right_is_number) {
        sides->right *=
            condition_value_of(&condition->right, cell_of(result, condition->right.sink, index));
    }
    return condition_compare(condition->relation, *sides);
}

const char *condition_opposite_text(enum condition_relation relation)
{
    for (int i = 0; i < RELATIONS; i++) {
        if (relations[i].relation == relation) {
            return relations[i].opposite;
        }
    }
    return "";
}
