#include "sasl/base64.h"

enum { GROUP = 4, GROUP_BYTES = 3 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes as four characters. */
static void put_group(uint8_t *out, struct span bytes)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < GROUP_BYTES; i++) {
        bits = bits << 8 | (i < bytes.size ? bytes.data[i] : 0U);
    }
    for (size_t i = 0; i < GROUP; i++) {
        unsigned index = bits >> (18 - 6 * i) & 0x3f;
        out[i] = (uint8_t)(i <= bytes.size ? alphabet[index] : '=');
    }
}

bool base64_append(struct buffer *text, struct span bytes)
{
    while (bytes.size > 0) {
        size_t size = bytes.size < GROUP_BYTES ? bytes.size : GROUP_BYTES;
        uint8_t *place = buffer_extend(text, GROUP);
        if (place == NULL) {
            return false;
        }
        put_group(place, span_head(bytes, size));
        bytes = span_skip(bytes, size);
    }
    return true;
}

/* Four characters, of which `padding` are no digits, as 24 bits. */
static bool take_group(const uint8_t *text, size_t padding, uint32_t *bits)
{
    *bits = 0;
    for (size_t i = 0; i < GROUP - padding; i++) {
        const char *digit = text[i] == '\0' ? NULL : strchr(alphabet, text[i]);
        if (digit == NULL) {
            return false;
        }
        *bits |= (uint32_t)(digit - alphabet) << (18 - 6 * i);
    }
    /* Bits that say nothing are zero, so that bytes have one text only. */
    return (*bits & ((1U << 8 * padding) - 1)) == 0;
}

static size_t padding_of(struct span text)
{
    size_t padding = 0;
    while (padding < 2 && text.data[text.size - 1 - padding] == '=') {
        padding++;
    }
    return padding;
}

bool base64_decode(struct span text, uint8_t *out, size_t room, size_t *size)
{
    *size = 0;
    if (text.size % GROUP != 0) {
        return false;
    }
    for (; text.size > 0; text = span_skip(text, GROUP)) {
        size_t padding = text.size == GROUP ? padding_of(text) : 0;
        uint32_t bits;
        if (!take_group(text.data, padding, &bits) || room - *size < GROUP_BYTES - padding) {
            return false;
        }
        for (size_t i = 0; i < GROUP_BYTES - padding; i++) {
            out[(*size)++] = (uint8_t)(bits >> (16 - 8 * i));
        }
    }
    return true;
}
