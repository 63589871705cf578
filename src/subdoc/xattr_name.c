#include "subdoc/request.h"

#include <ctype.h>

enum { XATTR_NAME_MAX = 15 };

/* The bytes of the character that begins there, by its first byte; 0 for what is not UTF-8 as far
 * as a server looks. */
static size_t character_size(struct span text)
{
    uint8_t first = text.data[0];
    size_t size = first < 0x80             ? 1
                  : (first & 0xe0) == 0xc0 ? 2
                  : (first & 0xf0) == 0xe0 ? 3
                  : (first & 0xf8) == 0xf0 ? 4
                                           : 0;
    if (size == 0 || size > text.size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

static bool is_punctuation(uint8_t byte)
{
    return (byte > ' ' && byte < 0x7f && !isalnum(byte)) || byte < ' ' || byte == 0x7f;
}

size_t subdoc_xattr_name_size(struct span path)
{
    size_t size = path.size;
    for (size_t at = 0; at < path.size;) {
        size_t character = character_size(span_skip(path, at));
        if (character == 0 || path.data[at] == 0) {
            return 0;
        }
        if (size == path.size && (path.data[at] == '.' || path.data[at] == '[')) {
            size = at;
        }
        at += character;
    }
    if (size == 0 || size > XATTR_NAME_MAX) {
        return 0;
    }
    bool is_special = path.data[0] == '_' || path.data[0] == '$';
    return is_punctuation(path.data[0]) && (!is_special || size == 1) ? 0 : size;
}
