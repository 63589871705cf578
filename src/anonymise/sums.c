#include "anonymise/sums.h"

#include "anonymise/compressed.h"
#include "anonymise/json.h"
#include "anonymise/language.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/crc32.h"
#include "base/endian.h"
#include "mcbp/opcode.h"
#include "subdoc/execute.h"
#include "subdoc/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A document's text: as it was and as it becomes. */
enum side { BEFORE, AFTER, SIDES };

struct texts {
    struct span of[SIDES];
};

struct version {
    bool there;
    struct buffer of[SIDES];
};

struct sums_document {
    struct version now;
    struct version earlier;
    bool asked; /* `now` is what a request with that opaque makes of it if it succeeds */
    uint32_t opaque;
};

static void version_empty(struct sums *self, struct version *version)
{
    for (unsigned side = 0; side < SIDES; side++) {
        size_t size = buffer_span(&version->of[side]).size;
        buffer_take(&version->of[side], size);
        self->bytes -= size;
    }
    version->there = false;
}

void sums_deinit(struct sums *self)
{
    for (size_t i = 0; i < self->names.count; i++) {
        for (unsigned side = 0; side < SIDES; side++) {
            buffer_deinit(&self->documents[i].now.of[side]);
            buffer_deinit(&self->documents[i].earlier.of[side]);
        }
    }
    free(self->documents);
    names_deinit(&self->names);
    names_deinit(&self->becomes);
}

/* ---------------------------------------------------------------------------------- checksums */

static struct name sums_name(const struct sums *self, uint32_t checksum)
{
    uint8_t bytes[sizeof(checksum)];
    write_be32(bytes, checksum);
    return name_of(self->secret, SECRET_CHECKSUM, span_of(bytes, sizeof(bytes)));
}

static void sums_add(struct sums *self, const struct texts *texts)
{
    struct name name = sums_name(self, crc32c(texts->of[BEFORE]));
    self->no_memory |= !names_add(&self->becomes, &name, crc32c(texts->of[AFTER]));
}

/* As servers write it: "0x" and eight digits. */
enum { TEXT_SIZE = 10 };

static bool read_checksum(struct span text, uint32_t *checksum)
{
    char digits[TEXT_SIZE + 1];
    int end = 0;
    if (text.size != TEXT_SIZE || memcmp(text.data, "0x", 2) != 0) {
        return false;
    }
    memcpy(digits, text.data, TEXT_SIZE);
    digits[TEXT_SIZE] = '\0';
    return sscanf(digits + 2, "%8" SCNx32 "%n", checksum, &end) == 1 && end == TEXT_SIZE - 2;
}

struct renewal {
    const struct sums *sums;
    uint8_t *bytes;
};

static void renew_visit(void *context, enum json_piece piece, struct span member, size_t at,
                        size_t size)
{
    const struct renewal *renewal = context;
    char text[TEXT_SIZE + 1];
    uint32_t checksum;
    uint64_t becomes;
    (void)member;
    if (piece != JSON_STRING || !read_checksum(span_of(renewal->bytes + at, size), &checksum)) {
        return;
    }
    struct name name = sums_name(renewal->sums, checksum);
    if (names_find(&renewal->sums->becomes, &name, &becomes)) {
        snprintf(text, sizeof(text), "0x%08" PRIx32, (uint32_t)becomes);
        memcpy(renewal->bytes + at, text, TEXT_SIZE);
    }
}

void sums_renew(const struct sums *self, uint8_t *bytes, size_t size)
{
    struct renewal renewal = {self, bytes};
    const struct json_visitor visitor = {&renewal, renew_visit};
    if (self->becomes.count > 0) {
        json_walk(span_of(bytes, size), &visitor);
    }
}

/* ---------------------------------------------------------------------------------- documents */

/* NULL: it is not known which, or no memory. */
static struct sums_document *document_named(struct sums *self, const struct name *name)
{
    static const struct name none = {{0}};
    uint64_t number;
    if (memcmp(name, &none, sizeof(none)) == 0) {
        return NULL;
    }
    if (names_find(&self->names, name, &number)) {
        return &self->documents[number];
    }
    number = self->names.count;
    struct sums_document *grown =
        array_grow(self->documents, sizeof(*grown), self->names.count, &self->room);
    self->documents = grown != NULL ? grown : self->documents;
    if (grown == NULL || !names_add(&self->names, name, number)) {
        self->no_memory = true;
        return NULL;
    }
    self->documents[number] = (struct sums_document){.asked = false};
    return &self->documents[number];
}

/* What it was is kept, until there is another version. */
static struct version *begin_version(struct sums *self, struct sums_document *document,
                                     const struct dissect_frame *frame)
{
    struct version oldest = document->earlier;
    document->earlier = document->now;
    document->now = oldest;
    document->asked = !mcbp_magic_is_response(frame->frame.header.magic);
    document->opaque = frame->frame.header.opaque;
    version_empty(self, &document->now);
    return &document->now;
}

static void end_change(struct sums_document *document)
{
    struct version failed = document->now;
    document->now = document->earlier;
    document->earlier = failed;
    document->asked = false;
}

static bool version_append(struct sums *self, struct version *version, const struct texts *texts)
{
    for (unsigned side = 0; side < SIDES; side++) {
        struct span text = texts->of[side];
        if (text.size > SUMS_BYTES_MAX - self->bytes) {
            self->forgotten++;
            return false;
        }
        if (!buffer_append(&version->of[side], text)) {
            self->no_memory = true;
            return false;
        }
        self->bytes += text.size;
    }
    return true;
}

static struct texts texts_of(const struct version *version)
{
    return (struct texts){{buffer_span(&version->of[BEFORE]), buffer_span(&version->of[AFTER])}};
}

static void sum_version(struct sums *self, const struct version *version)
{
    const struct texts texts = texts_of(version);
    sums_add(self, &texts);
}

/* `head` and `tail`: what it consists of. */
static void write_version(struct sums *self, struct version *version, const struct texts *head,
                          const struct texts *tail)
{
    version->there = version_append(self, version, head) && version_append(self, version, tail);
    if (version->there) {
        sum_version(self, version);
    } else {
        version_empty(self, version);
    }
}

/* ------------------------------------------------------------------------------ whole values */

/* Of what a server computes the sum: inflated, without attributes. To be freed: *inflated. */
static struct span sums_body_of(struct sums *self, uint8_t datatype, struct span value,
                                uint8_t **inflated)
{
    *inflated = NULL;
    if ((datatype & MCBP_DATATYPE_SNAPPY) != 0) {
        size_t size = 0;
        *inflated = compressed_inflate(value, &size, &self->no_memory);
        value = span_of(*inflated, *inflated == NULL ? 0 : size);
    }
    bool attributes = (datatype & MCBP_DATATYPE_XATTR) != 0;
    return attributes ? span_skip(value, language_attributes_size(value)) : value;
}

static void note_text(struct sums *self, struct sums_document *document,
                      const struct dissect_frame *frame, const struct texts *text)
{
    const struct texts nothing = {{{0}}};
    uint8_t opcode = mcbp_opcode_loud(frame->frame.header.opcode);
    sums_add(self, text);
    if (document == NULL) {
        return;
    }
    struct version *next = begin_version(self, document, frame);
    if (!mcbp_opcode_concatenates(opcode)) {
        write_version(self, next, text, &nothing);
    } else if (document->earlier.there) {
        const struct texts last = texts_of(&document->earlier);
        bool behind = opcode == MCBP_APPEND;
        write_version(self, next, behind ? &last : text, behind ? text : &last);
    }
}

static void note_value(struct sums *self, struct sums_document *document,
                       const struct dissect_frame *frame, const struct language_document *value,
                       struct span becomes)
{
    const struct span whole[SIDES] = {frame->frame.value, becomes};
    uint8_t *inflated[SIDES];
    struct texts text;
    for (unsigned side = 0; side < SIDES; side++) {
        struct span bytes = span_head(span_skip(whole[side], value->at), value->size);
        text.of[side] = sums_body_of(self, value->datatype, bytes, &inflated[side]);
    }
    note_text(self, value->key.size == 0 ? document : NULL, frame, &text);
    for (unsigned side = 0; side < SIDES; side++) {
        free(inflated[side]);
    }
}

/* ------------------------------------------------------------------------------- subdocuments */

/* False: a server refuses it. */
static bool edit(const struct mcbp_subdoc_spec *spec, bool makes_parents, struct version *version,
                 enum side side)
{
    struct buffer *text = &version->of[side];
    struct subdoc_operation operation = {spec->opcode, spec->path, spec->value, makes_parents};
    struct subdoc_result result;
    struct buffer changed = {0};
    bool whole = spec->opcode == MCBP_SET;
    version->there = spec->opcode != MCBP_DELETE;
    bool edited = spec->opcode == MCBP_DELETE ||
                  (whole ? buffer_append(&changed, spec->value)
                         : subdoc_mutate(&operation, buffer_span(text), &changed, &result) ==
                               MCBP_STATUS_SUCCESS);
    buffer_deinit(edited ? text : &changed);
    *text = edited ? changed : *text;
    return edited;
}

static bool edit_all(const struct subdoc_request *request, struct version *version, enum side side)
{
    bool edited = true;
    for (size_t i = request->xattr_count; i < request->count && edited; i++) {
        const struct mcbp_subdoc_spec *spec = &request->specs[i];
        edited = edit(spec, subdoc_makes_parents(request, spec), version, side);
    }
    return edited;
}

static size_t version_size(const struct version *version)
{
    return buffer_span(&version->of[BEFORE]).size + buffer_span(&version->of[AFTER]).size;
}

static void note_edits(struct sums *self, struct sums_document *document,
                       const struct dissect_frame *frame, struct span becomes)
{
    enum { MAKES = MCBP_SUBDOC_DOC_MKDOC | MCBP_SUBDOC_DOC_ADD };
    const struct span values[SIDES] = {frame->frame.value, becomes};
    struct subdoc_request requests[SIDES];
    for (unsigned side = 0; side < SIDES; side++) {
        const struct subdoc_input input = {frame->frame.header.opcode, frame->frame.extras,
                                           values[side], frame->frame.header.cas, true};
        if (subdoc_request_parse(&input, &requests[side]) != MCBP_STATUS_SUCCESS) {
            return;
        }
    }
    bool made = !document->now.there;
    if (!requests[BEFORE].is_mutation ||
        (made && (requests[BEFORE].extras.doc_flags & MAKES) == 0)) {
        return;
    }
    struct version *next = begin_version(self, document, frame);
    const struct span new = subdoc_new_document(&requests[BEFORE]);
    const struct texts first = made ? (struct texts){{new, new}} : texts_of(&document->earlier);
    bool edited = version_append(self, next, &first);
    self->bytes -= version_size(next);
    for (unsigned side = 0; side < SIDES && edited; side++) {
        next->there = true;
        edited = edit_all(&requests[side], next, side);
    }
    self->bytes += version_size(next);
    if (!edited) {
        end_change(document);
    } else if (next->there) {
        sum_version(self, next);
    }
}

static void note_results(struct sums *self, struct sums_document *document, uint32_t results,
                         const struct dissect_frame *frame, struct span becomes)
{
    struct span rests[SIDES] = {frame->frame.value, becomes};
    struct mcbp_subdoc_result found[SIDES];
    for (unsigned i = 0;
         mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &rests[BEFORE], &found[BEFORE]) &&
         mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &rests[AFTER], &found[AFTER]);
         i++) {
        const struct texts text = {{found[BEFORE].value, found[AFTER].value}};
        if (language_result(results, i) == LANGUAGE_WHOLE && text.of[BEFORE].size > 0) {
            note_text(self, document, frame, &text);
        }
    }
}

/* ------------------------------------------------------------------------------------- frames */

static bool has_failed(const struct dissect_frame *frame)
{
    uint16_t status = frame->frame.header.vbucket_or_status;
    return mcbp_magic_is_response(frame->frame.header.magic) && status != MCBP_STATUS_SUCCESS &&
           status != MCBP_STATUS_SUBDOC_SUCCESS_DELETED;
}

void sums_note(struct sums *self, const struct asked_subject *subject,
               const struct dissect_frame *frame, struct span becomes)
{
    const struct mcbp_header *header = &frame->frame.header;
    bool response = mcbp_magic_is_response(header->magic);
    enum mcbp_subdoc_shape shape = mcbp_subdoc_shape_of(header->opcode);
    struct sums_document *document = document_named(self, &subject->document);
    struct language_document value;
    size_t at = 0;
    while (language_next_document(frame, &at, &value)) {
        note_value(self, document, frame, &value, becomes);
    }
    if (document == NULL) {
        return;
    }
    if (response && shape == MCBP_SUBDOC_LOOKUP) {
        note_results(self, document, subject->results, frame, becomes);
    } else if (has_failed(frame) && document->asked && document->opaque == header->opaque) {
        end_change(document);
    } else if (!response && shape != MCBP_SUBDOC_NONE) {
        note_edits(self, document, frame, becomes);
    } else if (!response && mcbp_opcode_loud(header->opcode) == MCBP_DELETE) {
        begin_version(self, document, frame);
    }
}
