/*
 * The forms of the targets' inputs: what a unit is, which numbers in it are sizes, how a valid one
 * is made.
 */
#include "mutator_forms.h"

#include <string.h>

/* --------------------------------------------------------------------- descriptions of responses
 */

static const struct field description_fields[] = {
    {6, 2, 3}, {8, 2, 3},  {10, 4, 4}, {14, 4, 6}, {18, 1, 1}, {0, 1, 1},
    {3, 1, 3}, {19, 1, 1}, {4, 2, 1},  {24, 8, 1}, {0, 0, 0},
};

static size_t fresh_description(struct random *random, uint8_t *out, size_t room)
{
    static const uint8_t magics[] = {0x81, 0x81, 0x81, 0x18, 0x80, 0x08, 0x82, 0x83};
    static const uint8_t extras[] = {0, 0, 4, 4, 8, 255};
    if (room < 32) {
        return 0;
    }
    memset(out, 0, 32);
    out[0] = magics[random_below(random, sizeof(magics))];
    out[1] = (uint8_t)random_below(random, 0x26);
    out[3] = (uint8_t)random_below(random, 8);
    if (is_flex(out[0])) {
        put(out + 6, 2, 3 * random_below(random, 6));
    }
    put(out + 8, 2, extras[random_below(random, sizeof(extras))]);
    put(out + 10, 4, random_below(random, 3) == 0 ? random_below(random, 256) : 0);
    put(out + 14, 4, random_edge(random) % 70001);
    put(out + 20, 4, random_below(random, 1000));
    out[31] = 1;
    return 32;
}

/* --------------------------------------------------------------------------- buffer operations */

static const struct field operation_fields[] = {{0, 1, 2}, {1, 1, 2}, {2, 2, 5}, {0, 0, 0}};

static size_t fresh_operation(struct random *random, uint8_t *out, size_t room)
{
    if (room < 8) {
        return 0;
    }
    memset(out, 0, 8);
    out[0] = (uint8_t)random_below(random, 10);
    out[1] = (uint8_t)random_below(random, 256);
    put(out + 2, 2, random_edge(random) % 5000);
    return 8;
}

/* --------------------------------------------------------------------------------- frame infos */

static size_t info_measure(const uint8_t *data, size_t size)
{
    size_t at = 1;
    size_t length = data[0] % 16;
    at += data[0] / 16 == 15;
    if (length == 15) {
        length += at < size ? data[at] : 0;
        at++;
    }
    return at + length;
}

static const struct field info_fields[] = {{0, 1, 3}, {1, 1, 1}, {2, 1, 1}, {0, 0, 0}};

static size_t fresh_info(struct random *random, uint8_t *out, size_t room)
{
    size_t length = random_below(random, 4) == 0 ? random_below(random, 270) : 2;
    uint32_t id =
        random_below(random, 4) == 0 ? random_below(random, 270) : random_below(random, 4);
    uint8_t *at = out + 1;
    if (room < length + 3) {
        return 0;
    }
    out[0] = (uint8_t)((id < 15 ? id : 15) << 4 | (length < 15 ? length : 15));
    if (id >= 15) {
        *at++ = (uint8_t)(id - 15);
    }
    if (length >= 15) {
        *at++ = (uint8_t)(length - 15);
    }
    memset(at, 0x5a, length);
    return (size_t)(at - out) + length;
}

/* ------------------------------------------------------------------------------- TCP segments */

static const struct field segment_fields[] = {
    {0, 1, 4}, {1, 1, 3}, {2, 2, 6}, {4, 2, 4}, {6, 1, 2}, {0, 0, 0},
};

static size_t fresh_segment(struct random *random, uint8_t *out, size_t room)
{
    if (room < 8) {
        return 0;
    }
    out[0] = (uint8_t)random_below(random, 4);
    out[1] = (uint8_t)(1 + random_below(random, 24));
    put(out + 2, 2, random_below(random, 120));
    put(out + 4, 2, random_below(random, 3) == 0 ? random_below(random, 120) : 0);
    out[6] = (uint8_t)(random_below(random, 12) == 0 ? random_below(random, 8) : 0);
    out[7] = 0;
    return 8;
}

/* ---------------------------------------------------------------------------------------- masks
 */

static size_t fresh_mask(struct random *random, uint8_t *out, size_t room)
{
    static const char *const opcodes[] = {"*",    "GET",  "getq", "0x3a",  "0",
                                          "0xff", "STAT", "58",   "HELLO", "0x"};
    static const char *const fields[] = {"cas",
                                         "datatype",
                                         "extras",
                                         "key",
                                         "value",
                                         "frame-info[0]",
                                         "frame-info[270]",
                                         "frame-info[271]",
                                         "frame-info[ 1]",
                                         "frame-info[+1]",
                                         "frame-info["};
    const char *opcode = opcodes[random_below(random, sizeof(opcodes) / sizeof(opcodes[0]))];
    const char *field = fields[random_below(random, sizeof(fields) / sizeof(fields[0]))];
    size_t size = strlen(opcode) + 1 + strlen(field);
    if (room < size) {
        return 0;
    }
    memcpy(out, opcode, strlen(opcode));
    out[strlen(opcode)] = ':';
    memcpy(out + strlen(opcode) + 1, field, strlen(field));
    return size;
}

static const struct field text_fields[] = {{0, 1, 1}, {1, 1, 1}, {2, 1, 1}, {4, 1, 1}, {0, 0, 0}};

static size_t text_measure(const uint8_t *data, size_t size)
{
    (void)data;
    return size;
}

/* ------------------------------------------------------------------------------------ the table
 */

static const struct form forms[] = {
    {.target = "response",
     .preamble = 8,
     .unit = 32,
     .fields = description_fields,
     .fresh = fresh_description},
    {.target = "oom",
     .preamble = 8,
     .unit = 32,
     .fields = description_fields,
     .fresh = fresh_description},
    {.target = "chunks",
     .preamble = 8,
     .unit = 8,
     .fields = operation_fields,
     .fresh = fresh_operation},
    {.target = "frame",
     .preamble = 8,
     .measure = frame_measure,
     .fields = frame_fields,
     .fresh = fresh_frame,
     .stretch = frame_stretch},
    {.target = "execute",
     .preamble = 8,
     .measure = frame_measure,
     .fields = frame_fields,
     .fresh = fresh_request,
     .stretch = frame_stretch},
    {.target = "couchbase",
     .preamble = 8,
     .measure = frame_measure,
     .fields = frame_fields,
     .fresh = fresh_request,
     .stretch = frame_stretch},
    {.target = "shadow",
     .preamble = 8,
     .measure = frame_measure,
     .fields = frame_fields,
     .fresh = fresh_request,
     .stretch = frame_stretch},
    {.target = "cluster",
     .preamble = 8,
     .measure = frame_measure,
     .fields = frame_fields,
     .fresh = fresh_frame,
     .stretch = frame_stretch},
    {.target = "frameinfo",
     .preamble = 1,
     .measure = info_measure,
     .fields = info_fields,
     .fresh = fresh_info},
    {.target = "subdoc",
     .measure = subdoc_measure,
     .fields = subdoc_fields,
     .fresh = fresh_subdoc,
     .stretch = subdoc_stretch},
    {.target = "reassembly",
     .preamble = 8,
     .unit = 8,
     .fields = segment_fields,
     .fresh = fresh_segment},
    {.target = "decode",
     .measure = packet_measure,
     .locate = locate_in_unit,
     .fresh = fresh_unit,
     .stretch = stretch_in_unit},
    {.target = "savefile", .begin = begin_capture, .variant = capture_variant},
    {.target = "verify", .begin = begin_capture, .variant = capture_variant},
    {.target = "anonymise", .begin = begin_capture, .variant = capture_variant},
    {.target = "inspect", .begin = begin_capture, .variant = capture_variant},
    {.target = "empty", .measure = text_measure, .fields = text_fields},
    {.target = "mask", .measure = text_measure, .fields = text_fields, .fresh = fresh_mask},
    {.target = "sasl", .preamble = 1, .measure = text_measure, .fields = text_fields},
    {.target = "alike", .preamble = 3, .measure = text_measure, .fields = text_fields},
};

const struct form *form_find(const char *target)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].target, target) == 0) {
            return &forms[i];
        }
    }
    return NULL;
}
