/*
 * What the forms of inputs are made of, from the innermost: frames (mutator_frames.c), packets
 * around them (mutator_packets.c), captures around those (mutator_captures.c). The functions are
 * what struct form (mutator.h) asks for, unless something else is said.
 */
#ifndef KVREPLAY_FUZZ_MUTATOR_FORMS_H
#define KVREPLAY_FUZZ_MUTATOR_FORMS_H

#include "mutator.h"

enum { HEADER = 24 }; /* of a frame; a pcap file's has as many bytes */

/* Numbers in network order, of 1 to 4 bytes (get) and 1 to 8 (put). */
static inline uint32_t get(const uint8_t *bytes, size_t width)
{
    uint32_t number = 0;
    for (size_t i = 0; i < width; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static inline void put(uint8_t *bytes, size_t width, uint64_t number)
{
    for (size_t i = 0; i < width; i++) {
        bytes[width - 1 - i] = (uint8_t)(number >> (8 * i));
    }
}

static inline uint8_t *put_next(uint8_t *at, size_t width, uint64_t number)
{
    put(at, width, number);
    return at + width;
}

/* Has framing extras. */
static inline bool is_flex(uint8_t magic)
{
    return magic == 0x08 || magic == 0x18;
}

/* Adds to a number in place. False: it would not fit, and is left. */
bool grow_number(uint8_t *bytes, size_t width, int32_t more);

extern const struct field frame_fields[];
size_t frame_measure(const uint8_t *data, size_t size);
size_t fresh_request(struct random *random, uint8_t *out, size_t room);
size_t fresh_frame(struct random *random, uint8_t *out, size_t room); /* of any magic */
bool frame_stretch(struct random *random, uint8_t *unit, size_t size, int32_t more, size_t *at);

/* A packet from its link header on. */
const struct field *locate_in_packet(struct random *random, const uint8_t *packet, size_t size,
                                     size_t *base);
size_t fresh_packet(struct random *random, uint8_t *out, size_t room);
bool stretch_packet(struct random *random, uint8_t *packet, size_t size, int32_t more, size_t *at);
void sum_ipv4(uint8_t *packet, size_t size); /* puts the checksum of an IPv4 header right */

/* A packet in a list of them, as fuzz_decode.c has it. */
size_t packet_measure(const uint8_t *data, size_t size);
const struct field *locate_in_unit(struct random *random, const uint8_t *unit, size_t size,
                                   size_t *base, bool *little);
size_t fresh_unit(struct random *random, uint8_t *out, size_t room);
bool stretch_in_unit(struct random *random, uint8_t *unit, size_t size, int32_t more, size_t *at);

/* A subdocument operation. */
extern const struct field subdoc_fields[];
size_t subdoc_measure(const uint8_t *data, size_t size);
size_t fresh_subdoc(struct random *random, uint8_t *out, size_t room);
bool subdoc_stretch(struct random *random, uint8_t *unit, size_t size, int32_t more, size_t *at);

/* A pcap or pcapng file. */
size_t begin_capture(struct random *random, uint8_t *data, size_t size, size_t room);
const struct form *capture_variant(const uint8_t *data, size_t size);

#endif
