#include "anonymise/body.h"

#include "anonymise/compressed.h"
#include "anonymise/json.h"
#include "anonymise/language.h"
#include "anonymise/text.h"
#include "base/endian.h"
#include "mcbp/frame.h"

#include <ctype.h>
#include <stdlib.h>

/* A text that is being replaced; with `changes`, one that is only looked at: 1 is written there for
 * each byte that may become another one. */
struct text {
    const struct body_manner *manner;
    uint8_t *bytes;
    uint8_t *changes;
    bool json; /* something in it is */
};

/* "0x" and 16 digits: a CAS or a sequence number; 8: a checksum. */
static bool is_of_macro(struct span text)
{
    enum { PREFIX = 2, CHECKSUM = 8, NUMBER = 16 };
    size_t digits = text.size < PREFIX ? 0 : text.size - PREFIX;
    if ((digits != CHECKSUM && digits != NUMBER) || memcmp(text.data, "0x", PREFIX) != 0) {
        return false;
    }
    for (size_t i = PREFIX; i < text.size; i++) {
        if (!isxdigit(text.data[i])) {
            return false;
        }
    }
    return true;
}

/* Of \u0434 only the last two digits may change: the others tell halves of pairs. */
static void mark_string(uint8_t *changes, struct span text)
{
    enum { ESCAPE = 6, KEPT = 4 };
    memset(changes, 1, text.size);
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] == '\\') {
            bool number = text.data[i + 1] == 'u' && text.size - i >= ESCAPE;
            memset(changes + i, 0, number ? KEPT : 2);
            i += number ? ESCAPE - 1 : 1;
        }
    }
}

static void mark_number(uint8_t *changes, struct span text)
{
    for (size_t i = 0; i < text.size && tolower(text.data[i]) != 'e'; i++) {
        changes[i] = 1;
    }
}

static void body_visit(void *context, enum json_piece piece, struct span member, size_t at,
                       size_t size)
{
    struct text *text = context;
    const struct body_manner *manner = text->manner;
    uint8_t *bytes = text->bytes + at;
    struct span whole = span_of(bytes, size);
    (void)member;
    if (piece == JSON_NUMBER ? manner->keeps_numbers : manner->keeps_macros && is_of_macro(whole)) {
        return;
    }
    if (text->changes != NULL) {
        (piece == JSON_NUMBER ? mark_number : mark_string)(text->changes + at, whole);
    } else if (piece == JSON_NUMBER) {
        text_replace_number(manner->secret, bytes, size);
    } else if (piece == JSON_STRING) {
        text_replace_string(manner->secret, bytes, size);
    } else {
        text_replace_names(manner->secret, bytes, size);
    }
}

/* Unless it is only looked at. */
static void body_renew_sums(const struct text *text, size_t size)
{
    if (text->changes == NULL && text->manner->keeps_macros) {
        sums_renew(text->manner->sums, text->bytes, size);
    }
}

static void walk_value(const struct text *text, size_t at, size_t size, bool *json)
{
    struct text part = {text->manner, text->bytes + at,
                        text->changes == NULL ? NULL : text->changes + at, false};
    const struct json_visitor visitor = {&part, body_visit};
    if (size == 0) {
        return;
    }
    if (json_walk(span_of(part.bytes, size), &visitor)) {
        *json = true;
        body_renew_sums(&part, size);
    } else if (part.changes != NULL) {
        memset(part.changes, 1, size);
    } else {
        text->manner->opaque(text->manner->context, part.bytes, size);
    }
}

static void walk_attributes(struct text *text, size_t end)
{
    enum { LENGTH = LANGUAGE_ATTRIBUTE_LENGTH };
    for (size_t at = LENGTH; at < end;) {
        size_t size = read_be32(text->bytes + at);
        at += LENGTH;
        size_t name = strlen((const char *)text->bytes + at);
        body_visit(text, JSON_NAME, span_of(NULL, 0), at, name);
        walk_value(text, at + name + 1, size - name - 2, &text->json);
        at += size;
    }
    text->json = true;
}

static void walk_text(struct text *text, uint8_t datatype, size_t size)
{
    bool attributes = (datatype & MCBP_DATATYPE_XATTR) != 0;
    size_t end = attributes ? language_attributes_size(span_of(text->bytes, size)) : 0;
    if (end > 0) {
        walk_attributes(text, end);
    }
    walk_value(text, end, size - end, &text->json);
}

/* Which bytes of the text may change, in memory to be freed. */
static uint8_t *changes_of(const struct body_manner *manner, uint8_t datatype, uint8_t *bytes,
                           size_t size, bool *json)
{
    struct text text = {manner, bytes, calloc(1, size + 1), false};
    if (text.changes != NULL) {
        walk_text(&text, datatype, size);
        *json = text.json;
    }
    return text.changes;
}

/* In the literals of a stream that inflates to what has these changes. */
static void replace_literals(const struct alphabet *alphabet, uint8_t *bytes, size_t size,
                             const uint8_t *changes)
{
    struct compressed_part part;
    size_t place = 0;
    size_t at;
    bool more = compressed_begin(span_of(bytes, size), &at);
    while (more && compressed_next(span_of(bytes, size), &at, &part)) {
        for (size_t i = 0; part.literal && i < part.size; i++) {
            uint8_t *byte = &bytes[part.at + i];
            *byte = changes[place + i] != 0 ? alphabet->becomes[*byte] : *byte;
        }
        place += part.size;
    }
}

static bool replace_compressed(const struct body_manner *manner, uint8_t datatype, uint8_t *bytes,
                               size_t size)
{
    size_t inflated_size = 0;
    bool no_memory = false;
    bool json;
    uint8_t *inflated = manner->alphabet == NULL
                            ? NULL
                            : compressed_inflate(span_of(bytes, size), &inflated_size, &no_memory);
    if (inflated == NULL) {
        manner->opaque(manner->context, bytes, size);
        return !no_memory;
    }
    uint8_t *changes = changes_of(manner, datatype, inflated, inflated_size, &json);
    if (changes != NULL) {
        replace_literals(manner->alphabet, bytes, size, changes);
    }
    no_memory = changes == NULL;
    free(changes);
    free(inflated);
    return !no_memory;
}

bool body_replace(const struct body_manner *manner, uint8_t datatype, uint8_t *bytes, size_t size)
{
    struct text text = {manner, bytes, NULL, false};
    bool json;
    if (size == 0) {
        return true;
    }
    if ((datatype & MCBP_DATATYPE_SNAPPY) != 0) {
        return replace_compressed(manner, datatype, bytes, size);
    }
    if (manner->alphabet == NULL) {
        walk_text(&text, datatype, size);
        return true;
    }
    uint8_t *changes = changes_of(manner, datatype, bytes, size, &json);
    for (size_t i = 0; changes != NULL && i < size; i++) {
        bytes[i] = changes[i] != 0 ? manner->alphabet->becomes[bytes[i]] : bytes[i];
    }
    free(changes);
    body_renew_sums(&text, size);
    return changes != NULL;
}

void body_replace_path(const struct body_manner *manner, uint8_t *bytes, size_t size)
{
    if (!text_is_utf8(span_of(bytes, size))) {
        manner->opaque(manner->context, bytes, size);
        return;
    }
    if (manner->alphabet == NULL) {
        text_replace_names(manner->secret, bytes, size);
        return;
    }
    for (size_t at = 0; at < size; at++) {
        size_t index = text_index_size(span_of(bytes + at, size - at));
        if (index > 0) {
            at += index - 1;
        } else if (bytes[at] == '\\') {
            at++;
        } else {
            bytes[at] = manner->alphabet->becomes[bytes[at]];
        }
    }
}

/* Pins what is copied in a stream that inflates to `bytes`. */
static void pin_copies(struct span stream, const uint8_t *bytes, const uint8_t *changes,
                       struct alphabet_pins *pins)
{
    struct compressed_part part;
    size_t place = 0;
    size_t at;
    bool more = compressed_begin(stream, &at);
    while (more && compressed_next(stream, &at, &part)) {
        for (size_t i = 0; !part.literal && i < part.size; i++) {
            if (changes[place + i] != changes[place + i - part.before]) {
                alphabet_pin(pins, bytes[place + i]);
            }
        }
        place += part.size;
    }
}

bool body_pin(const struct body_manner *manner, uint8_t datatype, struct span value, bool all,
              struct alphabet_pins *pins, bool *json)
{
    size_t size = value.size;
    bool no_memory = false;
    bool compressed = (datatype & MCBP_DATATYPE_SNAPPY) != 0;
    uint8_t *inflated = NULL;
    *json = false;
    if (compressed && (inflated = compressed_inflate(value, &size, &no_memory)) == NULL) {
        return !no_memory;
    }
    /* Only looked at: nothing is written to where the changes are asked for. */
    uint8_t *bytes = compressed ? inflated : (uint8_t *)(uintptr_t)value.data;
    uint8_t *changes = changes_of(manner, datatype, bytes, size, json);
    for (size_t i = 0; changes != NULL && all && *json && i < size; i++) {
        if (changes[i] == 0) {
            alphabet_pin(pins, bytes[i]);
        }
    }
    if (changes != NULL && compressed) {
        pin_copies(value, inflated, changes, pins);
    }
    no_memory = changes == NULL;
    free(changes);
    free(inflated);
    return !no_memory;
}
