#include "subdoc/name.h"

#include "base/buffer.h"

/* The next byte of the part's name, whose place `at` is moved behind it. False: it ends. */
static bool name_next(const struct subdoc_part *part, size_t *at, uint8_t *byte)
{
    while (*at < part->name.size) {
        *byte = part->name.data[(*at)++];
        if (!part->is_quoted || *byte != '`') {
            return true;
        }
        if (*at < part->name.size && part->name.data[*at] == '`') {
            (*at)++;
            return true;
        }
    }
    return false;
}

/* Whether the part has these bytes at its place. */
static bool name_has(const struct subdoc_part *part, size_t *at, const uint8_t *bytes, size_t size)
{
    uint8_t byte;
    for (size_t i = 0; i < size; i++) {
        if (!name_next(part, at, &byte) || byte != bytes[i]) {
            return false;
        }
    }
    return true;
}

static bool name_ends(const struct subdoc_part *part, size_t at)
{
    uint8_t byte;
    return !name_next(part, &at, &byte);
}

static int name_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The number of \uXXXX, -1 if its digits are none. */
static int32_t escape_number(struct span key, size_t at)
{
    if (key.size - at < 6) {
        return -1;
    }
    int32_t number = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = name_digit(key.data[i]);
        if (digit < 0) {
            return -1;
        }
        number = number * 16 + digit;
    }
    return number;
}

static size_t encode_utf8(uint32_t point, uint8_t bytes[4])
{
    static const uint8_t leads[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; point >>= 6) {
        bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
    }
    bytes[0] = (uint8_t)(leads[size] | point);
    return size;
}

/* A key that is being compared: `half` is the first of a surrogate pair whose second is to come. */
struct key_reader {
    struct span key;
    size_t at;
    uint32_t half;
};

enum key_step { KEY_BYTES, KEY_NOTHING, KEY_ENDS };

/* Decodes the \uXXXX at its place. */
static enum key_step key_escape(struct key_reader *reader, uint8_t bytes[4], size_t *size)
{
    int32_t number = escape_number(reader->key, reader->at);
    if (number <= 0) {
        return KEY_ENDS;
    }
    uint32_t point = (uint32_t)number;
    reader->at += 6;
    if (reader->half != 0) {
        if (point < 0xdc00 || point > 0xdfff) {
            return KEY_ENDS;
        }
        point = 0x10000 + ((reader->half & 0x3ff) << 10 | (point & 0x3ff));
        reader->half = 0;
    } else if (point >= 0xd800 && point < 0xdc00) {
        reader->half = point;
        return KEY_NOTHING;
    } else if (point >= 0xdc00 && point < 0xe000) {
        return KEY_ENDS;
    }
    *size = encode_utf8(point, bytes);
    return KEY_BYTES;
}

static enum key_step key_next(struct key_reader *reader, uint8_t bytes[4], size_t *size)
{
    struct span rest = span_skip(reader->key, reader->at);
    if (rest.size == 0) {
        return KEY_ENDS;
    }
    if (rest.size > 1 && rest.data[0] == '\\' && rest.data[1] == 'u') {
        return key_escape(reader, bytes, size);
    }
    bytes[0] = rest.data[0];
    *size = 1;
    reader->at++;
    return KEY_BYTES;
}

bool subdoc_name_matches(const struct subdoc_part *part, struct span key)
{
    struct key_reader reader = {.key = key};
    size_t at = 0;
    uint8_t bytes[4];
    size_t size;
    for (;;) {
        switch (key_next(&reader, bytes, &size)) {
        case KEY_ENDS:
            return name_ends(part, at);
        case KEY_NOTHING:
            break;
        case KEY_BYTES:
            if (!name_has(part, &at, bytes, size)) {
                return false;
            }
            break;
        }
    }
}

bool subdoc_name_append(struct buffer *text, const struct subdoc_part *part)
{
    if (!part->is_quoted) {
        return buffer_append(text, part->name);
    }
    size_t at = 0;
    uint8_t byte;
    while (name_next(part, &at, &byte)) {
        if (!buffer_append(text, span_of(&byte, 1))) {
            return false;
        }
    }
    return true;
}
