#include "couchbase/meta_json.h"

#include "base/endian.h"
#include "couchbase/xattr.h"
#include "couchbase/xattr_blob.h"

#include <byteswap.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

static bool refuse(char fault[META_FAULT_SIZE], const char *text)
{
    snprintf(fault, META_FAULT_SIZE, "%s", text);
    return false;
}

/* ---------------------------------------------------------------- numbers */

static bool read_hexadecimal(const char *digits, uint64_t *number)
{
    enum { DIGITS_MAX = 16 };
    size_t size = strspn(digits, "0123456789abcdefABCDEF");
    *number = strtoull(size == 0 ? "0" : digits, NULL, 16);
    return size <= DIGITS_MAX && digits[size] == '\0';
}

/* Digits, and anything behind them. */
static bool read_decimal(const char *text, uint64_t max, uint64_t *number)
{
    const char *at = text;
    for (*number = 0; isdigit((unsigned char)*at); at++) {
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*at - '0'), number)) {
            return false;
        }
    }
    return at > text && *number <= max;
}

/* A number, or a string that has one; what is too large is cut, but for decimal digits. Source:
 * getValueFromJson in utilities/json_utilities.h. */
static bool read_number(const json_t *json, const char *name, uint64_t max, uint64_t *number,
                        char fault[META_FAULT_SIZE])
{
    const json_t *member = json_object_get(json, name);
    const char *text = json_string_value(member);
    bool read = json_is_integer(member);
    *number = (uint64_t)json_integer_value(member);
    if (text != NULL) {
        read = strncmp(text, "0x", 2) == 0 ? read_hexadecimal(text + 2, number)
                                           : read_decimal(text, max, number);
    }
    *number &= max;
    if (!read) {
        snprintf(fault, META_FAULT_SIZE, "Failed to validate input: %s: %s",
                 member == NULL ? "Missing required field" : "No number", name);
    }
    return read;
}

/* ---------------------------------------------------------------- the object */

static bool read_command(const json_t *json, struct with_meta *meta, char fault[META_FAULT_SIZE])
{
    const char *command = json_string_value(json_object_get(json, "command"));
    meta->adds = command != NULL && strcmp(command, "add") == 0;
    meta->deletes = command != NULL && strcmp(command, "delete") == 0;
    return meta->adds || meta->deletes || (command != NULL && strcmp(command, "set") == 0) ||
           refuse(fault, "Failed to validate input: Unknown command");
}

static bool read_numbers(const json_t *json, struct with_meta *meta, char fault[META_FAULT_SIZE])
{
    uint64_t flags;
    uint64_t expiry;
    uint64_t options;
    meta->has_cas = json_object_get(json, "cas") != NULL;
    meta->cas = meta->revision = 1; /* unless they are told */
    if ((meta->has_cas && !read_number(json, "cas", UINT64_MAX, &meta->cas, fault)) ||
        (json_object_get(json, "rev_seqno") != NULL &&
         !read_number(json, "rev_seqno", UINT64_MAX, &meta->revision, fault)) ||
        !read_number(json, "flags", UINT32_MAX, &flags, fault) ||
        !read_number(json, "expiration", UINT32_MAX, &expiry, fault) ||
        !read_number(json, "options", UINT32_MAX, &options, fault)) {
        return false;
    }
    meta->flags = (uint32_t)flags;
    meta->expiry = (uint32_t)expiry;
    with_meta_set_options(meta, (uint32_t)options);
    return true;
}

/* There are none, or as a list of numbers. */
static bool check_offsets(const json_t *json, const char *name, struct with_meta *meta,
                          char fault[META_FAULT_SIZE])
{
    const json_t *list = json_object_get(json, name);
    bool numbers = list == NULL || json_is_array(list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        numbers &= json_is_integer(json_array_get(list, i));
    }
    meta->patches |= json_array_size(list) > 0;
    return numbers || refuse(fault, "Failed to validate input: offsets are no numbers");
}

json_t *meta_json_read(struct span extras, struct span value, struct with_meta *meta,
                       char fault[META_FAULT_SIZE])
{
    *meta = (struct with_meta){.inflates = true};
    if (extras.size != sizeof(uint32_t)) {
        refuse(fault, "Invalid extras length");
        return NULL;
    }
    meta->ignored = read_be32(extras.data);
    if (meta->ignored > value.size) {
        refuse(fault, "Invalid metadata length");
        return NULL;
    }
    struct span text = span_skip(value, value.size - meta->ignored);
    json_t *json = json_loadb((const char *)text.data, text.size, 0, NULL);
    if (!json_is_object(json)) {
        refuse(fault, "Failed to validate input: no JSON object");
    } else if (read_command(json, meta, fault) && read_numbers(json, meta, fault) &&
               check_offsets(json, "cas_offsets", meta, fault) &&
               check_offsets(json, "seqno_offsets", meta, fault)) {
        return json;
    }
    json_decref(json);
    return NULL;
}

/* ---------------------------------------------------------------- what fits together */

static bool fits_cas(const json_t *json, const struct with_meta *meta, char fault[META_FAULT_SIZE])
{
    if (meta->regenerates) {
        return !meta->has_cas ||
               refuse(fault, "CAS cannot be specified when REGENERATE_CAS option is set");
    }
    return !meta->has_cas ? refuse(fault, "CAS must be specified unless options contains "
                                          "REGENERATE_CAS")
           : json_array_size(json_object_get(json, "cas_offsets")) > 0
               ? refuse(fault, "cas_offsets cannot be specified when cas is set")
           : json_array_size(json_object_get(json, "seqno_offsets")) > 0
               ? refuse(fault, "seqno_offsets cannot be specified when cas is set")
               : true;
}

enum { NUMBER_SIZE = 18 }; /* "0x", and 16 digits */

static bool fits_offsets(const json_t *json, const char *name, const char *what, size_t room,
                         char fault[META_FAULT_SIZE])
{
    size_t i;
    const json_t *offset;
    json_array_foreach(json_object_get(json, name), i, offset)
    {
        uint64_t at = (uint64_t)json_integer_value(offset);
        if (room < NUMBER_SIZE || at > room - NUMBER_SIZE) {
            snprintf(fault, META_FAULT_SIZE,
                     "%s offset [%" PRIu64 ", %" PRIu64
                     "] is out of bounds of the xattr section [0, %zu]",
                     what, at, at + NUMBER_SIZE, room);
            return false;
        }
    }
    return true;
}

static bool fits_patches(const json_t *json, struct span document, bool has_xattrs,
                         char fault[META_FAULT_SIZE])
{
    size_t room = document.size - xattr_blob_body(document).size;
    if (document.size == 0) {
        return refuse(fault, "Cannot use offset replacements on empty documents");
    }
    if (!has_xattrs) {
        return refuse(fault, "Cannot use offset replacements on documents without xattr");
    }
    if (!fits_offsets(json, "cas_offsets", "CAS", room, fault) ||
        !fits_offsets(json, "seqno_offsets", "Seqno", room, fault)) {
        return false;
    }
    struct blob *filled = blob_create(document.size);
    if (filled == NULL) {
        return refuse(fault, "Failed to allocate memory");
    }
    meta_json_fill(json, document, UINT64_MAX, UINT64_MAX, filled->bytes);
    bool valid = xattr_blob_is_valid(span_head(blob_span(filled), room));
    blob_drop(filled);
    return valid || refuse(fault, "Patching seqno and cas would garble the xattr section");
}

static bool has_user_xattrs(struct span document)
{
    struct blob *all = NULL;
    struct blob *users = NULL;
    bool has =
        xattr_blob_to_object(document, &all) && xattr_keep_user(all, &users) && users != NULL;
    blob_drop(all);
    blob_drop(users);
    return has;
}

static bool fits_deletion(struct span document, bool has_xattrs, char fault[META_FAULT_SIZE])
{
    struct span body = has_xattrs ? xattr_blob_body(document) : document;
    if (body.size > 0) {
        return refuse(fault, "Delete with meta: Document cannot have a body");
    }
    return !has_xattrs || !has_user_xattrs(document) ||
           refuse(fault, "Delete with meta: user-xattrs is not allowed");
}

bool meta_json_fits(const json_t *json, const struct with_meta *meta, struct span document,
                    bool has_xattrs, char fault[META_FAULT_SIZE])
{
    return fits_cas(json, meta, fault) &&
           (!meta->patches || fits_patches(json, document, has_xattrs, fault)) &&
           (!meta->deletes || fits_deletion(document, has_xattrs, fault));
}

/* ---------------------------------------------------------------- what is written */

static void fill_list(const json_t *list, uint64_t number, uint8_t *filled)
{
    size_t i;
    const json_t *offset;
    char text[NUMBER_SIZE + 1];
    snprintf(text, sizeof(text), "0x%016" PRIx64, number);
    json_array_foreach(list, i, offset)
    {
        memcpy(filled + json_integer_value(offset), text, NUMBER_SIZE);
    }
}

/* The CAS is written in the byte order of the machines that Couchbase runs on. */
void meta_json_fill(const json_t *json, struct span document, uint64_t cas, uint64_t seqno,
                    uint8_t *filled)
{
    memcpy(filled, document.data, document.size);
    fill_list(json_object_get(json, "cas_offsets"), bswap_64(cas), filled);
    fill_list(json_object_get(json, "seqno_offsets"), seqno, filled);
}
