#include "couchbase/xattr.h"

#include <byteswap.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Castagnoli's polynomial, reflected (RFC 3720, appendix B.4). */
static uint32_t crc32c(struct span bytes)
{
    const uint32_t polynomial = 0x82f63b78;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (polynomial & (0 - (crc & 1)));
        }
    }
    return ~crc;
}

static json_t *hexadecimal_text(uint64_t number, int digits)
{
    char text[24];
    snprintf(text, sizeof(text), "0x%0*" PRIx64, digits, number);
    return json_string(text);
}

static json_t *decimal_text(uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    return json_string(text);
}

static json_t *list_datatypes(const struct document *document)
{
    json_t *list = json_array();
    json_array_append_new(
        list, json_string((document->datatype & MCBP_DATATYPE_JSON) != 0 ? "json" : "raw"));
    if ((document->datatype & MCBP_DATATYPE_SNAPPY) != 0) {
        json_array_append_new(list, json_string("snappy"));
    }
    if (document->xattrs != NULL) {
        json_array_append_new(list, json_string("xattr"));
    }
    return list;
}

struct blob *xattr_virtual(const struct command *command, const struct document *document,
                           struct span value)
{
    json_t *members = json_pack(
        "{s:o, s:o, s:b, s:I, s:I, s:o, s:o, s:o, s:I, s:o, s:o}", "CAS",
        hexadecimal_text(document->cas, 16), "datatype", list_datatypes(document), "deleted",
        (int)document->deleted, "exptime", (json_int_t)document->expiry, "flags",
        (json_int_t)document->flags, "last_modified", decimal_text(document->cas / 1000000000),
        "revid", decimal_text(document->revision), "seqno", hexadecimal_text(document->seqno, 16),
        "value_bytes", (json_int_t)value.size, "value_crc32c", hexadecimal_text(crc32c(value), 8),
        "vbucket_uuid", hexadecimal_text(command->vbucket->uuid, 16));
    json_t *all = json_pack("{s:o}", "$document", members);
    char *text = all == NULL ? NULL : json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    struct blob *blob = text == NULL ? NULL : blob_copy(span_of(text, strlen(text)));
    free(text);
    json_decref(all);
    return blob;
}

static bool is_text(struct span span, const char *text)
{
    return span_equal(span, span_of(text, strlen(text)));
}

/* The CAS is written in the byte order of the machines that Couchbase runs on. Source:
 * docs/SubDocument.md, docs/ExtendedAttributes.md. */
size_t xattr_expand(struct span macro, const struct xattr_change *change,
                    char text[XATTR_MACRO_SIZE])
{
    int size = 0;
    if (is_text(macro, "\"${Mutation.CAS}\"")) {
        size = snprintf(text, XATTR_MACRO_SIZE, "\"0x%016" PRIx64 "\"", bswap_64(change->cas));
    } else if (is_text(macro, "\"${Mutation.seqno}\"")) {
        size = snprintf(text, XATTR_MACRO_SIZE, "\"0x%016" PRIx64 "\"", change->seqno);
    } else if (is_text(macro, "\"${Mutation.value_crc32c}\"")) {
        size = snprintf(text, XATTR_MACRO_SIZE, "\"0x%08" PRIx32 "\"", crc32c(change->value));
    }
    return (size_t)size;
}
