/*
 * Subdocument operations, one after the other, on a document. An input is a list of units: byte 0
 * is the operation, 1 the length of the path, 2 and 3 that of the value, then path and value; the
 * value of the first unit is the document, and a unit without an operation is another one.
 *
 * What an edit says of itself has to be so: the bytes around it are those of the document, and only
 * blanks go where something is only added. Where jansson takes document and value for JSON, too,
 * the new text is the same JSON as what jansson makes of the same change, and statuses agree.
 *
 * The same bytes are read as the specs of a multi request, too.
 */
#include "base/buffer.h"
#include "mcbp/opcode.h"
#include "subdoc/execute.h"
#include "subdoc/request.h"
#include "subdoc_model.h"
#include "target.h"

#include <stdlib.h>

static const uint8_t opcodes[] = {
    MCBP_SUBDOC_GET,          MCBP_SUBDOC_EXISTS,           MCBP_SUBDOC_GET_COUNT,
    MCBP_SUBDOC_DICT_ADD,     MCBP_SUBDOC_DICT_UPSERT,      MCBP_SUBDOC_DELETE,
    MCBP_SUBDOC_REPLACE,      MCBP_SUBDOC_ARRAY_PUSH_LAST,  MCBP_SUBDOC_ARRAY_PUSH_FIRST,
    MCBP_SUBDOC_ARRAY_INSERT, MCBP_SUBDOC_ARRAY_ADD_UNIQUE, MCBP_SUBDOC_COUNTER,
};
enum { OPCODES = sizeof(opcodes), LOOKUPS = 3, UNITS = 64 };

void fuzz_begin(void)
{
    json_object_seed(1); /* the same in each run */
}

static bool is_lookup(uint8_t opcode)
{
    for (size_t i = 0; i < LOOKUPS; i++) {
        if (opcodes[i] == opcode) {
            return true;
        }
    }
    return false;
}

static bool adds_only(uint8_t opcode)
{
    return opcode == MCBP_SUBDOC_DICT_ADD || opcode == MCBP_SUBDOC_ARRAY_PUSH_LAST ||
           opcode == MCBP_SUBDOC_ARRAY_PUSH_FIRST || opcode == MCBP_SUBDOC_ARRAY_INSERT ||
           opcode == MCBP_SUBDOC_ARRAY_ADD_UNIQUE;
}

/* Bytes that go though something is only added: blanks, and the bracket behind them that comes
 * again. */
UNCOUNTED static void check_blank(struct span removed)
{
    size_t brackets = 0;
    for (size_t i = 0; i < removed.size; i++) {
        brackets += removed.data[i] == ']' ? 1 : 0;
        CHECK(removed.data[i] == ']' || strchr(" \t\n\r\v\f", removed.data[i]) != NULL);
    }
    CHECK(brackets <= 1);
}

/* The bytes around the change are those of the document. */
UNCOUNTED static void check_untouched(const struct subdoc_operation *operation,
                                      struct span document, struct span changed,
                                      const struct subdoc_result *result)
{
    CHECK(result->begin <= result->end && result->end <= document.size);
    size_t behind = document.size - result->end;
    CHECK(changed.size == result->begin + result->inserted + behind);
    CHECK(span_equal(span_head(changed, result->begin), span_head(document, result->begin)));
    CHECK(span_equal(span_skip(changed, result->begin + result->inserted),
                     span_skip(document, result->end)));
    if (adds_only(operation->opcode)) {
        check_blank(span_head(span_skip(document, result->begin), result->end - result->begin));
    }
    CHECK(operation->opcode != MCBP_SUBDOC_DELETE || result->inserted == 0);
}

/* [-1] with something behind it, which is looked for in the text of that element alone. */
static bool goes_through_last(const struct subdoc_path *path)
{
    for (size_t i = 0; i + 1 < path->count; i++) {
        if (path->parts[i].is_last) {
            return true;
        }
    }
    return false;
}

/* Servers, and so the code under test, have their own view of these. */
static bool is_known_difference(const struct subdoc_operation *operation,
                                const struct subdoc_path *path, const json_t *root)
{
    bool is_root = json_is_object(root) || json_is_array(root);
    bool is_first = operation->opcode == MCBP_SUBDOC_ARRAY_PUSH_FIRST;
    return !is_root || goes_through_last(path) || (is_first && path->has_last);
}

/* A value whose text decides, or that jansson refuses. */
static bool is_value_known(const struct subdoc_operation *operation)
{
    if (operation->opcode == MCBP_SUBDOC_DELETE || is_lookup(operation->opcode)) {
        return true;
    }
    json_t *list = model_parse_list(operation->value);
    size_t size = json_array_size(list);
    bool is_list = operation->opcode == MCBP_SUBDOC_ARRAY_PUSH_LAST ||
                   operation->opcode == MCBP_SUBDOC_ARRAY_PUSH_FIRST ||
                   operation->opcode == MCBP_SUBDOC_ARRAY_INSERT;
    bool is_text = operation->opcode != MCBP_SUBDOC_ARRAY_ADD_UNIQUE ||
                   (size == 1 && operation->value.data[0] == '"' &&
                    operation->value.data[operation->value.size - 1] == '"');
    json_decref(list);
    return size > 0 && (is_list || size == 1) && is_text;
}

/* Refused for reasons of their own: how deep, how it is written, or where. */
static bool is_own_reason(enum mcbp_status status)
{
    return status == MCBP_STATUS_SUBDOC_VALUE_CANNOT_INSERT ||
           status == MCBP_STATUS_SUBDOC_VALUE_TOO_DEEP ||
           status == MCBP_STATUS_SUBDOC_DOCUMENT_TOO_DEEP ||
           status == MCBP_STATUS_SUBDOC_PATH_TOO_BIG ||
           status == MCBP_STATUS_SUBDOC_DELTA_INVALID || status == MCBP_STATUS_INTERNAL_ERROR;
}

/* What jansson has to say of the whole, if it may. */
UNCOUNTED static void check_model(const struct subdoc_operation *operation, struct span document,
                                  struct span changed, const struct subdoc_result *result,
                                  enum mcbp_status status)
{
    struct subdoc_path path;
    json_t *root = model_parse(document);
    bool knows = root != NULL && model_knows(document) && model_knows_path(operation->path) &&
                 model_knows(operation->value) && is_value_known(operation) &&
                 subdoc_path_parse(operation->path, &path) == MCBP_STATUS_SUCCESS;
    if (!knows || is_own_reason(status) || is_known_difference(operation, &path, root)) {
        json_decref(root);
        return;
    }
    CHECK(status != MCBP_STATUS_SUBDOC_DOCUMENT_NOT_JSON);
    if (is_lookup(operation->opcode)) {
        CHECK(model_lookup(operation, &path, root, result) == status);
    } else {
        CHECK(model_mutate(operation, &path, root) == status);
        json_t *parsed = status == MCBP_STATUS_SUCCESS ? model_parse(changed) : NULL;
        CHECK(status != MCBP_STATUS_SUCCESS || (parsed != NULL && json_equal(parsed, root)));
        json_decref(parsed);
    }
    json_decref(root);
}

/* A path that is written with backticks around its names is the same path. */
UNCOUNTED static void check_path(struct span text)
{
    struct subdoc_path path;
    if (subdoc_path_parse(text, &path) != MCBP_STATUS_SUCCESS) {
        return;
    }
    CHECK(path.count <= SUBDOC_PATH_PARTS);
    for (size_t i = 0; i < path.count; i++) {
        const struct subdoc_part *part = &path.parts[i];
        CHECK(part->is_index || part->name.size > 0);
        CHECK(part->is_index || (part->name.data >= text.data &&
                                 part->name.data + part->name.size <= text.data + text.size));
        CHECK(!part->is_last || (part->is_index && path.has_last));
    }
}

/* A copy of exactly that size, for AddressSanitizer; to be freed. */
static struct span copy_of(struct span bytes)
{
    uint8_t *copy = malloc(bytes.size == 0 ? 1 : bytes.size);
    CHECK(copy != NULL);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return span_of(copy, bytes.size);
}

static void run_lookup(const struct subdoc_operation *operation, struct span document)
{
    struct subdoc_result result;
    enum mcbp_status status = subdoc_lookup(operation, document, &result);
    check_model(operation, document, document, &result, status);
}

/* On success, the document becomes the new one. */
static void run_mutation(const struct subdoc_operation *operation, struct span *document)
{
    struct buffer changed = {0};
    struct subdoc_result result;
    enum mcbp_status status = subdoc_mutate(operation, *document, &changed, &result);
    struct span text = buffer_span(&changed);
    CHECK(status == MCBP_STATUS_SUCCESS || text.size == 0);
    if (status == MCBP_STATUS_SUCCESS) {
        check_untouched(operation, *document, text, &result);
    }
    check_model(operation, *document, text, &result, status);
    if (status == MCBP_STATUS_SUCCESS) {
        free((void *)document->data);
        *document = copy_of(text);
    }
    buffer_deinit(&changed);
}

static void run_unit(struct span *input, struct span *document)
{
    uint8_t choice = take_8(input);
    size_t path_size = take_8(input);
    size_t value_size = take_16(input);
    struct span path = take(input, path_size);
    struct span value = take(input, value_size);
    struct subdoc_operation operation = {.opcode = opcodes[choice / 2 % (OPCODES + 1) % OPCODES],
                                         .path = copy_of(path),
                                         .value = copy_of(value),
                                         .makes_parents = choice % 2 == 1};
    check_path(operation.path);
    if (document->data == NULL || choice / 2 % (OPCODES + 1) == OPCODES) {
        free((void *)document->data);
        *document = copy_of(value);
    } else if (is_lookup(operation.opcode)) {
        run_lookup(&operation, *document);
    } else {
        run_mutation(&operation, document);
    }
    free((void *)operation.path.data);
    free((void *)operation.value.data);
}

/* Specs lie behind each other, and come to the whole value. */
static void check_request(uint8_t opcode, struct span value)
{
    struct subdoc_request request;
    struct subdoc_input input = {.opcode = opcode, .value = value, .has_xattrs = true};
    size_t head = opcode == MCBP_SUBDOC_MULTI_MUTATION ? 8 : 4;
    size_t size = 0;
    if (subdoc_request_parse(&input, &request) != MCBP_STATUS_SUCCESS) {
        return;
    }
    CHECK(request.count >= 1 && request.count <= SUBDOC_SPECS);
    for (size_t i = 0; i < request.count; i++) {
        const struct mcbp_subdoc_spec *spec = &request.specs[i];
        CHECK(spec->path.data == value.data + size + head);
        size += head + spec->path.size + spec->value.size;
        CHECK((i < request.xattr_count) == ((spec->flags & MCBP_SUBDOC_PATH_XATTR) != 0));
    }
    CHECK(size == value.size);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    struct span document = {0};
    check_request(MCBP_SUBDOC_MULTI_LOOKUP, input);
    check_request(MCBP_SUBDOC_MULTI_MUTATION, input);
    for (int i = 0; i < UNITS && input.size > 0; i++) {
        run_unit(&input, &document);
    }
    free((void *)document.data);
}
