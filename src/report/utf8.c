#include "report/utf8.h"

#include <stdlib.h>

static size_t length_of(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0; /* a continuation byte, or one that UTF-8 does not use */
    }
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t utf8_decode(struct span bytes, uint32_t *character)
{
    static const uint8_t first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = bytes.size == 0 ? 0 : length_of(bytes.data[0]);
    if (length == 0 || length > bytes.size) {
        return 0;
    }
    uint32_t number = bytes.data[0] & first_bits[length];
    for (size_t i = 1; i < length; i++) {
        if ((bytes.data[i] & 0xc0) != 0x80) {
            return 0;
        }
        number = number << 6 | (bytes.data[i] & 0x3f);
    }
    bool surrogate = number >= 0xd800 && number <= 0xdfff;
    if (number < least[length] || number > 0x10ffff || surrogate) {
        return 0;
    }
    *character = number;
    return length;
}

char *utf8_copy(struct span bytes, bool (*accept)(uint32_t character), size_t *size)
{
    static const char replacement[] = "\xef\xbf\xbd";
    enum { REPLACEMENT = sizeof(replacement) - 1 };
    char *copy =
        bytes.size > SIZE_MAX / REPLACEMENT - 1 ? NULL : malloc(bytes.size * REPLACEMENT + 1);
    *size = 0;
    while (copy != NULL && bytes.size > 0) {
        uint32_t character;
        size_t length = utf8_decode(bytes, &character);
        if (length > 0 && (accept == NULL || accept(character))) {
            memcpy(copy + *size, bytes.data, length);
            *size += length;
        } else {
            memcpy(copy + *size, replacement, REPLACEMENT);
            *size += REPLACEMENT;
        }
        bytes = span_skip(bytes, length > 0 ? length : 1);
    }
    if (copy != NULL) {
        copy[*size] = '\0';
    }
    return copy;
}
