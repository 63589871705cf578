#include "subdoc/edit.h"

#include "subdoc/fragment.h"
#include "subdoc/match.h"

#include <inttypes.h>
#include <stdio.h>

/* What a plan is made of. */
struct planner {
    const struct subdoc_operation *operation;
    struct span document;
    const struct subdoc_path *path;
    struct subdoc_match match;
    struct subdoc_edit *edit;
    struct subdoc_result *result;
};

static enum mcbp_status plan_match(struct planner *planner, const struct subdoc_path *path,
                                   const struct subdoc_search *search)
{
    return subdoc_match_status(planner->document, path, search, &planner->match);
}

/* A value that replaces the bytes from `begin` to `end`. */
static enum mcbp_status plan_place(struct planner *planner, size_t begin, size_t end)
{
    *planner->edit = (struct subdoc_edit){.begin = begin, .end = end, .has_value = true};
    return MCBP_STATUS_SUCCESS;
}

/* Members of objects that are not there, for the parts of the path from there on; the last one has
 * the value. They come before the closing bracket of the deepest object. */
static enum mcbp_status plan_members(struct planner *planner, size_t from, bool has_array)
{
    const struct subdoc_path *path = planner->path;
    for (size_t i = from; i < path->count; i++) {
        if (path->parts[i].is_index) {
            return MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
        }
    }
    if (from >= path->count || planner->match.end == 0) {
        return MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
    }
    plan_place(planner, planner->match.end - 1, planner->match.end - 1);
    planner->edit->has_comma_before = planner->match.siblings > 0;
    planner->edit->names = &path->parts[from];
    planner->edit->name_count = path->count - from;
    planner->edit->has_array = has_array;
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status plan_parents(struct planner *planner, bool has_array)
{
    if (!planner->operation->makes_parents || planner->match.level == 0) {
        return MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
    }
    return plan_members(planner, planner->match.level - 1, has_array);
}

/* The only element of an array that has none. */
static enum mcbp_status plan_only(struct planner *planner)
{
    return plan_place(planner, planner->match.begin + 1, planner->match.end - 1);
}

/* An element before that one. */
static enum mcbp_status plan_before(struct planner *planner)
{
    plan_place(planner, planner->match.begin, planner->match.begin);
    planner->edit->has_comma_after = true;
    return MCBP_STATUS_SUCCESS;
}

/* An element behind those of that array. */
static enum mcbp_status plan_behind(struct planner *planner)
{
    plan_place(planner, planner->match.end - 1, planner->match.end - 1);
    planner->edit->has_comma_before = true;
    return MCBP_STATUS_SUCCESS;
}

static bool path_ends_with_index(const struct subdoc_path *path)
{
    return path->count > 0 && path->parts[path->count - 1].is_index;
}

/* A member that does not exist. */
static enum mcbp_status plan_new_member(struct planner *planner, bool makes_parents)
{
    if (path_ends_with_index(planner->path)) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    if (planner->match.is_in_place) {
        return plan_members(planner, planner->path->count - 1, false);
    }
    return makes_parents ? plan_parents(planner, false) : MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
}

/* DICT_ADD, DICT_UPSERT, REPLACE */
static enum mcbp_status plan_member(struct planner *planner)
{
    uint8_t opcode = planner->operation->opcode;
    enum mcbp_status status = plan_match(planner, planner->path, &(struct subdoc_search){0});
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    bool is_found = planner->match.outcome == SUBDOC_FOUND;
    if (opcode != MCBP_SUBDOC_REPLACE && path_ends_with_index(planner->path)) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    if (!is_found && opcode == MCBP_SUBDOC_REPLACE) {
        return MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
    }
    if (!is_found) {
        return plan_new_member(planner, planner->operation->makes_parents);
    }
    return opcode == MCBP_SUBDOC_DICT_ADD
               ? MCBP_STATUS_SUBDOC_PATH_EXISTS
               : plan_place(planner, planner->match.begin, planner->match.end);
}

/* The place of the next comma from `at` on, or else `at`; and of the last one before `at`. */
static size_t comma_behind(struct span document, size_t at)
{
    const uint8_t *comma =
        at < document.size ? memchr(document.data + at, ',', document.size - at) : NULL;
    return comma != NULL ? (size_t)(comma - document.data) + 1 : at;
}

static size_t comma_before(struct span document, size_t at)
{
    for (size_t i = at; i-- > 0;) {
        if (document.data[i] == ',') {
            return i;
        }
    }
    return at;
}

static enum mcbp_status plan_delete(struct planner *planner)
{
    struct subdoc_match *match = &planner->match;
    if (planner->path->count == 0) {
        return MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT;
    }
    enum mcbp_status status =
        plan_match(planner, planner->path, &(struct subdoc_search){.wants_siblings = true});
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    if (match->outcome != SUBDOC_FOUND) {
        return MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
    }
    plan_place(planner, match->has_key ? match->key_begin : match->begin, match->end);
    planner->edit->has_value = false;
    if (match->siblings > 0 && match->position == match->siblings) {
        planner->edit->begin = comma_before(planner->document, planner->edit->begin);
    } else if (match->siblings > 0) {
        planner->edit->end = comma_behind(planner->document, planner->edit->end);
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status plan_push_first(struct planner *planner)
{
    struct subdoc_path first = *planner->path;
    if (first.count == SUBDOC_PATH_PARTS) {
        return MCBP_STATUS_SUBDOC_PATH_TOO_BIG;
    }
    first.parts[first.count++] = (struct subdoc_part){.is_index = true};
    enum mcbp_status status = plan_match(planner, &first, &(struct subdoc_search){0});
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    if (planner->match.outcome == SUBDOC_FOUND) {
        return plan_before(planner);
    }
    return planner->match.is_in_place ? plan_only(planner) : plan_parents(planner, true);
}

/* subjson does not read the document then, but looks at its end. */
static enum mcbp_status plan_push_outermost(struct planner *planner)
{
    const uint8_t *text = planner->document.data;
    size_t end = planner->document.size;
    while (end > 1 &&
           (subdoc_is_blank(text[end - 1]) || text[end - 1] == '\v' || text[end - 1] == '\f')) {
        end--;
    }
    if (end <= 1 || text[end - 1] != ']') {
        bool is_bracket = end > 0 && (text[end - 1] == ']' || text[end - 1] == '}');
        return is_bracket ? MCBP_STATUS_SUBDOC_PATH_MISMATCH : MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON;
    }
    size_t place = end - 1;
    while (place > 1 && subdoc_is_blank(text[place - 1])) {
        place--;
    }
    if (subdoc_is_blank(text[place - 1])) {
        return MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON;
    }
    plan_place(planner, place, planner->document.size);
    planner->edit->has_comma_before = text[place - 1] != '[' && text[place - 1] != ',';
    planner->edit->has_bracket = true;
    return MCBP_STATUS_SUCCESS;
}

/* PUSH_LAST, ADD_UNIQUE */
static enum mcbp_status plan_push_last(struct planner *planner)
{
    struct subdoc_search search = {0};
    bool is_unique = planner->operation->opcode == MCBP_SUBDOC_ARRAY_ADD_UNIQUE;
    if (planner->path->count == 0 && !is_unique) {
        return plan_push_outermost(planner);
    }
    if (is_unique) {
        search.unique = planner->operation->value;
    }
    enum mcbp_status status = plan_match(planner, planner->path, &search);
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    if (planner->match.outcome != SUBDOC_FOUND) {
        return plan_parents(planner, true);
    }
    if (planner->match.kind != SUBDOC_ARRAY) {
        return MCBP_STATUS_SUBDOC_PATH_MISMATCH;
    }
    if (planner->match.is_duplicate) {
        return MCBP_STATUS_SUBDOC_PATH_EXISTS;
    }
    return planner->match.count == 0 ? plan_only(planner) : plan_behind(planner);
}

static enum mcbp_status plan_insert(struct planner *planner)
{
    const struct subdoc_path *path = planner->path;
    if (!path_ends_with_index(path) || path->parts[path->count - 1].is_last) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    enum mcbp_status status = plan_match(planner, path, &(struct subdoc_search){0});
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    if (planner->match.outcome == SUBDOC_FOUND) {
        return plan_before(planner);
    }
    if (!planner->match.is_in_place ||
        planner->match.siblings != path->parts[path->count - 1].index) {
        return MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
    }
    return planner->match.siblings == 0 ? plan_only(planner) : plan_behind(planner);
}

/* Reads a number that begins there, up to the first byte that is no digit. False: it is not an
 * int64. */
static bool read_int64(struct span text, int64_t *number)
{
    bool is_negative = text.size > 0 && text.data[0] == '-';
    *number = 0;
    for (size_t i = is_negative ? 1 : 0; i < text.size; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9) {
            break;
        }
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, is_negative ? -digit : digit, number)) {
            return false;
        }
    }
    return true;
}

/* A whole number without a sign but -, without leading zeros, and not 0. */
static bool read_delta(struct span text, int64_t *delta)
{
    size_t first = text.size > 0 && text.data[0] == '-' ? 1 : 0;
    if (first == text.size || text.data[first] == '0') {
        return false;
    }
    for (size_t i = first; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return read_int64(text, delta);
}

static void plan_number(struct planner *planner, int64_t number)
{
    struct subdoc_result *result = planner->result;
    int size = snprintf(result->number, sizeof(result->number), "%" PRId64, number);
    result->value = span_of(result->number, (size_t)size);
}

static enum mcbp_status plan_sum(struct planner *planner, int64_t delta)
{
    const struct subdoc_match *match = &planner->match;
    int64_t number;
    bool is_number = match->is_integer || match->begin == match->end; /* the end was not reached */
    if (match->kind != SUBDOC_LITERAL || !is_number) {
        return MCBP_STATUS_SUBDOC_PATH_MISMATCH;
    }
    if (!read_int64(span_skip(planner->document, match->begin), &number)) {
        return MCBP_STATUS_SUBDOC_NUMBER_RANGE_ERROR;
    }
    if (__builtin_add_overflow(number, delta, &number)) {
        return MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT;
    }
    plan_number(planner, number);
    return plan_place(planner, match->begin, match->end);
}

static enum mcbp_status plan_counter(struct planner *planner)
{
    int64_t delta;
    if (planner->operation->value.size == 0) {
        return MCBP_STATUS_INTERNAL_ERROR;
    }
    if (!read_delta(planner->operation->value, &delta)) {
        return MCBP_STATUS_SUBDOC_DELTA_INVALID;
    }
    bool makes_parents = planner->operation->makes_parents;
    enum mcbp_status status = plan_match(planner, planner->path,
                                         &(struct subdoc_search){.wants_siblings = makes_parents});
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    if (planner->match.outcome == SUBDOC_FOUND) {
        return plan_sum(planner, delta);
    }
    if (planner->match.kind != SUBDOC_OBJECT || (!makes_parents && !planner->match.is_in_place)) {
        return MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
    }
    plan_number(planner, delta);
    return plan_new_member(planner, true);
}

/* The value has to be JSON where it is to go, and not too deep there. */
static enum mcbp_status plan_check_value(const struct subdoc_operation *operation,
                                         const struct subdoc_path *path)
{
    struct subdoc_fragment fragment = {.parent = SUBDOC_ARRAY,
                                       .levels = SUBDOC_DEPTH - path->count};
    switch (operation->opcode) {
    case MCBP_SUBDOC_DICT_ADD:
    case MCBP_SUBDOC_DICT_UPSERT:
    case MCBP_SUBDOC_REPLACE:
        if (path->count == 0) {
            return MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT;
        }
        fragment.parent = SUBDOC_OBJECT;
        fragment.levels++;
        break;
    case MCBP_SUBDOC_ARRAY_INSERT:
        fragment.levels++;
        break;
    case MCBP_SUBDOC_ARRAY_ADD_UNIQUE:
        fragment.is_scalar = true;
        break;
    case MCBP_SUBDOC_ARRAY_PUSH_LAST:
    case MCBP_SUBDOC_ARRAY_PUSH_FIRST:
        break;
    default:
        return MCBP_STATUS_SUCCESS;
    }
    return subdoc_fragment_check(operation->value, &fragment);
}

static bool can_make_parents(uint8_t opcode)
{
    return opcode != MCBP_SUBDOC_REPLACE && opcode != MCBP_SUBDOC_DELETE &&
           opcode != MCBP_SUBDOC_ARRAY_INSERT;
}

enum mcbp_status subdoc_edit_plan(const struct subdoc_operation *operation, struct span document,
                                  const struct subdoc_path *path, struct subdoc_edit *edit,
                                  struct subdoc_result *result)
{
    struct planner planner = {
        .operation = operation, .document = document, .path = path, .edit = edit, .result = result};
    if (operation->makes_parents && !can_make_parents(operation->opcode)) {
        return MCBP_STATUS_INTERNAL_ERROR;
    }
    enum mcbp_status status = plan_check_value(operation, path);
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    switch (operation->opcode) {
    case MCBP_SUBDOC_DICT_ADD:
    case MCBP_SUBDOC_DICT_UPSERT:
    case MCBP_SUBDOC_REPLACE:
        return plan_member(&planner);
    case MCBP_SUBDOC_DELETE:
        return plan_delete(&planner);
    case MCBP_SUBDOC_ARRAY_PUSH_FIRST:
        return plan_push_first(&planner);
    case MCBP_SUBDOC_ARRAY_PUSH_LAST:
    case MCBP_SUBDOC_ARRAY_ADD_UNIQUE:
        return plan_push_last(&planner);
    case MCBP_SUBDOC_ARRAY_INSERT:
        return plan_insert(&planner);
    case MCBP_SUBDOC_COUNTER:
        return plan_counter(&planner);
    default:
        return MCBP_STATUS_INTERNAL_ERROR;
    }
}
