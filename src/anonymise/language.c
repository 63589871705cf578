#include "anonymise/language.h"

#include "anonymise/text.h"
#include "base/endian.h"
#include "mcbp/collection.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"

/* Signs that memcached and its clients do not give. */
static bool is_couchbases(const struct mcbp_header *header)
{
    enum { FIRST_OPCODE = 0x80 };
    bool request = !mcbp_magic_is_response(header->magic);
    return mcbp_magic_is_flex(header->magic) || header->magic == MCBP_SERVER_REQUEST ||
           header->magic == MCBP_SERVER_RESPONSE || header->opcode >= FIRST_OPCODE ||
           (request && (header->datatype != 0 || header->vbucket_or_status != 0));
}

void language_note(struct language *self, const struct dissect_conversation *conversation,
                   const struct dissect_frame *frame)
{
    const struct mcbp_header *header = &frame->frame.header;
    if (frame->bad_lengths) {
        return;
    }
    if (header->opcode == MCBP_HELLO && frame->role == FROM_SERVER &&
        mcbp_magic_is_response(header->magic) && header->vbucket_or_status == MCBP_STATUS_SUCCESS) {
        self->couchbase = self->hello = true;
        self->granted = mcbp_feature_set_of(frame->frame.value);
    } else if (!conversation->from_start && conversation->protocol == NET_TCP) {
        self->couchbase |= is_couchbases(header);
    }
}

bool language_has_any_order(const struct language *self)
{
    return self->couchbase &&
           (!self->hello || mcbp_feature_is_in(self->granted, MCBP_FEATURE_UNORDERED_EXECUTION));
}

size_t language_prefix_size(const struct language *self, uint8_t opcode, struct span key)
{
    struct mcbp_collection_key parts;
    bool prefixed = self->hello ? mcbp_feature_is_in(self->granted, MCBP_FEATURE_COLLECTIONS)
                                : self->couchbase && mcbp_collection_is_evident(key);
    bool documents = mcbp_opcode_has_collection(opcode) || opcode == MCBP_GET_RANDOM_KEY;
    return prefixed && documents && mcbp_collection_key_read(key, &parts)
               ? key.size - parts.key.size
               : 0;
}

/* --------------------------------------------------------------------------------- documents */

/* A length in LEB128 and so many bytes, at the place `at`. */
static bool take_counted(struct span value, size_t *at, struct span *taken)
{
    struct span rest = span_skip(value, *at);
    uint32_t size;
    if (mcbp_leb128_take(&rest, &size) != MCBP_LEB128_OK || rest.size < size) {
        return false;
    }
    *taken = span_head(rest, size);
    *at = (size_t)(rest.data - value.data) + size;
    return true;
}

/* An item of a scan: with `whole`, flags, expiry, sequence number, CAS and datatype come first. */
static bool next_scanned(struct span value, bool whole, size_t *at,
                         struct language_document *document)
{
    enum { META = 25 };
    struct span body = {0};
    size_t next = *at;
    *document = (struct language_document){0};
    if (whole) {
        if (value.size - next < META) {
            return false;
        }
        document->datatype = value.data[next + META - 1];
        next += META;
    }
    if (next >= value.size || !take_counted(value, &next, &document->key) ||
        (whole && !take_counted(value, &next, &body))) {
        return false;
    }
    document->at = whole ? next - body.size : next;
    document->size = body.size;
    *at = next;
    return true;
}

static bool is_document_request(const struct dissect_frame *frame)
{
    uint8_t opcode = mcbp_opcode_loud(frame->frame.header.opcode);
    enum mcbp_family family = mcbp_opcode_family(opcode);
    return family == MCBP_FAMILY_STORE || family == MCBP_FAMILY_CONCATENATE ||
           opcode == MCBP_SET_WITH_META || opcode == MCBP_ADD_WITH_META ||
           opcode == MCBP_DELETE_WITH_META || opcode == MCBP_RETURN_META ||
           opcode == MCBP_DCP_MUTATION || opcode == MCBP_DCP_PREPARE ||
           opcode == MCBP_DCP_DELETION || opcode == MCBP_DCP_EXPIRATION;
}

static bool is_document_answer(const struct dissect_frame *frame)
{
    uint8_t opcode = frame->frame.header.opcode;
    bool retrieves =
        mcbp_opcode_retrieves(opcode) && opcode != MCBP_IOCTL_GET && opcode != MCBP_IOCTL_SET;
    return frame->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS &&
           (retrieves || opcode == MCBP_GET_LOCKED || opcode == MCBP_GET_REPLICA ||
            opcode == MCBP_GET_EX || opcode == MCBP_GET_EX_REPLICA ||
            opcode == MCBP_GET_RANDOM_KEY);
}

/* Whether it is an answer with some of a scan's items; *whole: they are documents, not only keys.
 */
static bool is_scanned(const struct mcbp_frame *frame, bool *whole)
{
    uint16_t status = frame->header.vbucket_or_status;
    *whole = frame->extras.size == 4 && read_be32(frame->extras.data) == 1;
    return frame->header.opcode == MCBP_RANGE_SCAN_CONTINUE && frame->extras.size == 4 &&
           (status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_RANGE_SCAN_MORE ||
            status == MCBP_STATUS_RANGE_SCAN_COMPLETE);
}

bool language_next_document(const struct dissect_frame *frame, size_t *at,
                            struct language_document *document)
{
    const struct mcbp_frame *fields = &frame->frame;
    uint8_t magic = fields->header.magic;
    bool whole;
    bool answer = mcbp_magic_is_response(magic);
    if (magic == MCBP_SERVER_REQUEST || magic == MCBP_SERVER_RESPONSE ||
        *at >= fields->value.size) {
        return false;
    }
    if (answer && is_scanned(fields, &whole)) {
        return next_scanned(fields->value, whole, at, document);
    }
    if (!(answer ? is_document_answer(frame) : is_document_request(frame)) || *at > 0) {
        return false;
    }
    *document =
        (struct language_document){.datatype = fields->header.datatype, .size = fields->value.size};
    *at = fields->value.size;
    return true;
}

size_t language_attributes_size(struct span text)
{
    enum { LENGTH = LANGUAGE_ATTRIBUTE_LENGTH };
    if (text.size < LENGTH || read_be32(text.data) > text.size - LENGTH) {
        return 0;
    }
    size_t end = LENGTH + read_be32(text.data);
    for (size_t at = LENGTH; at < end;) {
        if (end - at < LENGTH || read_be32(text.data + at) > end - at - LENGTH) {
            return 0;
        }
        struct span pair = span_of(text.data + at + LENGTH, read_be32(text.data + at));
        const uint8_t *name_end = pair.size == 0 ? NULL : memchr(pair.data, 0, pair.size);
        if (name_end == NULL || pair.data[pair.size - 1] != 0 ||
            name_end == pair.data + pair.size - 1 ||
            !text_is_utf8(span_of(pair.data, (size_t)(name_end - pair.data)))) {
            return 0;
        }
        at += LENGTH + pair.size;
    }
    return end;
}

/* ----------------------------------------------------------------------------------- subdocuments
 */

static bool is_component(struct span path, const char *name)
{
    size_t size = strlen(name);
    return path.size >= size && memcmp(path.data, name, size) == 0 &&
           (path.size == size || path.data[size] == '.' || path.data[size] == '[');
}

bool language_is_virtual(uint8_t path_flags, struct span path)
{
    return (path_flags & MCBP_SUBDOC_PATH_XATTR) != 0 &&
           (is_component(path, "$document") || is_component(path, "$vbucket") ||
            is_component(path, "$XTOC"));
}

static enum language_result result_of(const struct mcbp_subdoc_spec *spec)
{
    if (language_is_virtual(spec->flags, spec->path)) {
        return is_component(spec->path, "$XTOC") ? LANGUAGE_NAMES : LANGUAGE_FACT;
    }
    return spec->opcode == MCBP_GET                ? LANGUAGE_WHOLE
           : spec->opcode == MCBP_SUBDOC_GET_COUNT ? LANGUAGE_FACT
                                                   : LANGUAGE_DATA;
}

static void note_spec(struct language_specs *specs, unsigned number,
                      const struct mcbp_subdoc_spec *spec)
{
    static const char checksum[] = "value_crc32c";
    if (number < LANGUAGE_SPECS) {
        specs->results |= (uint32_t)result_of(spec) << LANGUAGE_RESULT_BITS * number;
    }
    bool macros = (spec->flags & MCBP_SUBDOC_PATH_EXPAND_MACROS) != 0;
    specs->counts |= spec->opcode == MCBP_SUBDOC_COUNTER;
    specs->expands_macros |= macros;
    specs->checksums |=
        language_is_virtual(spec->flags, spec->path) ||
        (macros && spec->value.size > 0 &&
         memmem(spec->value.data, spec->value.size, checksum, strlen(checksum)) != NULL);
}

struct language_specs language_specs_of(const struct dissect_frame *frame)
{
    const struct mcbp_frame *fields = &frame->frame;
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(fields->header.opcode);
    struct language_specs specs = {0};
    struct mcbp_subdoc_extras extras;
    struct mcbp_subdoc_spec spec;
    struct span rest = fields->value;
    if (shape == MCBP_SUBDOC_SINGLE) {
        if (mcbp_subdoc_extras_read(shape, fields->extras, &extras) &&
            mcbp_subdoc_single(fields->header.opcode, &extras, rest, &spec)) {
            note_spec(&specs, 0, &spec);
        }
        return specs;
    }
    for (unsigned i = 0; shape != MCBP_SUBDOC_NONE && mcbp_subdoc_spec_next(shape, &rest, &spec);
         i++) {
        note_spec(&specs, i, &spec);
    }
    return specs;
}
