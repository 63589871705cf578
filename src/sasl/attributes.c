#include "sasl/attributes.h"

/* Takes the attribute that the list begins with, and the comma behind it. */
static struct span take_attribute(struct span *list)
{
    const uint8_t *comma = list->size == 0 ? NULL : memchr(list->data, ',', list->size);
    size_t size = comma == NULL ? list->size : (size_t)(comma - list->data);
    struct span attribute = span_head(*list, size);
    *list = span_skip(*list, comma == NULL ? size : size + 1);
    return attribute;
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_attribute(struct span attribute, const char *allowed)
{
    if (attribute.size < 3 || !is_letter(attribute.data[0]) || attribute.data[1] != '=' ||
        memchr(attribute.data, '\0', attribute.size) != NULL) {
        return false;
    }
    return allowed == NULL ? attribute.data[0] != 'm' : strchr(allowed, attribute.data[0]) != NULL;
}

bool scram_attributes_are_valid(struct span list, const char *allowed)
{
    uint64_t seen = 0;
    bool comma_last = list.size > 0 && list.data[list.size - 1] == ',';
    if (list.size == 0 || comma_last) {
        return false;
    }
    while (list.size > 0) {
        struct span attribute = take_attribute(&list);
        if (!is_attribute(attribute, allowed)) {
            return false;
        }
        uint64_t bit = UINT64_C(1) << (attribute.data[0] - 'A'); /* z is 57 behind A */
        if ((seen & bit) != 0) {
            return false;
        }
        seen |= bit;
    }
    return true;
}

bool scram_attribute(struct span list, char letter, struct span *value)
{
    while (list.size > 0) {
        struct span attribute = take_attribute(&list);
        if (attribute.data[0] == (uint8_t)letter) {
            *value = span_skip(attribute, 2);
            return true;
        }
    }
    return false;
}

bool scram_is_nonce(struct span value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < ' ' || value.data[i] > '~' || value.data[i] == ',') {
            return false;
        }
    }
    return value.size > 0;
}

bool scram_iterations(struct span value, unsigned min, unsigned max, unsigned *iterations)
{
    uint64_t number = 0;
    if (value.size == 0 || value.data[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
        number = number * 10 + (value.data[i] - '0');
        if (number > max) {
            return false;
        }
    }
    *iterations = (unsigned)number;
    return number >= min;
}

bool scram_name_append(struct buffer *text, struct span name)
{
    bool added = true;
    for (size_t i = 0; i < name.size && added; i++) {
        uint8_t byte = name.data[i];
        added = byte == ',' || byte == '='
                    ? buffer_append(text, span_of(byte == ',' ? "=2C" : "=3D", 3))
                    : buffer_append(text, span_of(&byte, 1));
    }
    return added;
}

/* Takes a byte of a name, or the three that stand for one. */
static bool take_byte(struct span *text, uint8_t *byte)
{
    bool escaped = text->data[0] == '=';
    if (escaped && (text->size < 3 ||
                    (memcmp(text->data, "=2C", 3) != 0 && memcmp(text->data, "=3D", 3) != 0))) {
        return false;
    }
    *byte = !escaped ? text->data[0] : text->data[1] == '2' ? ',' : '=';
    *text = span_skip(*text, escaped ? 3 : 1);
    return true;
}

bool scram_name_decode(struct span text, uint8_t name[SASL_NAME_MAX], size_t *size)
{
    *size = 0;
    while (text.size > 0) {
        if (*size == SASL_NAME_MAX || !take_byte(&text, &name[*size])) {
            return false;
        }
        ++*size;
    }
    return *size > 0;
}
