#include "base/endian.h"
#include "mcbp/feature.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/describe.h"
#include "report/describe_parts.h"
#include "report/snappy.h"

#include <stdlib.h>

enum { ERROR_MAX = 64 * 1024 /* bytes of a body that is parsed for its text */ };

static void describe_left(struct fields *fields, size_t left)
{
    if (left > 0) {
        fields_number(fields, "items_left", left);
    }
}

/* A list of records of one size. */
static void describe_records(struct fields *fields, const char *name, struct span value,
                             size_t size, void (*one)(struct fields *, const uint8_t *))
{
    fields_list(fields, name);
    for (unsigned i = 0; i < DESCRIBE_LIST_MAX && value.size >= size; i++) {
        fields_item(fields);
        one(fields, value.data);
        value = span_skip(value, size);
    }
    fields_end(fields);
    describe_left(fields, value.size / size);
}

static void describe_features(struct fields *fields, const struct mcbp_frame *frame)
{
    struct span value = frame->value;
    char text[MCBP_FEATURE_TEXT_SIZE];
    uint16_t feature;
    fields_list(fields, "features");
    for (unsigned i = 0; i < DESCRIBE_LIST_MAX && mcbp_feature_next(&value, &feature); i++) {
        fields_entry(fields, mcbp_feature_text(feature, text));
    }
    fields_end(fields);
    describe_left(fields, value.size / sizeof(feature));
}

/* ------------------------------------------------------------------------------------- numbers */

static void describe_count(struct fields *fields, const struct mcbp_frame *frame)
{
    if (frame->value.size == 8) {
        fields_large(fields, "count", read_be64(frame->value.data));
    }
}

static void describe_map_version(struct fields *fields, const struct mcbp_frame *frame)
{
    if (frame->value.size == 2) {
        fields_number(fields, "version", read_be16(frame->value.data));
    }
}

static void describe_vbucket_uuid(struct fields *fields, const struct mcbp_frame *frame)
{
    if (frame->value.size == 8) {
        fields_large_hex(fields, "vbucket_uuid", read_be64(frame->value.data));
    }
}

static void describe_log_entry(struct fields *fields, const uint8_t *data)
{
    fields_large_hex(fields, "vbucket_uuid", read_be64(data));
    fields_large(fields, "seqno", read_be64(data + 8));
}

static void describe_failover_log(struct fields *fields, const struct mcbp_frame *frame)
{
    if (frame->header.vbucket_or_status == MCBP_STATUS_SUCCESS) {
        describe_records(fields, "failover_log", frame->value, 16, describe_log_entry);
    } else if (frame->header.vbucket_or_status == MCBP_STATUS_ROLLBACK && frame->value.size == 8) {
        fields_large(fields, "rollback_seqno", read_be64(frame->value.data));
    }
}

static void describe_vbucket_seqno(struct fields *fields, const uint8_t *data)
{
    fields_number(fields, "vbucket", read_be16(data));
    fields_large(fields, "seqno", read_be64(data + 2));
}

static void describe_vbucket_seqnos(struct fields *fields, const struct mcbp_frame *frame)
{
    if (frame->header.vbucket_or_status == MCBP_STATUS_SUCCESS) {
        describe_records(fields, "vbuckets", frame->value, 10, describe_vbucket_seqno);
    }
}

/* Names of numbers of 64 bits, one behind the other, as far as the bytes reach. */
static void describe_seqnos(struct fields *fields, struct span bytes, const char *const *names)
{
    for (; *names != NULL && bytes.size >= 8; names++, bytes = span_skip(bytes, 8)) {
        fields_large(fields, *names, read_be64(bytes.data));
    }
}

/* ------------------------------------------------------------------------------------- observe */

enum { OBSERVE_SEQNO_SIZE = 27, OBSERVE_FAILOVER_SIZE = 43 };

static void describe_observed_seqno(struct fields *fields, const struct mcbp_frame *frame)
{
    static const char *const seqnos[] = {"persisted_seqno", "current_seqno", NULL};
    const uint8_t *data = frame->value.data;
    if (frame->value.size != OBSERVE_SEQNO_SIZE && frame->value.size != OBSERVE_FAILOVER_SIZE) {
        return;
    }
    fields_number(fields, "failed_over", data[0]);
    fields_number(fields, "of_vbucket", read_be16(data + 1));
    fields_large_hex(fields, "vbucket_uuid", read_be64(data + 3));
    describe_seqnos(fields, span_of(data + 11, 16), seqnos);
    if (frame->value.size == OBSERVE_FAILOVER_SIZE) {
        fields_large_hex(fields, "old_vbucket_uuid", read_be64(data + 27));
        fields_large(fields, "last_received_seqno", read_be64(data + 35));
    }
}

static const struct describe_bit key_states[] = {
    {0x00, "FOUND"}, {0x01, "PERSISTED"}, {0x80, "NOT_FOUND"}, {0x81, "DELETED"}, {0, NULL}};

static void describe_key_state(struct fields *fields, const uint8_t *data)
{
    const char *name = describe_name(data[0], key_states);
    if (name != NULL) {
        fields_word(fields, "state", name);
    } else {
        fields_number(fields, "state", data[0]);
    }
    fields_large(fields, "cas", read_be64(data + 1));
}

static void describe_observed_key(struct fields *fields, struct span key, bool collections)
{
    struct mcbp_collection_key split = {.key = key};
    if (collections && mcbp_collection_key_read(key, &split)) {
        fields_hex(fields, "collection", split.collection);
    }
    fields_bytes(fields, "key", split.key);
}

/* `behind` the key: nothing in a request, state and CAS in the answer. */
static void describe_observed(struct fields *fields, struct span value, size_t behind,
                              bool collections)
{
    fields_list(fields, "keys");
    for (unsigned i = 0; i < DESCRIBE_LIST_MAX && value.size >= 4; i++) {
        uint16_t vbucket = read_be16(value.data);
        size_t size = read_be16(value.data + 2);
        if (value.size - 4 < size + behind) {
            break;
        }
        fields_item(fields);
        fields_number(fields, "vbucket", vbucket);
        describe_observed_key(fields, span_of(value.data + 4, size), collections);
        if (behind > 0) {
            describe_key_state(fields, value.data + 4 + size);
        }
        value = span_skip(value, 4 + size + behind);
    }
    fields_end(fields);
}

static void describe_observe(struct fields *fields, const struct mcbp_frame *frame,
                             bool collections)
{
    if (!mcbp_magic_is_response(frame->header.magic)) {
        describe_observed(fields, frame->value, 0, collections);
    } else if (frame->header.vbucket_or_status == MCBP_STATUS_SUCCESS) {
        fields_number(fields, "persist_ms", (uint32_t)(frame->header.cas >> 32));
        fields_number(fields, "replicate_ms", (uint32_t)frame->header.cas);
        describe_observed(fields, frame->value, 9, collections);
    }
}

/* ------------------------------------------------------------------------------- buckets, streams
 */

static void describe_bucket(struct fields *fields, const struct mcbp_frame *frame)
{
    struct span value = frame->value;
    const uint8_t *end = value.size == 0 ? NULL : memchr(value.data, 0, value.size);
    if (end != NULL) {
        size_t size = (size_t)(end - value.data);
        fields_bytes(fields, "module", span_head(value, size));
        fields_bytes(fields, "config", span_skip(value, size + 1));
    }
}

/* How long the metadata is stands in the extras; it ends the value. */
static void describe_meta(struct fields *fields, const struct mcbp_frame *frame)
{
    size_t size = frame->extras.size == 4 ? read_be32(frame->extras.data) : 0;
    if (size > 0 && size <= frame->value.size) {
        fields_bytes(fields, "meta", span_skip(frame->value, frame->value.size - size));
    }
}

/* Version 2 of the marker has in the value what version 1 has in the extras, and more. */
static void describe_marker(struct fields *fields, const struct mcbp_frame *frame)
{
    static const char *const before[] = {"start_seqno", "end_seqno", NULL};
    static const char *const behind[] = {"max_visible_seqno", "high_completed_seqno", "purge_seqno",
                                         "high_prepared_seqno", NULL};
    if (frame->extras.size == 1 && frame->value.size >= 20) {
        describe_seqnos(fields, span_head(frame->value, 16), before);
        describe_snapshot(fields, read_be32(frame->value.data + 16));
        describe_seqnos(fields, span_skip(frame->value, 20), behind);
    }
}

/* Binary in the versions 0 and 1 of the event, whose sizes tell which ids it has. */
static void describe_event(struct fields *fields, const struct mcbp_frame *frame)
{
    const uint8_t *data = frame->value.data;
    size_t size = frame->value.size;
    if (size != 12 && size != 16 && size != 20) {
        return;
    }
    fields_large_hex(fields, "manifest", read_be64(data));
    fields_hex(fields, "scope", read_be32(data + 8));
    if (size >= 16) {
        fields_hex(fields, "of_collection", read_be32(data + 12));
    }
    if (size == 20) {
        fields_number(fields, "max_ttl", read_be32(data + 16));
    }
}

/* ----------------------------------------------------------------------------------- whose value
 */

static const struct value_form {
    uint8_t opcode; /* the loud one */
    bool answer;
    void (*describe)(struct fields *fields, const struct mcbp_frame *frame);
} value_forms[] = {
    {MCBP_HELLO, false, describe_features},
    {MCBP_HELLO, true, describe_features},
    {MCBP_INCREMENT, true, describe_count},
    {MCBP_DECREMENT, true, describe_count},
    {MCBP_GET_ERROR_MAP, false, describe_map_version},
    {MCBP_OBSERVE_SEQNO, false, describe_vbucket_uuid},
    {MCBP_OBSERVE_SEQNO, true, describe_observed_seqno},
    {MCBP_GET_FAILOVER_LOG, true, describe_failover_log},
    {MCBP_DCP_GET_FAILOVER_LOG, true, describe_failover_log},
    {MCBP_DCP_STREAM_REQ, true, describe_failover_log},
    {MCBP_GET_ALL_VB_SEQNOS, true, describe_vbucket_seqnos},
    {MCBP_CREATE_BUCKET, false, describe_bucket},
    {MCBP_MUTATE_WITH_META, false, describe_meta},
    {MCBP_DCP_SNAPSHOT_MARKER, false, describe_marker},
    {MCBP_DCP_SYSTEM_EVENT, false, describe_event},
};

static void describe_form(struct fields *fields, const struct mcbp_frame *frame)
{
    uint8_t loud = mcbp_opcode_loud(frame->header.opcode);
    bool answer = mcbp_magic_is_response(frame->header.magic);
    for (size_t i = 0; i < sizeof(value_forms) / sizeof(value_forms[0]); i++) {
        if (value_forms[i].opcode == loud && value_forms[i].answer == answer) {
            value_forms[i].describe(fields, frame);
        }
    }
}

/* ------------------------------------------------------------------------------- xattrs, errors */

static void describe_pair(struct fields *fields, struct span pair)
{
    const uint8_t *end = pair.size == 0 ? NULL : memchr(pair.data, 0, pair.size);
    size_t size = end == NULL ? pair.size : (size_t)(end - pair.data);
    struct span value = span_skip(pair, end == NULL ? size : size + 1);
    fields_item(fields);
    fields_bytes(fields, "key", span_head(pair, size));
    if (value.size > 0 && value.data[value.size - 1] == '\0') {
        value.size--;
    }
    fields_begins(fields, "value", value);
}

/* The size of all pairs, the pairs, each with its size, and behind them the document's body. */
static void describe_xattrs(struct fields *fields, struct span value)
{
    if (value.size < 4 || read_be32(value.data) > value.size - 4) {
        return;
    }
    struct span pairs = span_head(span_skip(value, 4), read_be32(value.data));
    struct span body = span_skip(value, 4 + pairs.size);
    fields_list(fields, "xattrs");
    for (unsigned i = 0; i < DESCRIBE_LIST_MAX && pairs.size >= 4; i++) {
        size_t size = read_be32(pairs.data);
        if (size > pairs.size - 4) {
            break;
        }
        describe_pair(fields, span_head(span_skip(pairs, 4), size));
        pairs = span_skip(pairs, 4 + size);
    }
    fields_end(fields);
    fields_begins(fields, "document", body);
}

static void describe_text(struct fields *fields, const char *name, const json_t *string)
{
    if (json_is_string(string)) {
        fields_bytes(fields, name, span_of(json_string_value(string), json_string_length(string)));
    }
}

static void describe_error(struct fields *fields, struct span value)
{
    if (value.size == 0 || value.size > ERROR_MAX || value.data[0] != '{') {
        return;
    }
    json_t *body = json_loadb((const char *)value.data, value.size, JSON_ALLOW_NUL, NULL);
    const json_t *error = json_object_get(body, "error");
    describe_text(fields, "error_context", json_object_get(error, "context"));
    describe_text(fields, "error_ref", json_object_get(error, "ref"));
    describe_text(fields, "manifest_uid", json_object_get(body, "manifest_uid"));
    json_decref(body);
}

static void describe_plain_value(struct fields *fields, const struct mcbp_frame *frame,
                                 mcbp_feature_set features)
{
    const struct mcbp_header *header = &frame->header;
    bool answer = mcbp_magic_is_response(header->magic);
    if (describe_subdoc(fields, frame) || describe_scan(fields, frame)) {
        return;
    }
    if (answer && header->vbucket_or_status != MCBP_STATUS_SUCCESS) {
        describe_error(fields, frame->value);
    }
    if (header->opcode == MCBP_OBSERVE) {
        describe_observe(fields, frame, mcbp_feature_is_in(features, MCBP_FEATURE_COLLECTIONS));
    }
    describe_form(fields, frame);
    if ((header->datatype & MCBP_DATATYPE_XATTR) != 0) {
        describe_xattrs(fields, frame->value);
    }
}

void describe_value(struct fields *fields, const struct mcbp_frame *frame,
                    mcbp_feature_set features)
{
    struct mcbp_frame plain = *frame;
    uint8_t *inflated = NULL;
    if (frame->header.magic == MCBP_SERVER_REQUEST || frame->header.magic == MCBP_SERVER_RESPONSE) {
        return;
    }
    if ((frame->header.datatype & MCBP_DATATYPE_SNAPPY) != 0) {
        inflated = report_inflate(frame->value, &plain.value.size);
        if (inflated == NULL) {
            fields_is(fields, "not_inflatable");
            return;
        }
        plain.value.data = inflated;
        fields_begins(fields, "inflated", plain.value);
    }
    describe_plain_value(fields, &plain, features);
    free(inflated);
}
