#include "base/endian.h"
#include "mcbp/leb128.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "report/describe.h"
#include "report/describe_parts.h"

#include <stdlib.h>

enum {
    META_SIZE = 25, /* of a document: flags, expiry, seqno, CAS, datatype */
    DOCUMENTS = 1,  /* in the extras of an answer; keys otherwise */
    REQUEST_MAX = 64 * 1024,
};

/* ------------------------------------------------------------------------------------- request */

static int base64_digit(char digit)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = digit == '\0' ? NULL : strchr(digits, digit);
    return found == NULL ? -1 : (int)(found - digits);
}

/* A key in base64, as bytes; up to what is no digit of it. */
static void describe_scan_key(struct fields *fields, const char *name, const json_t *key)
{
    const char *text = json_string_value(key);
    uint8_t *bytes = text == NULL ? NULL : malloc(json_string_length(key) + 1);
    size_t size = 0;
    unsigned bits = 0;
    unsigned held = 0;
    if (bytes == NULL) {
        return;
    }
    for (; base64_digit(*text) >= 0; text++) {
        held = (held << 6 | (unsigned)base64_digit(*text)) & 0xfff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[size++] = (uint8_t)(held >> bits);
        }
    }
    fields_bytes(fields, name, span_of(bytes, size));
    free(bytes);
}

static void describe_scan_range(struct fields *fields, const json_t *range)
{
    static const char *const ends[] = {"start", "excl_start", "end", "excl_end"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        describe_scan_key(fields, ends[i], json_object_get(range, ends[i]));
    }
}

static void describe_scan_number(struct fields *fields, const char *name, const json_t *object,
                                 const char *member)
{
    const json_t *number = json_object_get(object, member);
    if (json_is_integer(number)) {
        fields_large(fields, name, (uint64_t)json_integer_value(number));
    }
}

static void describe_scan_text(struct fields *fields, const char *name, const json_t *object,
                               const char *member)
{
    const json_t *text = json_object_get(object, member);
    if (json_is_string(text)) {
        fields_bytes(fields, name, span_of(json_string_value(text), json_string_length(text)));
    }
}

static void describe_scan_create(struct fields *fields, struct span value)
{
    json_t *scan = value.size == 0 || value.size > REQUEST_MAX
                       ? NULL
                       : json_loadb((const char *)value.data, value.size, JSON_ALLOW_NUL, NULL);
    const json_t *sampling = json_object_get(scan, "sampling");
    const json_t *snapshot = json_object_get(scan, "snapshot_requirements");
    describe_scan_text(fields, "of_collection", scan, "collection");
    describe_scan_range(fields, json_object_get(scan, "range"));
    describe_scan_number(fields, "samples", sampling, "samples");
    describe_scan_number(fields, "seed", sampling, "seed");
    if (json_is_true(json_object_get(scan, "key_only"))) {
        fields_is(fields, "key_only");
    }
    describe_scan_text(fields, "vbucket_uuid", snapshot, "vb_uuid");
    describe_scan_number(fields, "seqno", snapshot, "seqno");
    describe_scan_number(fields, "timeout_ms", snapshot, "timeout_ms");
    json_decref(scan);
}

/* -------------------------------------------------------------------------------------- answers */

static bool scan_take_sized(struct span *value, struct span *taken)
{
    struct span rest = *value;
    uint32_t size;
    if (mcbp_leb128_take(&rest, &size) != MCBP_LEB128_OK || size > rest.size) {
        return false;
    }
    *taken = span_head(rest, size);
    *value = span_skip(rest, size);
    return true;
}

static bool describe_scan_document(struct fields *fields, struct span *rest)
{
    struct span key;
    struct span value;
    if (rest->size < META_SIZE) {
        return false;
    }
    const uint8_t *meta = rest->data;
    struct span behind = span_skip(*rest, META_SIZE);
    if (!scan_take_sized(&behind, &key) || !scan_take_sized(&behind, &value)) {
        return false;
    }
    fields_item(fields);
    fields_bytes(fields, "key", key);
    fields_hex(fields, "flags", read_be32(meta));
    fields_number(fields, "expiry", read_be32(meta + 4));
    fields_large(fields, "seqno", read_be64(meta + 8));
    fields_large(fields, "cas", read_be64(meta + 16));
    describe_datatype(fields, "datatype", meta[24]);
    fields_begins(fields, "value", value);
    *rest = behind;
    return true;
}

static bool describe_scan_item(struct fields *fields, struct span *rest)
{
    struct span key;
    if (!scan_take_sized(rest, &key)) {
        return false;
    }
    fields_item(fields);
    fields_bytes(fields, "key", key);
    return true;
}

static void describe_scan_items(struct fields *fields, const struct mcbp_frame *frame)
{
    struct span rest = frame->value;
    bool documents = read_be32(frame->extras.data) == DOCUMENTS;
    fields_list(fields, "items");
    for (unsigned i = 0; i < DESCRIBE_LIST_MAX; i++) {
        if (documents ? !describe_scan_document(fields, &rest)
                      : !describe_scan_item(fields, &rest)) {
            break;
        }
    }
    fields_end(fields);
    if (rest.size > 0) {
        fields_begins(fields, "rest", rest);
    }
}

bool describe_scan(struct fields *fields, const struct mcbp_frame *frame)
{
    bool answer = mcbp_magic_is_response(frame->header.magic);
    uint16_t status = frame->header.vbucket_or_status;
    if (frame->header.opcode == MCBP_RANGE_SCAN_CREATE) {
        if (!answer) {
            describe_scan_create(fields, frame->value);
        } else if (status == MCBP_STATUS_SUCCESS && frame->value.size == DESCRIBE_UUID_SIZE) {
            describe_uuid(fields, "scan", frame->value.data);
        }
        return !answer || status == MCBP_STATUS_SUCCESS;
    }
    if (frame->header.opcode == MCBP_RANGE_SCAN_CONTINUE && answer && frame->extras.size == 4) {
        describe_scan_items(fields, frame);
        return true;
    }
    return false;
}
