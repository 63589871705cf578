#include "shapes.h"

enum { PATTERN_SIZE = 1 << 20 };

const void *pattern(size_t size)
{
    static uint8_t bytes[PATTERN_SIZE];
    if (bytes[1] == 0) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)(i * 31 + i / 251);
        }
    }
    return size <= sizeof(bytes) ? bytes : NULL;
}

static const uint8_t four_frame_infos[12] = {0x02, 0x01, 0xFE, 0x12, 0x00, 0x07,
                                             0x22, 0x00, 0x09, 0x32, 0x0B, 0x0C};

#define EXTRAS  .extras = "\xAA\xBB\xCC\xDD", .extras_size = 4
#define KEY     .key = "a key", .key_size = 5
#define FRAMING .framing_extras = four_frame_infos, .framing_extras_size = 12
#define NUMBERS .status = 0x0102, .opaque = 0x03040506, .cas = 0x0708090A0B0C0D0E

static struct shape table[] = {
    {"bare header", {.magic = 0x81, .opcode = 0x0A}},
    {"one byte of value", {.magic = 0x81, .value_size = 1}},
    {"get", {.magic = 0x81, .datatype = 1, NUMBERS, EXTRAS, .value_size = 100}},
    {"getk", {.magic = 0x81, .opcode = 0x0C, NUMBERS, EXTRAS, KEY, .value_size = 300}},
    {"key without value", {.magic = 0x81, .opcode = 0x10, KEY}},
    {"long key", {.magic = 0x81, .datatype = 4, .key_size = 65535, .value_size = 3}},
    {"flex", {.magic = 0x18, .datatype = 2, NUMBERS, FRAMING, EXTRAS, KEY, .value_size = 77}},
    {"flex, nothing but framing extras", {.magic = 0x18, FRAMING}},
    {"server's request", {.magic = 0x82, .opcode = 1, NUMBERS, EXTRAS, KEY, .value_size = 9}},
    {"dcp", {.magic = 0x08, .opcode = 0x57, NUMBERS, FRAMING, EXTRAS, KEY, .value_size = 1000}},
    {"a chunk's worth", {.magic = 0x81, EXTRAS, .value_size = 4048}},
    {"large", {.magic = 0x81, NUMBERS, EXTRAS, .value_size = 70000}},
    {.name = NULL},
};

const struct shape *shapes(void)
{
    for (struct shape *shape = table; shape->name != NULL; shape++) {
        struct kvr_response *response = &shape->response;
        response->value = response->value_size > 0 ? pattern(response->value_size) : NULL;
        if (response->key_size > 0 && response->key == NULL) {
            response->key = pattern(response->key_size);
        }
    }
    return table;
}
