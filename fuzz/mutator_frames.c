/* MCBP frames, for the mutator: most valid, a few keys, so that requests meet. */
#include "mutator_forms.h"

#include <string.h>

const struct field frame_fields[] = {
    {2, 2, 4}, {2, 1, 3}, {3, 1, 3},  {4, 1, 4},  {8, 4, 6},  {0, 1, 2},  {1, 1, 3},
    {5, 1, 1}, {6, 2, 1}, {12, 4, 1}, {16, 8, 2}, {24, 4, 2}, {28, 4, 2}, {0, 0, 0},
};

size_t frame_measure(const uint8_t *data, size_t size)
{
    if (size < HEADER) {
        return size;
    }
    size_t whole = HEADER + (size_t)get(data + 8, 4);
    return whole < size ? whole : size;
}

/* A few keys, so that requests meet. */
static size_t fresh_key(struct random *random, uint8_t *key)
{
    if (random_below(random, 16) == 0) {
        size_t size = 249 + random_below(random, 4);
        memset(key, 'K', size);
        return size;
    }
    key[0] = 'k';
    key[1] = (uint8_t)('0' + random_below(random, 4));
    return 1 + random_below(random, 2);
}

/* Extras and parts as memcached's commands have them: bytes of extras, key, value. */
static void shape_of(uint8_t opcode, size_t *extras, bool *key, bool *value)
{
    static const uint8_t storage[] = {0x01, 0x02, 0x03, 0x11, 0x12, 0x13};
    static const uint8_t arithmetic[] = {0x05, 0x06, 0x15, 0x16};
    static const uint8_t bare[] = {0x07, 0x0a, 0x0b, 0x10, 0x17, 0x20};
    static const uint8_t appending[] = {0x0e, 0x0f, 0x19, 0x1a, 0x21, 0x22};
    *key = memchr(bare, opcode, sizeof(bare)) == NULL && opcode != 0x08 && opcode != 0x18;
    *value = false;
    *extras = 0;
    if (memchr(storage, opcode, sizeof(storage)) != NULL) {
        *extras = 8;
        *value = true;
    } else if (memchr(arithmetic, opcode, sizeof(arithmetic)) != NULL) {
        *extras = 20;
    } else if (memchr(appending, opcode, sizeof(appending)) != NULL) {
        *value = true;
    } else if ((opcode >= 0x1c && opcode <= 0x1e) || opcode == 0x23 || opcode == 0x24 ||
               opcode == 0x08 || opcode == 0x18) {
        *extras = 4;
    }
}

static size_t fresh_value(struct random *random, uint8_t *value)
{
    static const uint8_t number[] = "18446744073709551615";
    if (random_below(random, 3) == 0) {
        size_t size = 1 + random_below(random, 20);
        memcpy(value, number, size);
        return size;
    }
    size_t size = random_edge(random) % 1100;
    memset(value, 'v', size);
    return size;
}

static void put_small(struct random *random, uint8_t *bytes, size_t size)
{
    memset(bytes, 0, size);
    for (size_t at = 3; at < size; at += 4) {
        bytes[at] = (uint8_t)random_below(random, 4);
    }
}

size_t fresh_request(struct random *random, uint8_t *out, size_t room)
{
    uint8_t opcode = (uint8_t)random_below(random, 0x26);
    size_t extras;
    bool key;
    bool value;
    if (room < 1600) {
        return 0;
    }
    shape_of(opcode, &extras, &key, &value);
    memset(out, 0, HEADER);
    out[0] = 0x80;
    out[1] = opcode;
    out[4] = (uint8_t)extras;
    put(out + 12, 4, random_below(random, 8));
    put(out + 16, 8, random_below(random, 4));
    put_small(random, out + HEADER, extras);
    size_t key_size = key ? fresh_key(random, out + HEADER + extras) : 0;
    size_t value_size = value ? fresh_value(random, out + HEADER + extras + key_size) : 0;
    put(out + 2, 2, key_size);
    put(out + 8, 4, extras + key_size + value_size);
    return HEADER + extras + key_size + value_size;
}

/* A frame of any magic, for those who only parse. */
size_t fresh_frame(struct random *random, uint8_t *out, size_t room)
{
    static const uint8_t magics[] = {0x80, 0x81, 0x08, 0x18, 0x82, 0x83};
    size_t size = fresh_request(random, out, room);
    size_t key = size == 0 ? 0 : get(out + 2, 2);
    if (size > 0) {
        out[0] = magics[random_below(random, sizeof(magics))];
        if (is_flex(out[0]) && key <= 255) {
            out[2] = 0; /* framing extras come by stretching */
            out[3] = (uint8_t)key;
        }
    }
    return size;
}

bool grow_number(uint8_t *bytes, size_t width, int32_t more)
{
    int64_t number = (int64_t)get(bytes, width) + more;
    if (number < 0 || (width < 4 && number >> (8 * width) != 0)) {
        return false;
    }
    put(bytes, width, (uint64_t)number);
    return true;
}

/* Framing extras, extras, key or value; the value has no number of its own. */
bool frame_stretch(struct random *random, uint8_t *unit, size_t size, int32_t more, size_t *at)
{
    if (size < HEADER || HEADER + (uint64_t)get(unit + 8, 4) != size) {
        return false;
    }
    bool flex = is_flex(unit[0]);
    uint8_t *numbers[] = {unit + 2, unit + 4, flex ? unit + 3 : unit + 2};
    size_t widths[] = {1, 1, flex ? 1 : 2};
    uint32_t part = flex ? random_below(random, 4) : 1 + random_below(random, 3);
    *at = HEADER;
    for (uint32_t i = flex ? 0 : 1; i < part; i++) {
        *at += get(numbers[i], widths[i]);
    }
    size_t less = more < 0 ? (size_t)-more : 0;
    if (*at > size || less > size - *at) {
        return false;
    }
    if (part < 3 && !grow_number(numbers[part], widths[part], more)) {
        return false;
    }
    return grow_number(unit + 8, 4, more);
}
