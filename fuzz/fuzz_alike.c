/*
 * What of two servers' answers `replay` takes for the same. Byte 0 chooses what is compared, and by
 * which members; two more bytes are the size of the first of two texts, which the second follows.
 *
 * JSON: texts that are alike are the same to jansson, but for the members that may differ. Those
 * that jansson prints of the first, with other values of such members, are alike.
 *
 * Rows of range scans: of the reference nothing changes but times, sequence numbers and CAS values.
 * What was never bound, or always to the same, becomes what was given, and what was bound to
 * another value does not.
 */
#include "base/endian.h"
#include "live/alike.h"
#include "live/own.h"
#include "mcbp/leb128.h"
#include "mcbp/status.h"
#include "target.h"

#include <jansson.h>
#include <stdlib.h>

void fuzz_begin(void)
{
    json_object_seed(1); /* the same in each run */
}

/* ------------------------------------------------------------------------------------- JSON */

static const char *const names_of_errors[] = {"ref", "manifest_uid", NULL};
static const char *const names_of_manifests[] = {"uid", NULL};

static bool is_own(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0) {
        names++;
    }
    return *names != NULL;
}

/* Strings and numbers of the server's own become others, each kind the same. False: some of them
 * have values that answers do not have there. */
UNCOUNTED static bool blank(json_t *json, const char *const *names)
{
    bool usual = true;
    size_t i;
    const char *name;
    void *next;
    json_t *value;
    json_array_foreach(json, i, value)
    {
        usual &= blank(value, names);
    }
    json_object_foreach_safe(json, next, name, value)
    {
        bool own = is_own(name, names);
        usual &= !own || json_string_length(value) > 0 ||
                 (json_is_integer(value) && json_integer_value(value) >= 0);
        usual &= blank(value, names);
        if (own && (json_is_string(value) || json_is_number(value))) {
            json_object_set_new(json, name,
                                json_is_string(value) ? json_string("other") : json_integer(7));
        }
    }
    return usual;
}

static json_t *parse(struct span text)
{
    enum { FLAGS = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY };
    return json_loadb((const char *)text.data, text.size, FLAGS, NULL);
}

static char *print(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    CHECK(text != NULL);
    return text;
}

static void check_json(struct span a, struct span b, const char *const *names)
{
    json_t *one = parse(a);
    json_t *other = parse(b);
    bool alike = json_alike(a, b, names);
    CHECK(alike == json_alike(b, a, names));
    if (one != NULL) {
        char *before = print(one);
        bool usual = blank(one, names);
        char *after = print(one);
        CHECK(!usual ||
              json_alike(span_of(before, strlen(before)), span_of(after, strlen(after)), names));
        free(before);
        free(after);
    }
    if (one != NULL && other != NULL) {
        blank(other, names);
        CHECK(!alike || json_equal(one, other));
    }
    json_decref(one);
    json_decref(other);
}

/* ------------------------------------------------------------------------------------- rows */

enum { ROW = 25, EXPIRY = 4, SEQNO = 8, CAS = 16, BOUND_MAX = 512 };

struct binding {
    size_t field;
    uint64_t from;
    uint64_t to;
    bool disputed; /* what is believed then is another test's (test_value_map) */
};

struct model {
    struct binding bound[BOUND_MAX];
    size_t count;
};

static struct answer *answer_with(struct span rows)
{
    static const uint8_t documents[4] = {0, 0, 0, 1};
    size_t size = MCBP_HEADER_SIZE + sizeof(documents) + rows.size;
    struct answer *answer = calloc(1, sizeof(*answer) + size);
    uint8_t *bytes = answer->bytes;
    answer->size = size;
    bytes[0] = MCBP_CLIENT_RESPONSE;
    bytes[1] = MCBP_RANGE_SCAN_CONTINUE;
    bytes[4] = sizeof(documents);
    write_be16(bytes + 6, MCBP_STATUS_RANGE_SCAN_COMPLETE);
    write_be32(bytes + 8, (uint32_t)(sizeof(documents) + rows.size));
    memcpy(bytes + MCBP_HEADER_SIZE, documents, sizeof(documents));
    if (rows.size > 0) {
        memcpy(bytes + MCBP_HEADER_SIZE + sizeof(documents), rows.data, rows.size);
    }
    return answer;
}

/* A number of the reference's, what was given for it, and what has become of it. */
UNCOUNTED static void check_number(struct model *model, size_t field, const uint8_t *from,
                                   const uint8_t *given, const uint8_t *became)
{
    struct binding now = {field, read_be64(from), read_be64(given), false};
    uint64_t there = read_be64(became);
    bool known = false;
    bool conflict = false;
    if (field == CAS && (now.from == 0 || now.to == 0)) {
        CHECK(there == now.from);
        return;
    }
    for (size_t i = 0; i < model->count; i++) {
        struct binding *other = &model->bound[i];
        bool same_from = other->field == field && other->from == now.from;
        bool same_to = other->field == field && other->to == now.to;
        known |= same_from && same_to;
        now.disputed |= other->disputed && (same_from || same_to);
        conflict |= same_from != same_to;
        other->disputed |= same_from != same_to;
    }
    CHECK(now.disputed || (there == now.to) == !conflict);
    now.disputed |= conflict;
    if (!known && model->count < BOUND_MAX) {
        model->bound[model->count++] = now;
    }
}

/* The size of a row; 0: there is none, or less than one. */
UNCOUNTED static size_t row_size(struct span rows)
{
    size_t whole = rows.size;
    if (rows.size < ROW) {
        return 0;
    }
    rows = span_skip(rows, ROW);
    for (int i = 0; i < 2; i++) {
        uint32_t size;
        if (mcbp_leb128_take(&rows, &size) != MCBP_LEB128_OK || size > rows.size) {
            return 0;
        }
        rows = span_skip(rows, size);
    }
    return whole - rows.size;
}

UNCOUNTED static void check_rows(struct span a, struct span b, struct span became)
{
    static struct model model;
    bool equal_so_far = true;
    model.count = 0;
    while (equal_so_far && a.size >= ROW && a.size == b.size) {
        const uint8_t *expiry = became.data + EXPIRY;
        CHECK(memcmp(a.data, became.data, EXPIRY) == 0 && a.data[ROW - 1] == became.data[ROW - 1]);
        CHECK(memcmp(expiry, a.data + EXPIRY, 4) == 0 || memcmp(expiry, b.data + EXPIRY, 4) == 0);
        check_number(&model, SEQNO, a.data + SEQNO, b.data + SEQNO, became.data + SEQNO);
        check_number(&model, CAS, a.data + CAS, b.data + CAS, became.data + CAS);
        size_t size = row_size(a);
        size_t size_b = row_size(b);
        equal_so_far = size > 0 && size_b > 0;
        size = equal_so_far ? size : ROW;
        size_b = equal_so_far ? size_b : ROW;
        CHECK(memcmp(a.data + ROW, became.data + ROW, size - ROW) == 0);
        a = span_skip(a, size);
        b = span_skip(b, size_b);
        became = span_skip(became, size);
    }
    CHECK(span_equal(a, became));
}

static void compare_rows(struct span a, struct span b)
{
    static struct capture_result capture;
    struct exchange exchange = {.opcode = MCBP_RANGE_SCAN_CONTINUE};
    struct live_run run = {.found.capture = &capture};
    struct bindings bindings = {0};
    struct own_pair pair = {&exchange, RECORDED, LIVE, answer_with(a), answer_with(b)};
    struct own_result result;
    size_t head = MCBP_HEADER_SIZE + 4;
    own_translate(&run, &bindings, &pair, true, &result);
    CHECK(result.expected.size == head + a.size);
    CHECK(memcmp(result.expected.data, pair.reference->bytes, head) == 0);
    check_rows(a, b, span_skip(result.expected, head));
    for (size_t i = 0; i < result.conflict_count; i++) {
        const struct own_conflict *conflict = &result.conflicts[i];
        CHECK(conflict->offset >= head && conflict->size <= result.expected.size &&
              conflict->offset <= result.expected.size - conflict->size);
    }
    buffer_deinit(&run.expected);
    bindings_deinit(&bindings);
    free((void *)(uintptr_t)pair.reference);
    free((void *)(uintptr_t)pair.given);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    uint8_t chosen = take_8(&input);
    struct span a = take(&input, take_16(&input));
    if ((chosen & 1) != 0) {
        compare_rows(a, input);
    } else {
        check_json(a, input, (chosen & 2) != 0 ? names_of_manifests : names_of_errors);
    }
}
