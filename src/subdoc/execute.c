#include "subdoc/execute.h"

#include "base/buffer.h"
#include "subdoc/edit.h"
#include "subdoc/match.h"
#include "subdoc/name.h"

#include <stdio.h>

static struct span lookup_count(const struct subdoc_match *match, struct subdoc_result *result)
{
    size_t count = match->kind == SUBDOC_OBJECT ? match->count / 2 : match->count;
    int size = snprintf(result->number, sizeof(result->number), "%zu", count);
    return span_of(result->number, (size_t)size);
}

static enum mcbp_status lookup_value(uint8_t opcode, struct span document,
                                     const struct subdoc_match *match, struct subdoc_result *result)
{
    switch (opcode) {
    case MCBP_SUBDOC_GET:
    case MCBP_SUBDOC_EXISTS:
        result->value = span_of(document.data + match->begin, match->end - match->begin);
        return MCBP_STATUS_SUCCESS;
    case MCBP_SUBDOC_GET_COUNT:
        if (match->kind != SUBDOC_OBJECT && match->kind != SUBDOC_ARRAY) {
            return MCBP_STATUS_SUBDOC_PATH_MISMATCH;
        }
        result->value = lookup_count(match, result);
        return MCBP_STATUS_SUCCESS;
    default:
        return MCBP_STATUS_INTERNAL_ERROR;
    }
}

enum mcbp_status subdoc_lookup(const struct subdoc_operation *operation, struct span document,
                               struct subdoc_result *result)
{
    struct subdoc_path path;
    struct subdoc_match match;
    *result = (struct subdoc_result){0};
    enum mcbp_status status = subdoc_path_parse(operation->path, &path);
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    status = subdoc_match_status(document, &path, &(struct subdoc_search){0}, &match);
    if (status == MCBP_STATUS_SUCCESS && match.outcome != SUBDOC_FOUND) {
        status = MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
    }
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    return lookup_value(operation->opcode, document, &match, result);
}

static bool append_text(struct buffer *changed, const char *text)
{
    return buffer_append(changed, span_of(text, strlen(text)));
}

static bool append_names(struct buffer *changed, const struct subdoc_edit *edit)
{
    for (size_t i = 0; i < edit->name_count; i++) {
        if (!append_text(changed, i == 0 ? "\"" : "{\"") ||
            !subdoc_name_append(changed, &edit->names[i]) || !append_text(changed, "\":")) {
            return false;
        }
    }
    return true;
}

static bool append_braces(struct buffer *changed, const struct subdoc_edit *edit)
{
    for (size_t i = 1; i < edit->name_count; i++) {
        if (!append_text(changed, "}")) {
            return false;
        }
    }
    return true;
}

/* What comes in the place of what goes. */
static bool append_inserted(struct buffer *changed, const struct subdoc_edit *edit,
                            struct span value)
{
    return append_text(changed, edit->has_comma_before ? "," : "") && append_names(changed, edit) &&
           append_text(changed, edit->has_array ? "[" : "") &&
           (!edit->has_value || buffer_append(changed, value)) &&
           append_text(changed, edit->has_array ? "]" : "") && append_braces(changed, edit) &&
           append_text(changed, edit->has_comma_after ? "," : "") &&
           append_text(changed, edit->has_bracket ? "]" : "");
}

static bool append_edited(struct buffer *changed, const struct subdoc_edit *edit, struct span value,
                          struct span document, struct subdoc_result *result)
{
    if (!buffer_append(changed, span_head(document, edit->begin))) {
        return false;
    }
    size_t before = buffer_span(changed).size;
    if (!append_inserted(changed, edit, value)) {
        return false;
    }
    result->begin = edit->begin;
    result->end = edit->end;
    result->inserted = buffer_span(changed).size - before;
    return buffer_append(changed, span_skip(document, edit->end));
}

enum mcbp_status subdoc_mutate(const struct subdoc_operation *operation, struct span document,
                               struct buffer *changed, struct subdoc_result *result)
{
    struct subdoc_path path;
    struct subdoc_edit edit;
    *result = (struct subdoc_result){0};
    enum mcbp_status status = subdoc_path_parse(operation->path, &path);
    if (status == MCBP_STATUS_SUCCESS) {
        status = subdoc_edit_plan(operation, document, &path, &edit, result);
    }
    if (status != MCBP_STATUS_SUCCESS) {
        return status;
    }
    bool is_counter = operation->opcode == MCBP_SUBDOC_COUNTER;
    size_t size = buffer_span(changed).size;
    if (!append_edited(changed, &edit, is_counter ? result->value : operation->value, document,
                       result)) {
        changed->end = changed->begin + size;
        return MCBP_STATUS_NO_MEMORY;
    }
    return MCBP_STATUS_SUCCESS;
}
