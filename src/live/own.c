#include "live/own.h"

#include "base/endian.h"
#include "check/compare.h"
#include "live/alike.h"
#include "live/own_text.h"
#include "mcbp/collection.h"
#include "mcbp/frame_info.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    IDENTIFIERS_SIZE = 12, /* of a manifest and of a collection or scope */
    SCAN_SIZE = 16,
    META_EXPIRY = 8, /* in the extras of GET_META: after flags for deletion and the item's flags */
    META_SIZE = 20,  /* at least */
    RETURN_META_EXPIRY = 4, /* in the extras of RETURN_META's answer: after the flags */
    RETURN_META_SIZE = 16,
    SEQNO_UUID = 3,   /* in the value of OBSERVE_SEQNO: after format and vbucket */
    SEQNO_SIZE = 27,  /* at least */
    ROW_SIZE = 25,    /* of a scanned document, before the key */
    OBSERVED_SIZE = 9 /* behind an observed key: state and CAS */
};

/* ------------------------------------------------------------------------- values and parts */

static void own_note(struct translation *t, enum own_part part)
{
    t->run->found.capture->live.own[part] += t->counts;
}

static struct own_conflict *add_conflict(struct translation *t, const uint8_t *place, size_t size)
{
    static struct own_conflict beyond; /* what it says is not looked at */
    struct own_result *result = t->result;
    if (result->conflict_count == OWN_CONFLICTS) {
        return &beyond;
    }
    struct own_conflict *conflict = &result->conflicts[result->conflict_count++];
    *conflict = (struct own_conflict){.offset = (size_t)(place - t->a.bytes.data), .size = size};
    return conflict;
}

static const char *const bound_names[BOUND_VALUES] = {
    [BOUND_CAS] = "CAS",
    [BOUND_VBUCKET_UUID] = "vbucket UUID",
    [BOUND_SEQNO] = "sequence number",
    [BOUND_SCAN] = "scan",
    [BOUND_COLLECTION] = "collection",
    [BOUND_SCOPE] = "scope",
    [BOUND_MANIFEST] = "manifest",
    [BOUND_NUMBER] = "number",
};

static uint64_t bind_value(struct translation *t, const uint8_t *place, size_t size,
                           const struct bound *from, uint64_t to)
{
    uint64_t expected;
    enum bound_known known = bindings_note(t->bindings, from, to, &expected);
    const char *name = bound_names[from->kind];
    if (known == BOUND_NEW) {
        t->run->found.capture->live.bound[from->kind] += t->counts;
        t->run->found.capture->cas_adopted += t->counts && from->kind == BOUND_CAS;
    } else if (known == BOUND_ANOTHER) {
        snprintf(add_conflict(t, place, size)->why, DIFFERENCE_DETAIL_SIZE,
                 "%s 0x%" PRIx64 " there is 0x%" PRIx64 " here, as an earlier answer has it", name,
                 from->value, expected);
    } else if (known == BOUND_TWICE) {
        snprintf(add_conflict(t, place, size)->why, DIFFERENCE_DETAIL_SIZE,
                 "the server has given this %s before, for another than 0x%" PRIx64, name,
                 from->value);
    }
    return expected;
}

/* 8 bytes at a place of the reference's. */
static void bind_64(struct translation *t, const uint8_t *place, const uint8_t *given,
                    enum bound_value kind)
{
    bool of_vbucket = kind == BOUND_CAS || kind == BOUND_VBUCKET_UUID || kind == BOUND_SEQNO;
    struct bound from = {.kind = kind,
                         .vbucket = of_vbucket ? t->pair->exchange->vbucket : 0,
                         .value = read_be64(place)};
    uint64_t to = read_be64(given);
    if (kind != BOUND_CAS || (from.value != 0 && to != 0)) { /* else compared as they are */
        write_be64(translation_place(t, place), bind_value(t, place, sizeof(uint64_t), &from, to));
    }
}

static void bind_32(struct translation *t, const uint8_t *place, const uint8_t *given,
                    enum bound_value kind)
{
    struct bound from = {.kind = kind, .value = read_be32(place)};
    write_be32(translation_place(t, place),
               (uint32_t)bind_value(t, place, sizeof(uint32_t), &from, read_be32(given)));
}

static void take_over(struct translation *t, const uint8_t *place, const uint8_t *given,
                      size_t size, enum own_part part)
{
    if (memcmp(place, given, size) != 0) {
        memcpy(translation_place(t, place), given, size);
        own_note(t, part);
    }
}

/* An expiry, which is 0 or a point in time. */
static void translate_expiry(struct translation *t, const uint8_t *place, const uint8_t *given)
{
    if (own_is_as_late(t, read_be32(place), read_be32(given))) {
        take_over(t, place, given, sizeof(uint32_t), OWN_TIME);
    }
}

/* The reference with another key or value, which may be parts of itself. */
static void replace_tail(struct translation *t, struct span key, struct span value)
{
    struct buffer whole = {0};
    size_t head = (size_t)(t->a.key.data - t->a.bytes.data);
    size_t body = head - MCBP_HEADER_SIZE + key.size + value.size;
    if (!buffer_append(&whole, span_head(t->a.bytes, head)) || !buffer_append(&whole, key) ||
        !buffer_append(&whole, value)) {
        buffer_deinit(&whole);
        t->run->no_memory = true;
        return;
    }
    if (mcbp_magic_is_flex(t->a.header.magic)) {
        whole.bytes[3] = (uint8_t)key.size;
    } else {
        write_be16(whole.bytes + 2, (uint16_t)key.size);
    }
    write_be32(whole.bytes + 8, (uint32_t)body);
    buffer_deinit(&t->run->expected);
    t->run->expected = whole;
    mcbp_frame_parse(buffer_span(&whole), &t->a);
}

/* --------------------------------------------------------------------- parts of every answer */

static void translate_durations(struct translation *t)
{
    struct span rest_a = t->a.framing_extras;
    struct span rest_b = t->b.framing_extras;
    struct mcbp_frame_info a;
    struct mcbp_frame_info b;
    while (mcbp_frame_info_next(&rest_a, &a) && mcbp_frame_info_next(&rest_b, &b)) {
        bool own = a.id == MCBP_FRAME_INFO_DURATION || a.id == MCBP_FRAME_INFO_THROTTLE;
        if (own && a.id == b.id && a.value.size == b.value.size && a.value.size > 0) {
            take_over(t, a.value.data, b.value.data, a.value.size, OWN_DURATION);
        }
    }
}

static void translate_cas(struct translation *t)
{
    const uint8_t *place = t->a.bytes.data + OFFSET_CAS;
    const uint8_t *given = t->b.bytes.data + OFFSET_CAS;
    if (t->a.header.opcode == MCBP_OBSERVE) {
        take_over(t, place, given, sizeof(uint64_t), OWN_HINT);
    } else {
        bind_64(t, place, given, BOUND_CAS);
    }
}

/* Of a change sent after another one was answered, the number has to be higher, on either side. */
static void translate_seqno(struct translation *t, const uint8_t *place, const uint8_t *given)
{
    const struct exchange *exchange = t->pair->exchange;
    uint64_t there = read_be64(place);
    uint64_t here = read_be64(given);
    uint64_t there_before = exchange->seqnos_before[t->pair->reference_track];
    uint64_t here_before = exchange->seqnos_before[t->pair->given_track];
    bool falls_there = there <= there_before;
    if (!falls_there && here > here_before) {
        bind_64(t, place, given, BOUND_SEQNO);
        return;
    }
    snprintf(add_conflict(t, place, sizeof(uint64_t))->why, DIFFERENCE_DETAIL_SIZE,
             "%s, vbucket %u has the sequence number %" PRIu64 " after %" PRIu64
             " was in an answer before",
             falls_there ? "there" : "here", exchange->vbucket, falls_there ? there : here,
             falls_there ? there_before : here_before);
    write_be64(translation_place(t, place), there == here ? ~there : there);
}

static void translate_token(struct translation *t)
{
    const uint8_t *place = t->a.extras.data;
    const uint8_t *given = t->b.extras.data;
    bind_64(t, place, given, BOUND_VBUCKET_UUID);
    translate_seqno(t, place + sizeof(uint64_t), given + sizeof(uint64_t));
}

/* On connections with collections keys begin with the number of one. */
static void translate_key(struct translation *t)
{
    struct mcbp_collection_key a;
    struct mcbp_collection_key b;
    uint64_t to;
    if (!span_equal(t->a.key, t->b.key) && mcbp_opcode_has_collection(t->a.header.opcode) &&
        t->pair->exchange->has_collection && mcbp_collection_key_read(t->a.key, &a) &&
        mcbp_collection_key_read(t->b.key, &b) && span_equal(a.key, b.key) &&
        bindings_find(t->bindings, &(struct bound){.kind = BOUND_COLLECTION, .value = a.collection},
                      &to) &&
        to == b.collection) {
        replace_tail(t, t->b.key, t->a.value);
    }
}

/* ------------------------------------------------------------------ answers of some commands */

static bool is_object(struct span text)
{
    return text.size >= 2 && text.data[0] == '{' && text.data[text.size - 1] == '}';
}

/* Of maps no more than that both are there, in the same form. */
static void translate_map(struct translation *t)
{
    bool compressed = (t->a.header.datatype & MCBP_DATATYPE_SNAPPY) != 0 && t->a.value.size > 0 &&
                      t->b.value.size > 0;
    bool objects = is_object(t->a.value) && is_object(t->b.value);
    if ((compressed || objects) && !span_equal(t->a.value, t->b.value)) {
        own_note(t, OWN_MAP);
        replace_tail(t, t->a.key, t->b.value);
    }
}

static void translate_members(struct translation *t, const char *const *names)
{
    if (!span_equal(t->a.value, t->b.value) && json_alike(t->a.value, t->b.value, names)) {
        own_note(t, OWN_REFERENCE);
        replace_tail(t, t->a.key, t->b.value);
    }
}

static void translate_identifiers(struct translation *t, enum bound_value kind)
{
    const uint8_t *place = t->a.extras.data;
    const uint8_t *given = t->b.extras.data;
    if (t->a.extras.size == IDENTIFIERS_SIZE && t->b.extras.size == IDENTIFIERS_SIZE) {
        bind_64(t, place, given, BOUND_MANIFEST);
        bind_32(t, place + sizeof(uint64_t), given + sizeof(uint64_t), kind);
    }
}

static void translate_scan(struct translation *t)
{
    if (t->a.value.size == SCAN_SIZE && t->b.value.size == SCAN_SIZE) {
        bool counts = t->counts;
        bind_64(t, t->a.value.data, t->b.value.data, BOUND_SCAN);
        t->counts = false; /* both halves are one scan */
        bind_64(t, t->a.value.data + 8, t->b.value.data + 8, BOUND_SCAN);
        t->counts = counts;
    }
}

/* A number in LEB128 and so many bytes. */
static bool skip_counted(struct span *bytes)
{
    uint32_t size;
    if (mcbp_leb128_take(bytes, &size) != MCBP_LEB128_OK || size > bytes->size) {
        return false;
    }
    *bytes = span_skip(*bytes, size);
    return true;
}

/* Documents of a range scan: flags, expiry, sequence number, CAS, datatype, key, value. */
static void translate_rows(struct translation *t)
{
    struct span a = t->a.value;
    struct span b = t->b.value;
    bool documents = t->a.extras.size == 4 && read_be32(t->a.extras.data) == 1;
    while (documents && a.size == b.size && a.size >= ROW_SIZE) {
        translate_expiry(t, a.data + 4, b.data + 4);
        bind_64(t, a.data + 8, b.data + 8, BOUND_SEQNO);
        bind_64(t, a.data + 16, b.data + 16, BOUND_CAS);
        a = span_skip(a, ROW_SIZE);
        b = span_skip(b, ROW_SIZE);
        documents = skip_counted(&a) && skip_counted(&a) && skip_counted(&b) && skip_counted(&b);
    }
}

/* Rows of vbucket, length of the key, key, state and CAS. */
static void translate_observed(struct translation *t)
{
    struct span a = t->a.value;
    struct span b = t->b.value;
    while (a.size >= 4 && a.size == b.size && memcmp(a.data, b.data, 4) == 0) {
        size_t key = read_be16(a.data + 2);
        if (a.size < 4 + key + OBSERVED_SIZE) {
            return;
        }
        bind_64(t, a.data + 4 + key + 1, b.data + 4 + key + 1, BOUND_CAS);
        a = span_skip(a, 4 + key + OBSERVED_SIZE);
        b = span_skip(b, 4 + key + OBSERVED_SIZE);
    }
}

/* What is persisted, and what there is: at least what changes have shown. */
static void translate_observed_seqno(struct translation *t)
{
    const uint8_t *place = t->a.value.data;
    const uint8_t *given = t->b.value.data;
    if (t->a.value.size < SEQNO_SIZE || t->a.value.size != t->b.value.size) {
        return;
    }
    bind_64(t, place + SEQNO_UUID, given + SEQNO_UUID, BOUND_VBUCKET_UUID);
    const uint64_t *before = t->pair->exchange->seqnos_before;
    uint64_t persisted = read_be64(given + SEQNO_UUID + 8);
    uint64_t current = read_be64(given + SEQNO_UUID + 16);
    if (current >= before[t->pair->given_track] && persisted <= current &&
        read_be64(place + SEQNO_UUID + 16) >= before[t->pair->reference_track]) {
        memcpy(translation_place(t, place + SEQNO_UUID + 8), given + SEQNO_UUID + 8, 16);
    }
}

/* Rows of a vbucket and its number, in GET_ALL_VB_SEQNOS. */
static void translate_all_seqnos(struct translation *t)
{
    enum { ROW = sizeof(uint16_t) + sizeof(uint64_t) };
    struct span a = t->a.value;
    struct span b = t->b.value;
    for (; a.size >= ROW && a.size == b.size && memcmp(a.data, b.data, sizeof(uint16_t)) == 0;
         a = span_skip(a, ROW), b = span_skip(b, ROW)) {
        const struct bound from = {.kind = BOUND_SEQNO,
                                   .vbucket = read_be16(a.data),
                                   .value = read_be64(a.data + sizeof(uint16_t))};
        uint64_t to = read_be64(b.data + sizeof(uint16_t));
        if (from.value != 0 && to != 0) { /* else compared as they are */
            const uint8_t *place = a.data + sizeof(uint16_t);
            write_be64(translation_place(t, place),
                       bind_value(t, place, sizeof(uint64_t), &from, to));
        }
    }
}

/* Paths of extended attributes may be those that the server makes up. */
static void translate_paths(struct translation *t)
{
    unsigned paths = t->pair->exchange->xattr_paths;
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(t->a.header.opcode);
    struct span rest_a = t->a.value;
    struct span rest_b = t->b.value;
    struct mcbp_subdoc_result a;
    struct mcbp_subdoc_result b;
    if (shape == MCBP_SUBDOC_SINGLE && paths != 0) {
        own_translate_text(t, rest_a, rest_b);
    }
    while (shape == MCBP_SUBDOC_LOOKUP && paths != 0 &&
           mcbp_subdoc_result_next(shape, &rest_a, &a) &&
           mcbp_subdoc_result_next(shape, &rest_b, &b)) {
        if ((paths & 1) != 0) {
            own_translate_text(t, a.value, b.value);
        }
        paths >>= 1;
    }
}

static void translate_random(struct translation *t)
{
    if (t->a.extras.size == 4 && t->b.extras.size == 4 && t->a.key.size > 0 && t->b.key.size > 0) {
        own_note(t, OWN_RANDOM);
        write_be64(translation_place(t, t->a.bytes.data + OFFSET_CAS), t->b.header.cas);
        translation_place(t, t->a.bytes.data)[5] = t->b.header.datatype;
        memcpy(translation_place(t, t->a.extras.data), t->b.extras.data, 4);
        replace_tail(t, t->b.key, t->b.value);
    }
}

/* Of GET_META, or RETURN_META. */
static void translate_shown_expiry(struct translation *t, size_t at, size_t size_min)
{
    if (t->a.extras.size >= size_min && t->a.extras.size == t->b.extras.size) {
        translate_expiry(t, t->a.extras.data + at, t->b.extras.data + at);
    }
}

static void translate_success(struct translation *t)
{
    static const char *const manifest[] = {"uid", NULL};
    switch (t->a.header.opcode) {
    case MCBP_GET_CLUSTER_CONFIG:
    case MCBP_GET_ERROR_MAP:
        translate_map(t);
        break;
    case MCBP_COLLECTIONS_GET_MANIFEST:
        translate_members(t, manifest);
        break;
    case MCBP_COLLECTIONS_GET_ID:
        translate_identifiers(t, BOUND_COLLECTION);
        break;
    case MCBP_COLLECTIONS_GET_SCOPE_ID:
        translate_identifiers(t, BOUND_SCOPE);
        break;
    case MCBP_RANGE_SCAN_CREATE:
        translate_scan(t);
        break;
    case MCBP_OBSERVE:
        translate_observed(t);
        break;
    case MCBP_OBSERVE_SEQNO:
        translate_observed_seqno(t);
        break;
    case MCBP_GET_ALL_VB_SEQNOS:
        translate_all_seqnos(t);
        break;
    case MCBP_GET_META:
        translate_shown_expiry(t, META_EXPIRY, META_SIZE);
        break;
    case MCBP_RETURN_META:
        translate_shown_expiry(t, RETURN_META_EXPIRY, RETURN_META_SIZE);
        break;
    default:
        break;
    }
}

/* Errors' bodies have a number of the error, and where it is about a collection, the manifest's. */
static void translate_body(struct translation *t)
{
    static const char *const error[] = {"ref", "manifest_uid", NULL};
    uint16_t status = t->a.header.vbucket_or_status;
    if (t->a.header.opcode == MCBP_RANGE_SCAN_CONTINUE) {
        translate_rows(t);
    } else if (mcbp_subdoc_shape_of(t->a.header.opcode) != MCBP_SUBDOC_NONE && status != 0 &&
               !is_object(t->a.value)) {
        translate_paths(t);
    } else if (status == MCBP_STATUS_NOT_MY_VBUCKET) {
        translate_map(t);
    } else if (status != MCBP_STATUS_SUCCESS) {
        translate_members(t, error);
    } else {
        translate_paths(t);
        translate_success(t);
    }
}

/* --------------------------------------------------------------------------------- the whole */

static bool begin(struct translation *t)
{
    const struct answer *reference = t->pair->reference;
    const struct answer *given = t->pair->given;
    struct buffer *buffer = &t->run->expected;
    buffer->begin = buffer->end = 0;
    if (!buffer_append(buffer, span_of(reference->bytes, reference->size))) {
        t->run->no_memory = true;
        return false;
    }
    mcbp_frame_parse(buffer_span(buffer), &t->a);
    mcbp_frame_parse(span_of(given->bytes, given->size), &t->b);
    return true;
}

void own_translate(struct live_run *run, struct bindings *bindings, const struct own_pair *pair,
                   bool counts, struct own_result *result)
{
    struct translation t = {
        .run = run, .bindings = bindings, .pair = pair, .counts = counts, .result = result};
    *result =
        (struct own_result){.expected = span_of(pair->reference->bytes, pair->reference->size)};
    if (!begin(&t)) {
        return;
    }
    bool comparable = t.a.header.magic == t.b.header.magic &&
                      t.a.header.opcode == t.b.header.opcode &&
                      t.a.header.vbucket_or_status == t.b.header.vbucket_or_status;
    translate_cas(&t);
    if (comparable) {
        translate_durations(&t);
        if (mcbp_token_is(t.a.header.opcode, t.a.extras) && t.b.extras.size == MCBP_TOKEN_SIZE) {
            translate_token(&t);
        }
        translate_key(&t);
        translate_body(&t);
        if (t.a.header.opcode == MCBP_GET_RANDOM_KEY) {
            translate_random(&t);
        }
    }
    result->expected = buffer_span(&run->expected);
}

void own_note_seqno(struct live_run *run, enum track track, const struct exchange *exchange,
                    const struct mcbp_frame *frame)
{
    struct mcbp_token token;
    if (mcbp_token_read(frame->header.opcode, frame->extras, &token) &&
        !seqnos_note(&run->seqnos[track], exchange->vbucket, &token,
                     exchange->seqnos_before[track])) {
        run->no_memory = true;
    }
}
