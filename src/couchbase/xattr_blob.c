#include "couchbase/xattr_blob.h"

#include "base/buffer.h"
#include "base/endian.h"
#include "couchbase/value.h"
#include "subdoc/request.h"

#include <jansson.h>
#include <stdlib.h>

enum { SIZE = 4, SYSTEM_MAX = 1 << 20 /* bytes of attributes whose names begin with "_" */ };

struct attribute {
    struct span name;
    struct span value;
};

/* The bytes up to a NUL, which is taken off, too. False: there is none. */
static bool take_text(struct span *rest, struct span *text)
{
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, 0, rest->size);
    if (end == NULL) {
        return false;
    }
    *text = span_head(*rest, (size_t)(end - rest->data));
    *rest = span_skip(*rest, text->size + 1);
    return true;
}

/* Takes the next one off `rest`. False: it is not as it has to be. */
static bool take_attribute(struct span *rest, struct attribute *attribute)
{
    if (rest->size < SIZE || read_be32(rest->data) > rest->size - SIZE) {
        return false;
    }
    size_t size = read_be32(rest->data);
    struct span pair = span_head(span_skip(*rest, SIZE), size);
    *rest = span_skip(*rest, SIZE + size);
    return take_text(&pair, &attribute->name) && take_text(&pair, &attribute->value) &&
           pair.size == 0;
}

/* What is left of the value behind the size of all. False: there is none. */
static bool find_attributes(struct span value, struct span *attributes)
{
    if (value.size < SIZE || read_be32(value.data) > value.size - SIZE) {
        return false;
    }
    *attributes = span_head(span_skip(value, SIZE), read_be32(value.data));
    return true;
}

/* Adds it to the names so far. False: it is one of them, or no memory. */
static bool add_name(json_t *names, struct span name)
{
    const char *text = (const char *)name.data; /* ends at its NUL */
    return json_object_get(names, text) == NULL &&
           json_object_set_new(names, text, json_true()) == 0;
}

static bool check_attributes(struct span attributes, json_t *names)
{
    struct attribute attribute;
    size_t system = SIZE;
    while (attributes.size > 0) {
        size_t before = attributes.size;
        if (!take_attribute(&attributes, &attribute) ||
            subdoc_xattr_name_size(attribute.name) == 0 || !value_is_json(attribute.value) ||
            !add_name(names, attribute.name)) {
            return false;
        }
        system += attribute.name.data[0] == '_' ? before - attributes.size : 0;
    }
    return system <= SYSTEM_MAX;
}

bool xattr_blob_is_valid(struct span value)
{
    struct span attributes;
    if (!find_attributes(value, &attributes)) {
        return false;
    }
    json_t *names = json_object();
    bool valid = names != NULL && check_attributes(attributes, names);
    json_decref(names);
    return valid;
}

struct span xattr_blob_body(struct span value)
{
    struct span attributes;
    return find_attributes(value, &attributes) ? span_skip(value, SIZE + attributes.size)
                                               : span_of(NULL, 0);
}

/* The name as a JSON string. */
static bool append_name(struct buffer *text, struct span name)
{
    json_t *string = json_stringn((const char *)name.data, name.size);
    char *printed = string == NULL ? NULL : json_dumps(string, JSON_ENCODE_ANY);
    bool appended = printed != NULL && buffer_append(text, span_of(printed, strlen(printed)));
    free(printed);
    json_decref(string);
    return appended;
}

static bool append_attributes(struct buffer *text, struct span attributes)
{
    struct attribute attribute;
    bool appended = buffer_append(text, span_of("{", 1));
    while (appended && take_attribute(&attributes, &attribute)) {
        bool first = buffer_span(text).size == 1;
        appended = (first || buffer_append(text, span_of(",", 1))) &&
                   append_name(text, attribute.name) && buffer_append(text, span_of(":", 1)) &&
                   buffer_append(text, attribute.value);
    }
    return appended && buffer_append(text, span_of("}", 1));
}

bool xattr_blob_to_object(struct span value, struct blob **object)
{
    struct span attributes;
    struct buffer text = {0};
    *object = NULL;
    if (!find_attributes(value, &attributes)) {
        return true;
    }
    *object = append_attributes(&text, attributes) ? blob_copy(buffer_span(&text)) : NULL;
    buffer_deinit(&text);
    return *object != NULL;
}

/* ---------------------------------------------------------------- from an object */

/* The bytes up to one of `ends` that is not within a string, object or array; that is taken off,
 * too. */
static struct span take_json(struct span *rest, const char *ends)
{
    size_t at = 0;
    size_t depth = 0;
    bool quoted = false;
    for (; at < rest->size; at++) {
        uint8_t byte = rest->data[at];
        if (byte == '"') {
            quoted = !quoted;
        } else if (quoted) {
            at += byte == '\\';
        } else if (depth == 0 && byte != 0 && strchr(ends, byte) != NULL) {
            break;
        } else if (byte == '{' || byte == '[') {
            depth++;
        } else if (byte == '}' || byte == ']') {
            depth--;
        }
    }
    struct span taken = span_head(*rest, at < rest->size ? at : rest->size);
    *rest = span_skip(*rest, at < rest->size ? at + 1 : rest->size);
    return taken;
}

bool xattr_member_next(struct span *rest, struct xattr_member *member)
{
    *rest = span_skip(*rest, rest->size > 0 && rest->data[0] == '{');
    if (rest->size == 0 || rest->data[0] != '"') {
        return false;
    }
    member->name = take_json(rest, ":");
    member->value = take_json(rest, ",}");
    const uint8_t *end = member->value.data + member->value.size;
    member->whole = span_of(member->name.data, (size_t)(end - member->name.data));
    return true;
}

static bool append_number(struct buffer *blob, size_t number)
{
    uint8_t bytes[SIZE];
    write_be32(bytes, (uint32_t)number);
    return buffer_append(blob, span_of(bytes, sizeof(bytes)));
}

/* `name` is a JSON string. */
static bool append_attribute(struct buffer *blob, struct span name, struct span value)
{
    static const uint8_t end[] = {0};
    json_t *read = json_loadb((const char *)name.data, name.size, JSON_DECODE_ANY, NULL);
    struct span text = span_of(json_string_value(read), json_string_length(read));
    bool appended = read != NULL && append_number(blob, text.size + value.size + 2) &&
                    buffer_append(blob, text) && buffer_append(blob, span_of(end, 1)) &&
                    buffer_append(blob, value) && buffer_append(blob, span_of(end, 1));
    json_decref(read);
    return appended;
}

static bool append_members(struct buffer *blob, struct span object)
{
    struct xattr_member member;
    while (xattr_member_next(&object, &member)) {
        if (!append_attribute(blob, member.name, member.value)) {
            return false;
        }
    }
    return true;
}

struct blob *xattr_blob_from_object(struct span object, struct span body)
{
    struct buffer all = {0};
    struct blob *blob = NULL;
    if (append_number(&all, 0) && append_members(&all, object)) {
        struct span written = buffer_span(&all);
        blob = blob_join(written, body);
        if (blob != NULL) {
            write_be32(blob->bytes, (uint32_t)(written.size - SIZE));
        }
    }
    buffer_deinit(&all);
    return blob;
}
