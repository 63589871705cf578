#include "anonymise/strength.h"

#include <ctype.h>

enum { SEQUENCE = 3 }; /* bytes; of a random secret hardly any as short occur twice */

static size_t bits_of_a_byte(struct span bytes)
{
    bool digits = true;
    bool hexadecimal = true;
    bool letters = true;
    bool printable = true;
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = bytes.data[i];
        if (byte != '\n' && byte != '\r') { /* as editors and shells put them behind a text */
            digits &= isdigit(byte) != 0;
            hexadecimal &= isxdigit(byte) != 0;
            letters &= isalnum(byte) != 0;
            printable &= isprint(byte) != 0;
        }
    }
    return digits ? 3 : hexadecimal ? 4 : letters ? 5 : printable ? 6 : 8;
}

/* Byte i, or how it differs from the one before it. */
static uint8_t strength_byte_at(struct span bytes, size_t i, bool differences)
{
    uint8_t before = i > 0 && differences ? bytes.data[i - 1] : 0;
    return (uint8_t)(bytes.data[i] - before);
}

static bool strength_is_same(struct span bytes, size_t a, size_t b, bool differences)
{
    for (size_t i = 0; i < SEQUENCE; i++) {
        if (strength_byte_at(bytes, a + i, differences) !=
            strength_byte_at(bytes, b + i, differences)) {
            return false;
        }
    }
    return true;
}

/* How many bytes there are without those that begin a sequence that was there before. */
static size_t count_new(struct span bytes, bool differences)
{
    size_t count = bytes.size;
    for (size_t i = 1; i + SEQUENCE <= bytes.size; i++) {
        bool again = false;
        for (size_t j = 0; j < i && !again; j++) {
            again = strength_is_same(bytes, j, i, differences);
        }
        count -= again;
    }
    return count;
}

size_t strength_at_most(struct span bytes)
{
    size_t count = count_new(bytes, false);
    size_t differences = count_new(bytes, true); /* few in "0123456789abcdef" */
    return bits_of_a_byte(bytes) * (count < differences ? count : differences);
}
