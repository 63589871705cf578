/* Captures, pcap and pcapng, little-endian, for the mutator. */
#include "mutator_forms.h"

#include <string.h>

enum { RECORD = 16 };

static uint32_t get_little(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void put_little(uint8_t *bytes, uint32_t number)
{
    for (size_t i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (8 * i));
    }
}

static size_t record_measure(const uint8_t *data, size_t size)
{
    return size < RECORD ? size : RECORD + (size_t)get_little(data + 8);
}

static const struct field record_fields[] = {
    {8, 4, 4}, {12, 4, 3}, {0, 4, 1}, {4, 4, 1}, {0, 0, 0}};

static const struct field *locate_in_record(struct random *random, const uint8_t *unit, size_t size,
                                            size_t *base, bool *little)
{
    if (size < RECORD || random_below(random, 5) == 0) {
        *little = true;
        return record_fields;
    }
    const struct field *fields = locate_in_packet(random, unit + RECORD, size - RECORD, base);
    *base += RECORD;
    return fields;
}

static size_t fresh_record(struct random *random, uint8_t *out, size_t room)
{
    size_t size = room < RECORD ? 0 : fresh_packet(random, out + RECORD, room - RECORD);
    if (size == 0) {
        return 0;
    }
    memset(out, 0, RECORD);
    put_little(out, 1700000000 + random_below(random, 4));
    put_little(out + 8, (uint32_t)size);
    put_little(out + 12, (uint32_t)size);
    return RECORD + size;
}

static bool stretch_in_record(struct random *random, uint8_t *unit, size_t size, int32_t more,
                              size_t *at)
{
    if (size < RECORD || !stretch_packet(random, unit + RECORD, size - RECORD, more, at)) {
        return false;
    }
    *at += RECORD;
    put_little(unit + 8, get_little(unit + 8) + (uint32_t)more);
    put_little(unit + 12, get_little(unit + 12) + (uint32_t)more);
    return true;
}

static void repair_records(uint8_t *data, size_t size)
{
    for (size_t at = HEADER; at + RECORD < size;) {
        size_t record = record_measure(data + at, size - at);
        record = record < size - at ? record : size - at;
        sum_ipv4(data + at + RECORD, record - RECORD);
        at += record;
    }
}

/* A file header of Ethernet packets, microseconds. */
static size_t begin_pcap(uint8_t *out)
{
    memset(out, 0, HEADER);
    put_little(out, 0xa1b2c3d4);
    put_little(out + 4, 4u << 16 | 2); /* version 2.4 */
    put_little(out + 16, 65536);       /* bytes captured of a packet, at most */
    put_little(out + 20, 1);
    return HEADER;
}

/* ------------------------------------------------------------------- pcapng, little-endian: blocks
 */

enum { BLOCK_MIN = 12, PACKET_BLOCK = 28, INTERFACE_BLOCK = 20, SECTION_BLOCK = 28 };

static size_t block_measure(const uint8_t *data, size_t size)
{
    return size < BLOCK_MIN ? size : (size_t)get_little(data + 4);
}

static const struct field block_fields[] = {{4, 4, 4},  {20, 4, 4}, {24, 4, 3}, {8, 4, 2},
                                            {12, 4, 1}, {0, 4, 1},  {0, 0, 0}};

/* Both copies of the length, around what is there. */
static size_t close_block(uint8_t *out, uint32_t type, size_t size)
{
    put_little(out, type);
    put_little(out + 4, (uint32_t)size);
    put_little(out + size - 4, (uint32_t)size);
    return size;
}

static size_t section_block(uint8_t *out)
{
    memset(out, 0, SECTION_BLOCK);
    put_little(out + 8, 0x1a2b3c4d);
    put_little(out + 12, 1); /* version 1.0 */
    memset(out + 16, 0xff, 8);
    return close_block(out, 0x0a0d0d0a, SECTION_BLOCK);
}

static size_t interface_block(uint8_t *out)
{
    memset(out, 0, INTERFACE_BLOCK);
    put_little(out + 8, 1); /* Ethernet */
    return close_block(out, 1, INTERFACE_BLOCK);
}

static size_t packet_block(struct random *random, uint8_t *out, size_t room)
{
    size_t size = room < PACKET_BLOCK + 8
                      ? 0
                      : fresh_packet(random, out + PACKET_BLOCK, room - PACKET_BLOCK - 8);
    if (size == 0) {
        return 0;
    }
    size_t padded = (size + 3) / 4 * 4;
    memset(out, 0, PACKET_BLOCK);
    put_little(out + 12, 0x60000);
    put_little(out + 20, (uint32_t)size);
    put_little(out + 24, (uint32_t)size);
    memset(out + PACKET_BLOCK + size, 0, padded - size);
    return close_block(out, 6, PACKET_BLOCK + padded + 4);
}

static size_t fresh_block(struct random *random, uint8_t *out, size_t room)
{
    uint32_t choice = random_below(random, 16);
    if (choice > 1) {
        return packet_block(random, out, room);
    }
    return room < SECTION_BLOCK ? 0 : choice == 1 ? interface_block(out) : section_block(out);
}

static const struct field *locate_in_block(struct random *random, const uint8_t *unit, size_t size,
                                           size_t *base, bool *little)
{
    if (size < PACKET_BLOCK || get_little(unit) != 6 || random_below(random, 3) == 0) {
        *little = true;
        return block_fields;
    }
    const struct field *fields =
        locate_in_packet(random, unit + PACKET_BLOCK, size - PACKET_BLOCK, base);
    *base += PACKET_BLOCK;
    return fields;
}

static bool stretch_in_block(struct random *random, uint8_t *unit, size_t size, int32_t more,
                             size_t *at)
{
    if (size < PACKET_BLOCK + 4 || get_little(unit) != 6 || more % 4 != 0) {
        return false; /* padding stays as it is */
    }
    size_t captured = get_little(unit + 20);
    if (captured > size - PACKET_BLOCK - 4 ||
        !stretch_packet(random, unit + PACKET_BLOCK, captured, more, at)) {
        return false;
    }
    *at += PACKET_BLOCK;
    static const size_t lengths[] = {4, 20, 24};
    for (size_t i = 0; i < 3; i++) {
        put_little(unit + lengths[i], get_little(unit + lengths[i]) + (uint32_t)more);
    }
    put_little(unit + size - 4, get_little(unit + 4));
    return true;
}

static void repair_blocks(uint8_t *data, size_t size)
{
    for (size_t at = 0; size - at >= BLOCK_MIN;) {
        size_t block = block_measure(data + at, size - at);
        if (block < BLOCK_MIN || block > size - at) {
            return;
        }
        put_little(data + at + block - 4, (uint32_t)block);
        if (get_little(data + at) == 6 && block > PACKET_BLOCK + 4) {
            sum_ipv4(data + at + PACKET_BLOCK, block - PACKET_BLOCK - 4);
        }
        at += block;
    }
}

/* By their first bytes: both kinds of pcap in both byte orders, pcapng, gzip, zstd. */
size_t begin_capture(struct random *random, uint8_t *data, size_t size, size_t room)
{
    static const uint8_t firsts[] = {0xd4, 0xa1, 0x4d, 0x0a, 0x1f, 0x28};
    if ((size >= 4 && memchr(firsts, data[0], sizeof(firsts)) != NULL) ||
        room < SECTION_BLOCK + INTERFACE_BLOCK) {
        return size;
    }
    if (random_below(random, 4) != 0) {
        return begin_pcap(data);
    }
    size = section_block(data);
    return size + interface_block(data + size);
}

static const struct form pcap_form = {.preamble = HEADER,
                                      .measure = record_measure,
                                      .locate = locate_in_record,
                                      .fresh = fresh_record,
                                      .stretch = stretch_in_record,
                                      .repair = repair_records};
static const struct form pcapng_form = {.measure = block_measure,
                                        .locate = locate_in_block,
                                        .fresh = fresh_block,
                                        .stretch = stretch_in_block,
                                        .repair = repair_blocks};

const struct form *capture_variant(const uint8_t *data, size_t size)
{
    return size >= 4 && get_little(data) == 0x0a0d0d0a ? &pcapng_form : &pcap_form;
}
