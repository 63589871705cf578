#include "live/translate.h"

#include "base/endian.h"
#include "couchbase/with_meta.h"
#include "mcbp/collection.h"
#include "mcbp/form.h"
#include "mcbp/subdoc_spec.h"
#include "subdoc/execute.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    EXPIRY_SPAN_MAX = 60 * 60 * 24 * 30, /* seconds; what is larger is Unix time */
    SUBDOC_SINGLE_EXPIRY = 3,            /* behind the path's size and flags */
    META_EXPIRY = 4,                     /* of changes that bring meta data: behind the flags */
    META_CAS = 16,                       /* behind the revision */
    META_SIZE = 24,
    RETURN_META_EXPIRY = 8, /* behind mutation and flags */
    SCAN_SIZE = 16,
    NUMBER_SIZE = 24,
    PATHS_MAX = 16,
};

static const uint32_t EXPIRY_NO_CREATE = UINT32_MAX; /* of INCREMENT and DECREMENT */

/* -------------------------------------------------------------------------------- the parts */

/* Where the extras have a time of expiry; MCBP_NO_EXPIRY: they have none. */
static int expiry_offset(const struct mcbp_frame *frame)
{
    uint8_t opcode = frame->header.opcode;
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(opcode);
    struct mcbp_subdoc_extras subdoc;
    if (shape != MCBP_SUBDOC_NONE) {
        bool has = mcbp_subdoc_extras_read(shape, frame->extras, &subdoc) && subdoc.has_expiry;
        return !has ? MCBP_NO_EXPIRY : shape == MCBP_SUBDOC_SINGLE ? SUBDOC_SINGLE_EXPIRY : 0;
    }
    bool deletes = mcbp_opcode_loud(opcode) == MCBP_DELETE_WITH_META; /* at a time that has been */
    int offset = with_meta_is(opcode)         ? deletes ? MCBP_NO_EXPIRY : META_EXPIRY
                 : opcode == MCBP_RETURN_META ? RETURN_META_EXPIRY
                                              : mcbp_opcode_expiry_offset(opcode);
    bool has = offset != MCBP_NO_EXPIRY && mcbp_form_has_extras(&frame->header) &&
               frame->extras.size >= (size_t)offset + sizeof(uint32_t);
    return has ? offset : MCBP_NO_EXPIRY;
}

/* A time that is no span from now, but a point in Unix time, would mean something else now. */
static uint32_t expiry_now(uint32_t expiry, int64_t recorded)
{
    int64_t moved = expiry + (clock_now(CLOCK_REALTIME) - recorded + 500000000) / 1000000000;
    bool is_point = expiry > EXPIRY_SPAN_MAX && expiry != EXPIRY_NO_CREATE;
    return is_point && moved > EXPIRY_SPAN_MAX && moved < EXPIRY_NO_CREATE ? (uint32_t)moved
                                                                           : expiry;
}

/* False: no recorded answer has shown it. */
static bool find(struct translations *translations, enum track track, const struct bound *from,
                 uint64_t *to)
{
    return bindings_find(&translations->from_recorded[track], from, to) ||
           bindings_find(&translations->from_earlier[track], from, to);
}

/* 8 bytes. */
static void put_known(struct translations *translations, enum track track, enum bound_value kind,
                      uint16_t vbucket, uint8_t *place)
{
    uint64_t to;
    if (find(translations, track, &(struct bound){kind, vbucket, read_be64(place)}, &to)) {
        write_be64(place, to);
    }
}

/*
 * The request's CAS on that server. One that no recorded answer has shown was a wrong one, most
 * often; it must not be, by accident, one that this server has given out.
 */
static uint64_t cas_on(struct translations *translations, enum track track, uint16_t vbucket,
                       uint64_t recorded)
{
    uint64_t cas;
    struct bound bound = {.kind = BOUND_CAS, .vbucket = vbucket, .value = recorded};
    if (find(translations, track, &bound, &cas)) {
        return cas;
    }
    return bindings_is_given(&translations->from_recorded[track], &bound) ? ~recorded : recorded;
}

static uint32_t collection_on(struct translations *translations, enum track track,
                              uint32_t collection)
{
    uint64_t to;
    struct bound bound = {.kind = BOUND_COLLECTION, .value = collection};
    return find(translations, track, &bound, &to) ? (uint32_t)to : collection;
}

uint16_t translate_xattr_paths(const struct mcbp_frame *request)
{
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(request->header.opcode);
    struct mcbp_subdoc_extras extras;
    struct mcbp_subdoc_spec spec;
    struct span value = request->value;
    unsigned paths = 0;
    if (!mcbp_subdoc_extras_read(shape, request->extras, &extras)) {
        return 0;
    }
    if (shape == MCBP_SUBDOC_SINGLE) {
        return (extras.path_flags & MCBP_SUBDOC_PATH_XATTR) != 0;
    }
    for (unsigned i = 0; i < PATHS_MAX && mcbp_subdoc_spec_next(shape, &value, &spec); i++) {
        paths |= (unsigned)((spec.flags & MCBP_SUBDOC_PATH_XATTR) != 0) << i;
    }
    return (uint16_t)paths;
}

/* ------------------------------------------------------------------- the JSON of range scans */

/* Where the member's value lies, without its quotation marks. */
static bool find_member(struct span text, const char *path, struct span *value)
{
    struct subdoc_result result;
    struct subdoc_operation operation = {.opcode = MCBP_SUBDOC_GET,
                                         .path = span_of(path, strlen(path))};
    if (subdoc_lookup(&operation, text, &result) != MCBP_STATUS_SUCCESS) {
        return false;
    }
    *value = result.value;
    if (value->size >= 2 && value->data[0] == '"') {
        *value = span_of(value->data + 1, value->size - 2);
    }
    return value->size > 0 && value->size < NUMBER_SIZE;
}

/* Puts what stands for the member's number in its place. False: no memory. */
static bool put_member(struct buffer *text, const char *path, int base, struct bound bound,
                       struct translations *translations, enum track track)
{
    struct span value;
    struct buffer changed = {0};
    char number[NUMBER_SIZE] = {0};
    uint64_t to;
    if (!find_member(buffer_span(text), path, &value)) {
        return true;
    }
    memcpy(number, value.data, value.size);
    bound.value = strtoull(number, NULL, base);
    if (!find(translations, track, &bound, &to) || to == bound.value) {
        return true;
    }
    snprintf(number, sizeof(number), base == 16 ? "%" PRIx64 : "%" PRIu64, to);
    struct span whole = buffer_span(text);
    size_t begin = (size_t)(value.data - whole.data);
    bool done = buffer_append(&changed, span_head(whole, begin)) &&
                buffer_append(&changed, span_of(number, strlen(number))) &&
                buffer_append(&changed, span_skip(whole, begin + value.size));
    buffer_deinit(text);
    *text = changed;
    return done;
}

static bool translate_scan(struct buffer *text, const struct mcbp_frame *frame,
                           struct translations *translations, enum track track)
{
    uint16_t vbucket = frame->header.vbucket_or_status;
    struct bound collection = {.kind = BOUND_COLLECTION};
    struct bound uuid = {.kind = BOUND_VBUCKET_UUID, .vbucket = vbucket};
    struct bound seqno = {.kind = BOUND_SEQNO, .vbucket = vbucket};
    return buffer_append(text, frame->value) &&
           put_member(text, "collection", 16, collection, translations, track) &&
           put_member(text, "snapshot_requirements.vb_uuid", 10, uuid, translations, track) &&
           put_member(text, "snapshot_requirements.seqno", 10, seqno, translations, track);
}

/* --------------------------------------------------------------------------------- the whole */

/* Its key and value on that server, which may be of other sizes. */
struct tail {
    uint8_t collection[MCBP_LEB128_MAX];
    struct span prefix; /* of the key */
    struct span key;
    struct span value;
    struct buffer text; /* of the value, if it has changed */
};

/* False: no memory. */
static bool translate_tail(const struct session *session, enum track track,
                           const struct mcbp_frame *frame, struct tail *tail)
{
    struct translations *translations = &session->run->translations;
    struct mcbp_collection_key key;
    *tail = (struct tail){.key = frame->key, .value = frame->value};
    if (mcbp_feature_is_in(session->features, MCBP_FEATURE_COLLECTIONS) &&
        mcbp_opcode_has_collection(frame->header.opcode) &&
        mcbp_collection_key_read(frame->key, &key)) {
        uint32_t collection = collection_on(translations, track, key.collection);
        tail->prefix = span_of(tail->collection, mcbp_leb128_write(collection, tail->collection));
        tail->key = key.key;
    }
    if (frame->header.opcode == MCBP_RANGE_SCAN_CREATE && frame->value.size > 0) {
        bool done = translate_scan(&tail->text, frame, translations, track);
        tail->value = buffer_span(&tail->text);
        return done;
    }
    return true;
}

/* What lies in extras, and in the value of OBSERVE_SEQNO. */
static void translate_fields(struct translations *translations, enum track track,
                             const struct mcbp_frame *frame, uint8_t *bytes)
{
    uint16_t vbucket = frame->header.vbucket_or_status;
    uint8_t *extras = bytes + (frame->extras.data - frame->bytes.data);
    if (with_meta_is(frame->header.opcode) && frame->extras.size >= META_SIZE) {
        put_known(translations, track, BOUND_CAS, vbucket, extras + META_CAS);
    }
    switch (frame->header.opcode) {
    case MCBP_RANGE_SCAN_CONTINUE:
    case MCBP_RANGE_SCAN_CANCEL:
        if (frame->extras.size >= SCAN_SIZE) {
            put_known(translations, track, BOUND_SCAN, 0, extras);
            put_known(translations, track, BOUND_SCAN, 0, extras + SCAN_SIZE / 2);
        }
        break;
    case MCBP_OBSERVE_SEQNO:
        if (frame->value.size == sizeof(uint64_t)) {
            put_known(translations, track, BOUND_VBUCKET_UUID, vbucket,
                      bytes + (frame->value.data - frame->bytes.data));
        }
        break;
    case MCBP_GET_RANDOM_KEY:
        if (frame->extras.size >= sizeof(uint32_t)) {
            write_be32(extras, collection_on(translations, track, read_be32(extras)));
        }
        break;
    default:
        break;
    }
}

/* A part of the frame goes to `out`; returns what is behind it there. */
static uint8_t *put(uint8_t *out, struct span part)
{
    if (part.size > 0) {
        memcpy(out, part.data, part.size);
    }
    return out + part.size;
}

static uint8_t *add_whole(struct session *session, enum track track, const struct mcbp_frame *frame,
                          const struct tail *tail)
{
    size_t head = (size_t)(frame->key.data - frame->bytes.data);
    size_t key = tail->prefix.size + tail->key.size;
    size_t size = head + key + tail->value.size;
    uint8_t *bytes = peer_add(&session->sides[track].peer, size);
    if (bytes == NULL) {
        return NULL;
    }
    put(put(put(put(bytes, span_head(frame->bytes, head)), tail->prefix), tail->key), tail->value);
    if (mcbp_magic_is_flex(frame->header.magic)) {
        bytes[3] = (uint8_t)key;
    } else {
        write_be16(bytes + 2, (uint16_t)key);
    }
    write_be32(bytes + 8, (uint32_t)(size - MCBP_HEADER_SIZE));
    return bytes;
}

uint8_t *translate_request(struct session *session, enum track track,
                           const struct dissect_frame *request)
{
    struct translations *translations = &session->run->translations;
    const struct mcbp_frame *frame = &request->frame;
    struct tail tail;
    if (request->bad_lengths) {
        uint8_t *bytes = peer_add(&session->sides[track].peer, frame->bytes.size);
        if (bytes != NULL) {
            put(bytes, frame->bytes);
        }
        return bytes;
    }
    uint8_t *bytes = translate_tail(session, track, frame, &tail)
                         ? add_whole(session, track, frame, &tail)
                         : NULL;
    buffer_deinit(&tail.text);
    if (bytes == NULL) {
        return NULL;
    }
    int expiry = expiry_offset(frame);
    if (expiry != MCBP_NO_EXPIRY) {
        uint8_t *place = bytes + (frame->extras.data - frame->bytes.data) + expiry;
        write_be32(place, expiry_now(read_be32(place), request->origin.time));
    }
    translate_fields(translations, track, frame, bytes);
    if (frame->header.cas != 0) {
        write_be64(bytes + OFFSET_CAS,
                   cas_on(translations, track, frame->header.vbucket_or_status, frame->header.cas));
    }
    return bytes;
}
