#include "couchbase/xattr.h"

#include "base/buffer.h"
#include "base/crc32.h"
#include "couchbase/xattr_blob.h"
#include "sasl/base64.h"

#include <byteswap.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- virtual attributes */

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
    unsigned datatype = document == NULL ? 0 : document_datatypes(document);
    json_t *list = json_array();
    if ((datatype & MCBP_DATATYPE_SNAPPY) != 0) {
        json_array_append_new(list, json_string("snappy"));
    }
    if ((datatype & MCBP_DATATYPE_JSON) != 0) {
        json_array_append_new(list, json_string("json"));
    }
    if ((datatype & MCBP_DATATYPE_XATTR) != 0) {
        json_array_append_new(list, json_string("xattr"));
    }
    if (datatype == 0) {
        json_array_append_new(list, json_string("raw"));
    }
    return list;
}

/* What $document says; NULL: no memory. Of one that is not there, zeros. */
static json_t *describe(const struct command *command, const struct xattr_subject *subject)
{
    static const struct document none = {0};
    const struct document *document = subject->document == NULL ? &none : subject->document;
    uint64_t uuid = subject->document == NULL ? 0 : command->vbucket->uuid;
    uint64_t cas = document_seen_cas(document, command->now);
    json_t *members = json_pack(
        "{s:o, s:o, s:b, s:I, s:I, s:o, s:o, s:I, s:o, s:o}", "CAS", hexadecimal_text(cas, 16),
        "datatype", list_datatypes(subject->document), "deleted", (int)document->deleted, "exptime",
        (json_int_t)document->expiry, "flags", (json_int_t)document->flags, "revid",
        decimal_text(document->revision), "seqno", hexadecimal_text(document->seqno, 16),
        "value_bytes", (json_int_t)subject->body.size, "value_crc32c",
        hexadecimal_text(crc32c(subject->body), 8), "vbucket_uuid", hexadecimal_text(uuid, 16));
    /* A CAS is a time in nanoseconds, with a sign. */
    json_t *modified = decimal_text((uint64_t)((int64_t)cas / 1000000000));
    if (subject->document == NULL) {
        json_decref(modified);
    } else if (json_object_set_new(members, "last_modified", modified) != 0) {
        json_decref(members);
        return NULL;
    }
    return members;
}

static json_t *list_names(const struct xattr_subject *subject)
{
    const char *name;
    json_t *value;
    json_t *names = json_array();
    json_t *object = json_loadb((const char *)subject->xattrs.data, subject->xattrs.size, 0, NULL);
    json_object_foreach(object, name, value)
    {
        json_array_append_new(names, json_string(name));
    }
    json_decref(object);
    return names;
}

static json_t *tell_time(const struct command *command)
{
    return json_pack("{s:{s:s, s:o}}", "HLC", "mode", "real", "now",
                     decimal_text((uint64_t)(command->now / 1000000000)));
}

/* Takes the JSON over. NULL: no memory. */
static struct blob *print(json_t *json)
{
    char *text =
        json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    struct blob *blob = text == NULL ? NULL : blob_copy(span_of(text, strlen(text)));
    free(text);
    json_decref(json);
    return blob;
}

static bool is_text(struct span span, const char *text)
{
    return span_equal(span, span_of(text, strlen(text)));
}

enum mcbp_status xattr_virtual(const struct command *command, const struct xattr_subject *subject,
                               struct span path, struct blob **object)
{
    struct span name = path;
    for (size_t i = path.size; i > 0; i--) {
        if (path.data[i - 1] == '.' || path.data[i - 1] == '[') {
            name = span_head(path, i - 1);
        }
    }
    if (is_text(name, "$document")) {
        *object = print(json_pack("{s:o}", "$document", describe(command, subject)));
    } else if (is_text(name, "$XTOC")) {
        *object = print(json_pack("{s:o}", "$XTOC", list_names(subject)));
    } else if (is_text(name, "$vbucket")) {
        *object = print(json_pack("{s:o}", "$vbucket", tell_time(command)));
    } else {
        return MCBP_STATUS_SUBDOC_XATTR_UNKNOWN_VATTR;
    }
    return *object == NULL ? MCBP_STATUS_NO_MEMORY : MCBP_STATUS_SUCCESS;
}

/* ---------------------------------------------------------------- what is kept */

static bool keep(json_t *object, struct blob **kept)
{
    bool is_empty = json_object_size(object) == 0;
    if (is_empty) {
        json_decref(object);
    }
    *kept = is_empty ? NULL : print(object);
    return is_empty || *kept != NULL;
}

/* What jansson can't read (numbers beyond 64 bits) stays as it is. */
static json_t *read_object(struct span text, bool *no_memory)
{
    json_error_t error;
    json_t *object = json_loadb((const char *)text.data, text.size, 0, &error);
    *no_memory = object == NULL && json_error_code(&error) == json_error_out_of_memory;
    return object;
}

static bool keep_as_it_is(struct span text, struct blob **kept)
{
    *kept = blob_copy(text);
    return *kept != NULL;
}

bool xattr_keep(struct span xattrs, struct blob **kept)
{
    bool no_memory;
    json_t *object = read_object(xattrs, &no_memory);
    return object != NULL ? keep(object, kept) : !no_memory && keep_as_it_is(xattrs, kept);
}

static bool append_some(struct buffer *text, struct span xattrs, bool system)
{
    struct xattr_member member;
    while (xattr_member_next(&xattrs, &member)) {
        const char *before = buffer_span(text).size == 0 ? "{" : ",";
        bool is_system = member.name.data[1] == '_';
        if (is_system == system &&
            (!buffer_append(text, span_of(before, 1)) || !buffer_append(text, member.whole))) {
            return false;
        }
    }
    return buffer_span(text).size == 0 || buffer_append(text, span_of("}", 1));
}

static bool keep_some(const struct blob *xattrs, bool system, struct blob **kept)
{
    struct buffer text = {0};
    bool appended = append_some(&text, blob_span(xattrs), system);
    struct span left = buffer_span(&text);
    *kept = appended && left.size > 0 ? blob_copy(left) : NULL;
    appended &= left.size == 0 || *kept != NULL;
    buffer_deinit(&text);
    return appended;
}

bool xattr_keep_system(const struct blob *xattrs, struct blob **kept)
{
    return keep_some(xattrs, true, kept);
}

bool xattr_keep_user(const struct blob *xattrs, struct blob **kept)
{
    return keep_some(xattrs, false, kept);
}

/* ---------------------------------------------------------------- values that are no JSON */

static const char ENCODED[] = "\"cb-content-base64-encoded:";
enum { ENCODED_SIZE = sizeof(ENCODED) - 1 };

struct blob *xattr_encode(struct span bytes)
{
    struct buffer text = {0};
    bool written = buffer_append(&text, span_of(ENCODED, ENCODED_SIZE)) &&
                   base64_append(&text, bytes) && buffer_append(&text, span_of("\"", 1));
    struct blob *value = written ? blob_copy(buffer_span(&text)) : NULL;
    buffer_deinit(&text);
    return value;
}

enum mcbp_status xattr_decode(struct span value, struct blob **bytes)
{
    if (value.size <= ENCODED_SIZE || memcmp(value.data, ENCODED, ENCODED_SIZE) != 0 ||
        value.data[value.size - 1] != '"') {
        return MCBP_STATUS_SUBDOC_FIELD_NOT_BINARY_VALUE;
    }
    struct span text = span_head(span_skip(value, ENCODED_SIZE), value.size - ENCODED_SIZE - 1);
    struct blob *decoded = blob_create(text.size);
    size_t size;
    if (decoded == NULL) {
        return MCBP_STATUS_NO_MEMORY;
    }
    if (!base64_decode(text, decoded->bytes, decoded->size, &size)) {
        blob_drop(decoded);
        return MCBP_STATUS_SUBDOC_FIELD_NOT_BINARY_VALUE;
    }
    decoded->size = size;
    *bytes = decoded;
    return MCBP_STATUS_SUCCESS;
}

/* ---------------------------------------------------------------- macros */

bool xattr_is_checksum(struct span macro)
{
    return is_text(macro, "\"${Mutation.value_crc32c}\"");
}

/* The CAS is written in the byte order of the machines that Couchbase runs on. Source:
 * docs/SubDocument.md, docs/ExtendedAttributes.md. NULL: no memory, or another macro. */
static json_t *value_of_mutation(struct span macro, const struct xattr_change *change)
{
    return is_text(macro, "\"${Mutation.CAS}\"")     ? hexadecimal_text(bswap_64(change->cas), 16)
           : is_text(macro, "\"${Mutation.seqno}\"") ? hexadecimal_text(change->seqno, 16)
           : xattr_is_checksum(macro)                ? hexadecimal_text(change->checksum, 8)
                                                     : NULL;
}

/* Which member of $document the macro means; empty: all of it. False: the macro is another one. */
static bool read_member(struct span macro, struct span *member)
{
    static const char before[] = "\"${$document";
    enum { BEFORE = sizeof(before) - 1, BEHIND = 2 };
    if (macro.size < BEFORE + BEHIND || memcmp(macro.data, before, BEFORE) != 0) {
        return false;
    }
    *member = span_head(span_skip(macro, BEFORE), macro.size - BEFORE - BEHIND);
    if (member->size == 0) {
        return true;
    }
    bool named = member->data[0] == '.';
    *member = span_skip(*member, 1);
    return named && member->size > 0;
}

enum mcbp_status xattr_expand(const struct command *command, const struct xattr_subject *subject,
                              const struct xattr_change *change, struct span macro,
                              struct blob **value)
{
    struct span member;
    if (!read_member(macro, &member)) {
        *value = print(value_of_mutation(macro, change));
        return *value == NULL ? MCBP_STATUS_NO_MEMORY : MCBP_STATUS_SUCCESS;
    }
    json_t *all = describe(command, subject);
    if (all == NULL) {
        return MCBP_STATUS_NO_MEMORY;
    }
    if (member.size == 0) {
        *value = print(all);
        return *value == NULL ? MCBP_STATUS_NO_MEMORY : MCBP_STATUS_SUCCESS;
    }
    json_t *found = is_text(member, "value_crc32c")
                        ? NULL
                        : json_object_getn(all, (const char *)member.data, member.size);
    *value = print(json_incref(found));
    json_decref(all);
    return found == NULL    ? MCBP_STATUS_SUBDOC_XATTR_UNKNOWN_VATTR_MACRO
           : *value == NULL ? MCBP_STATUS_NO_MEMORY
                            : MCBP_STATUS_SUCCESS;
}
