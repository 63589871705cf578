#include "subdoc_model.h"

#include "base/buffer.h"
#include "subdoc/name.h"
#include "target.h"

#include <inttypes.h>
#include <stdlib.h>

UNCOUNTED json_t *model_parse(struct span text)
{
    return text.size == 0 ? NULL
                          : json_loadb((const char *)text.data, text.size,
                                       JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

static json_t *parse_between(const char *before, struct span text, const char *after)
{
    struct buffer whole = {0};
    CHECK(buffer_append(&whole, span_of(before, strlen(before))));
    CHECK(buffer_append(&whole, text));
    CHECK(buffer_append(&whole, span_of(after, strlen(after))));
    json_t *parsed = model_parse(buffer_span(&whole));
    buffer_deinit(&whole);
    return parsed;
}

UNCOUNTED json_t *model_parse_list(struct span text)
{
    json_t *list = parse_between("[", text, "]");
    if (list != NULL && json_array_size(list) == 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

bool model_knows(struct span text)
{
    return text.size == 0 || (memchr(text.data, '\\', text.size) == NULL &&
                              memchr(text.data, '\0', text.size) == NULL);
}

bool model_knows_path(struct span text)
{
    json_t *quoted = model_knows(text) ? parse_between("\"", text, "\"") : NULL;
    json_decref(quoted);
    return quoted != NULL;
}

/* The name as a C string, to be freed. */
static char *model_name(const struct subdoc_part *part)
{
    struct buffer name = {0};
    CHECK(subdoc_name_append(&name, part) && buffer_append(&name, span_of("", 1)));
    return (char *)name.bytes;
}

static json_t *model_member(json_t *object, const struct subdoc_part *part)
{
    char *name = model_name(part);
    json_t *member = json_object_get(object, name);
    free(name);
    return member;
}

static json_t *model_child(json_t *parent, const struct subdoc_part *part)
{
    if (!part->is_index) {
        return model_member(parent, part);
    }
    size_t size = json_array_size(parent);
    if (part->is_last) {
        return size == 0 ? NULL : json_array_get(parent, size - 1);
    }
    return part->index < size ? json_array_get(parent, (size_t)part->index) : NULL;
}

UNCOUNTED json_t *model_find(json_t *root, const struct subdoc_path *path, size_t count,
                             enum mcbp_status *status)
{
    json_t *at = root;
    for (size_t i = 0; i < count; i++) {
        const struct subdoc_part *part = &path->parts[i];
        if (part->is_index ? !json_is_array(at) : !json_is_object(at)) {
            *status = MCBP_STATUS_SUBDOC_PATH_MISMATCH;
            return NULL;
        }
        at = model_child(at, part);
        if (at == NULL) {
            *status = MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
            return NULL;
        }
    }
    *status = MCBP_STATUS_SUCCESS;
    return at;
}

static size_t model_count(json_t *value)
{
    return json_is_object(value) ? json_object_size(value) : json_array_size(value);
}

UNCOUNTED enum mcbp_status model_lookup(const struct subdoc_operation *operation,
                                        const struct subdoc_path *path, json_t *root,
                                        const struct subdoc_result *result)
{
    enum mcbp_status status;
    json_t *found = model_find(root, path, path->count, &status);
    bool counts = operation->opcode == MCBP_SUBDOC_GET_COUNT;
    if (found == NULL) {
        return status;
    }
    if (counts && !json_is_object(found) && !json_is_array(found)) {
        return MCBP_STATUS_SUBDOC_PATH_MISMATCH;
    }
    json_t *value = model_parse(result->value);
    json_t *expected = counts ? json_integer((json_int_t)model_count(found)) : json_incref(found);
    CHECK(value != NULL && json_equal(value, expected));
    json_decref(value);
    json_decref(expected);
    return MCBP_STATUS_SUCCESS;
}

/* Objects for the parts from there on, and the value in the innermost. False: one is an index. */
static bool model_add(json_t *object, const struct subdoc_path *path, size_t from, json_t *value)
{
    for (size_t i = from; i < path->count; i++) {
        if (path->parts[i].is_index) {
            return false;
        }
    }
    for (size_t i = from; i < path->count; i++) {
        char *name = model_name(&path->parts[i]);
        json_t *member = i + 1 == path->count ? json_incref(value) : json_object();
        CHECK(json_object_set_new(object, name, member) == 0);
        free(name);
        object = member;
    }
    return true;
}

/* The innermost value of the path that is there; `count` is set to the parts that lead to it. */
static json_t *model_deepest(json_t *root, const struct subdoc_path *path, size_t *count)
{
    enum mcbp_status status;
    json_t *found;
    *count = path->count;
    while ((found = model_find(root, path, *count, &status)) == NULL) {
        (*count)--;
    }
    return found;
}

/* The value becomes a member of what is there of the path, if it may. */
static enum mcbp_status model_create(const struct subdoc_path *path, json_t *root, json_t *value,
                                     bool makes_parents, bool is_last_free)
{
    size_t deep;
    json_t *parent = model_deepest(root, path, &deep);
    bool is_allowed = makes_parents || (is_last_free && deep + 1 == path->count);
    return is_allowed && deep < path->count && json_is_object(parent) &&
                   model_add(parent, path, deep, value)
               ? MCBP_STATUS_SUCCESS
               : MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
}

/* Puts the value where the path leads, which exists. */
static void model_replace(const struct subdoc_path *path, json_t *root, json_t *value)
{
    enum mcbp_status status;
    const struct subdoc_part *last = &path->parts[path->count - 1];
    json_t *parent = model_find(root, path, path->count - 1, &status);
    if (last->is_index) {
        size_t index = last->is_last ? json_array_size(parent) - 1 : (size_t)last->index;
        CHECK(json_array_set(parent, index, value) == 0);
    } else {
        char *name = model_name(last);
        CHECK(json_object_set(parent, name, value) == 0);
        free(name);
    }
}

static void model_delete(const struct subdoc_path *path, json_t *root)
{
    enum mcbp_status status;
    const struct subdoc_part *last = &path->parts[path->count - 1];
    json_t *parent = model_find(root, path, path->count - 1, &status);
    if (last->is_index) {
        size_t index = last->is_last ? json_array_size(parent) - 1 : (size_t)last->index;
        CHECK(json_array_remove(parent, index) == 0);
    } else {
        char *name = model_name(last);
        CHECK(json_object_del(parent, name) == 0);
        free(name);
    }
}

static bool ends_with_index(const struct subdoc_path *path)
{
    return path->count > 0 && path->parts[path->count - 1].is_index;
}

static enum mcbp_status model_member_operation(const struct subdoc_operation *operation,
                                               const struct subdoc_path *path, json_t *root,
                                               json_t *value)
{
    enum mcbp_status status;
    json_t *found = model_find(root, path, path->count, &status);
    if (status == MCBP_STATUS_SUBDOC_PATH_MISMATCH) {
        return status;
    }
    if (operation->opcode != MCBP_SUBDOC_REPLACE && ends_with_index(path)) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    if (found == NULL) {
        return operation->opcode == MCBP_SUBDOC_REPLACE
                   ? status
                   : model_create(path, root, value, operation->makes_parents, true);
    }
    if (operation->opcode == MCBP_SUBDOC_DICT_ADD) {
        return MCBP_STATUS_SUBDOC_PATH_EXISTS;
    }
    model_replace(path, root, value);
    return MCBP_STATUS_SUCCESS;
}

static void model_insert(json_t *array, size_t at, json_t *list)
{
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value)
    {
        CHECK(json_array_insert(array, at + i, value) == 0);
    }
}

/* What an array has against a value that is to be there once. */
static enum mcbp_status model_unique(json_t *array, json_t *value)
{
    size_t i;
    json_t *element;
    json_array_foreach(array, i, element)
    {
        if (json_equal(element, value)) {
            return MCBP_STATUS_SUBDOC_PATH_EXISTS;
        }
        if (json_is_array(element) || json_is_object(element)) {
            return MCBP_STATUS_SUBDOC_PATH_MISMATCH;
        }
    }
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status model_push(const struct subdoc_operation *operation,
                                   const struct subdoc_path *path, json_t *root, json_t *list)
{
    enum mcbp_status status;
    json_t *array = model_find(root, path, path->count, &status);
    if (status == MCBP_STATUS_SUBDOC_PATH_NOT_FOUND) {
        return model_create(path, root, list, operation->makes_parents, false);
    }
    if (!json_is_array(array)) {
        return MCBP_STATUS_SUBDOC_PATH_MISMATCH;
    }
    if (operation->opcode == MCBP_SUBDOC_ARRAY_ADD_UNIQUE && !path->has_last) {
        status = model_unique(array, json_array_get(list, 0));
    }
    if (status == MCBP_STATUS_SUCCESS) {
        bool is_first = operation->opcode == MCBP_SUBDOC_ARRAY_PUSH_FIRST;
        model_insert(array, is_first ? 0 : json_array_size(array), list);
    }
    return status;
}

static enum mcbp_status model_array_insert(const struct subdoc_path *path, json_t *root,
                                           json_t *list)
{
    enum mcbp_status status;
    if (!ends_with_index(path) || path->parts[path->count - 1].is_last) {
        return MCBP_STATUS_SUBDOC_PATH_INVALID;
    }
    json_t *array = model_find(root, path, path->count - 1, &status);
    if (array == NULL) {
        return status;
    }
    if (!json_is_array(array)) {
        return MCBP_STATUS_SUBDOC_PATH_MISMATCH;
    }
    uint64_t index = path->parts[path->count - 1].index;
    if (index > json_array_size(array)) {
        return MCBP_STATUS_SUBDOC_PATH_NOT_FOUND;
    }
    model_insert(array, (size_t)index, list);
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status model_counter(const struct subdoc_operation *operation,
                                      const struct subdoc_path *path, json_t *root, json_t *delta)
{
    enum mcbp_status status;
    json_int_t sum;
    json_t *found = model_find(root, path, path->count, &status);
    if (status == MCBP_STATUS_SUBDOC_PATH_MISMATCH || (found != NULL && !json_is_integer(found))) {
        return MCBP_STATUS_SUBDOC_PATH_MISMATCH;
    }
    if (found == NULL) {
        size_t deep;
        bool is_member = json_is_object(model_deepest(root, path, &deep));
        return is_member && ends_with_index(path) && operation->makes_parents
                   ? MCBP_STATUS_SUBDOC_PATH_INVALID
                   : model_create(path, root, delta, operation->makes_parents, true);
    }
    if (__builtin_add_overflow(json_integer_value(found), json_integer_value(delta), &sum)) {
        return MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT;
    }
    CHECK(json_integer_set(found, sum) == 0);
    return MCBP_STATUS_SUCCESS;
}

static enum mcbp_status model_change(const struct subdoc_operation *operation,
                                     const struct subdoc_path *path, json_t *root, json_t *list)
{
    enum mcbp_status status;
    switch (operation->opcode) {
    case MCBP_SUBDOC_DELETE:
        if (model_find(root, path, path->count, &status) != NULL) {
            model_delete(path, root);
        }
        return status;
    case MCBP_SUBDOC_ARRAY_PUSH_LAST:
    case MCBP_SUBDOC_ARRAY_PUSH_FIRST:
    case MCBP_SUBDOC_ARRAY_ADD_UNIQUE:
        return model_push(operation, path, root, list);
    case MCBP_SUBDOC_ARRAY_INSERT:
        return model_array_insert(path, root, list);
    case MCBP_SUBDOC_COUNTER:
        return model_counter(operation, path, root, json_array_get(list, 0));
    default:
        return model_member_operation(operation, path, root, json_array_get(list, 0));
    }
}

UNCOUNTED enum mcbp_status model_mutate(const struct subdoc_operation *operation,
                                        const struct subdoc_path *path, json_t *root)
{
    json_t *list = model_parse_list(operation->value);
    enum mcbp_status status = model_change(operation, path, root, list);
    json_decref(list);
    return status;
}
