/*
 * The forms of the targets' inputs: what a unit is, which numbers in it are sizes, how a valid one
 * is made.
 */
#include "mutator.h"

#include <string.h>

enum { HEADER = 24 };

static uint32_t get(const uint8_t *bytes, size_t width)
{
    uint32_t number = 0;
    for (size_t i = 0; i < width; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static void put(uint8_t *bytes, size_t width, uint64_t number)
{
    for (size_t i = 0; i < width; i++) {
        bytes[width - 1 - i] = (uint8_t)(number >> (8 * i));
    }
}

static uint8_t *put_next(uint8_t *at, size_t width, uint64_t number)
{
    put(at, width, number);
    return at + width;
}

/* --------------------------------------------------------------------------------- MCBP frames */

static const struct field frame_fields[] = {
    {2, 2, 4}, {2, 1, 3}, {3, 1, 3},  {4, 1, 4},  {8, 4, 6},  {0, 1, 2},  {1, 1, 3},
    {5, 1, 1}, {6, 2, 1}, {12, 4, 1}, {16, 8, 2}, {24, 4, 2}, {28, 4, 2}, {0, 0, 0},
};

static size_t frame_measure(const uint8_t *data, size_t size)
{
    if (size < HEADER) {
        return size;
    }
    size_t whole = HEADER + (size_t)get(data + 8, 4);
    return whole < size ? whole : size;
}

static bool is_flex(uint8_t magic)
{
    return magic == 0x08 || magic == 0x18;
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

static size_t fresh_request(struct random *random, uint8_t *out, size_t room)
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
static size_t fresh_frame(struct random *random, uint8_t *out, size_t room)
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

static bool grow_number(uint8_t *bytes, size_t width, int32_t more)
{
    int64_t number = (int64_t)get(bytes, width) + more;
    if (number < 0 || (width < 4 && number >> (8 * width) != 0)) {
        return false;
    }
    put(bytes, width, (uint64_t)number);
    return true;
}

/* Framing extras, extras, key or value; the value has no number of its own. */
static bool frame_stretch(struct random *random, uint8_t *unit, size_t size, int32_t more,
                          size_t *at)
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

/* ----------------------------------------------------------------------------------- packets */

/* The headers around a TCP or UDP payload, in an Ethernet frame or what follows its first 14
 * bytes. */
struct layers {
    size_t ip;
    size_t transport; /* 0: none */
    size_t payload;
    bool udp;
};

static struct layers find_layers(const uint8_t *packet, size_t size, size_t link)
{
    struct layers layers = {.ip = link};
    if (size < link + 20) {
        return layers;
    }
    const uint8_t *ip = packet + link;
    uint8_t version = ip[0] >> 4;
    size_t header = version == 4 ? (ip[0] & 15u) * 4 : 40;
    uint8_t protocol = version == 4 ? ip[9] : ip[6];
    if ((version != 4 && version != 6) || (protocol != 6 && protocol != 17) ||
        link + header + 20 > size) {
        return layers;
    }
    layers.transport = link + header;
    layers.udp = protocol == 17;
    layers.payload =
        layers.transport + (layers.udp ? 8 : (packet[layers.transport + 12] >> 4) * 4u);
    layers.payload = layers.payload < size ? layers.payload : size;
    return layers;
}

/* The link header's size, by what an IP header behind it looks like. */
static size_t guess_link(const uint8_t *packet, size_t size)
{
    static const uint8_t sizes[] = {14, 16, 20, 4, 0, 18, 22};
    for (size_t i = 0; i < sizeof(sizes); i++) {
        if (size > sizes[i] + 20u && (packet[sizes[i]] == 0x45 || packet[sizes[i]] == 0x60)) {
            return sizes[i];
        }
    }
    return 14;
}

static const struct field ipv4_fields[] = {{2, 2, 5}, {0, 1, 2}, {6, 2, 3},
                                           {9, 1, 1}, {4, 2, 1}, {0, 0, 0}};
static const struct field ipv6_fields[] = {{4, 2, 5},  {6, 1, 3}, {40, 1, 2}, {41, 1, 3},
                                           {42, 2, 3}, {0, 1, 1}, {0, 0, 0}};
static const struct field tcp_fields[] = {{4, 4, 5},  {8, 4, 3}, {12, 1, 4},
                                          {13, 1, 3}, {0, 2, 1}, {0, 0, 0}};
static const struct field udp_fields[] = {{4, 2, 5}, {8, 2, 1}, {10, 2, 3}, {12, 2, 3}, {0, 0, 0}};

/* A field of one of the packet's layers, the frame in the payload among them. */
static const struct field *locate_in_packet(struct random *random, const uint8_t *packet,
                                            size_t size, size_t *base)
{
    struct layers layers = find_layers(packet, size, guess_link(packet, size));
    uint32_t depth = random_below(random, layers.transport == 0 ? 1 : 4);
    if (depth == 0) {
        *base = layers.ip;
        return layers.ip < size && packet[layers.ip] >> 4 == 6 ? ipv6_fields : ipv4_fields;
    }
    if (depth == 1) {
        *base = layers.transport;
        return layers.udp ? udp_fields : tcp_fields;
    }
    *base = layers.payload + (layers.udp ? 8 : 0);
    return frame_fields;
}

/* The sums of TCP and UDP stay as they are: nobody who reads captures may rely on them, since where
 * the network card makes them they are captured wrong; kvreplay doesn't look at them. */
static void sum_ipv4(uint8_t *packet, size_t size)
{
    size_t at = guess_link(packet, size);
    if (at + 20 > size || packet[at] >> 4 != 4) {
        return;
    }
    size_t header = (packet[at] & 15u) * 4;
    if (header < 20 || at + header > size) {
        return;
    }
    uint32_t sum = 0;
    put(packet + at + 10, 2, 0);
    for (size_t i = 0; i < header; i += 2) {
        sum += get(packet + at + i, 2);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    put(packet + at + 10, 2, ~sum & 0xffff);
}

/* The frame in the payload, and every length around it. */
static bool stretch_packet(struct random *random, uint8_t *packet, size_t size, int32_t more,
                           size_t *at)
{
    struct layers layers = find_layers(packet, size, guess_link(packet, size));
    if (layers.transport == 0) {
        return false;
    }
    size_t payload = layers.payload + (layers.udp ? 8 : 0);
    uint8_t *ip = packet + layers.ip;
    if (payload > size || !frame_stretch(random, packet + payload, size - payload, more, at)) {
        return false;
    }
    *at += payload;
    if (layers.udp) {
        grow_number(packet + layers.transport + 4, 2, more);
    }
    return grow_number(ip[0] >> 4 == 4 ? ip + 2 : ip + 4, 2, more);
}

/* Ethernet, IPv4 or IPv6, TCP or UDP, and a request. Returns the size. */
static size_t fresh_packet(struct random *random, uint8_t *out, size_t room)
{
    uint8_t frame[1600];
    size_t size = fresh_request(random, frame, sizeof(frame));
    bool udp = random_below(random, 4) == 0;
    bool six = random_below(random, 4) == 0;
    size_t behind = (udp ? 16 : 20) + size;
    uint8_t *at = out + 12;
    if (room < 54 + behind) {
        return 0;
    }
    memset(out, 2, 12);
    at = put_next(at, 2, six ? 0x86dd : 0x0800);
    if (six) {
        at = put_next(at, 4, 0x60000000);
        at = put_next(at, 2, behind);
        at = put_next(at, 2, (udp ? 17 : 6) << 8 | 64);
        memset(at, 0xfd, 32);
        at[31] = 1;
        at += 32;
    } else {
        at = put_next(at, 2, 0x4500);
        at = put_next(at, 2, 20 + behind);
        at = put_next(at, 4, 0x00074000);
        at = put_next(at, 4, (uint32_t)(64 << 8 | (udp ? 17 : 6)) << 16);
        at = put_next(at, 8, 0x0a0000010a000002);
    }
    at = put_next(at, 4, random_below(random, 2) == 0 ? 0x9c402bcb : 0x2bcb9c40);
    if (udp) {
        at = put_next(at, 4, (8 + 8 + size) << 16);
        at = put_next(at, 8, 0x0001000000010000); /* request 1, datagram 0 of 1 */
    } else {
        at = put_next(at, 4, 1000 + random_below(random, 2000));
        at = put_next(at, 4, 1000);
        at = put_next(at, 4, 0x5018ffff);
        at = put_next(at, 4, 0);
    }
    memcpy(at, frame, size);
    return (size_t)(at - out) + size;
}

/* ------------------------------------------------ a list of packets, as fuzz_decode.c has them */

static size_t packet_measure(const uint8_t *data, size_t size)
{
    return size < 6 ? size : 6 + (size_t)get(data + 2, 2);
}

static const struct field packet_fields[] = {{0, 1, 2}, {1, 1, 2}, {2, 2, 4}, {4, 2, 3}, {0, 0, 0}};

static const struct field *locate_in_unit(struct random *random, const uint8_t *unit, size_t size,
                                          size_t *base, bool *little)
{
    (void)little;
    if (size < 6 || random_below(random, 4) == 0) {
        return packet_fields;
    }
    const struct field *fields = locate_in_packet(random, unit + 6, size - 6, base);
    *base += 6;
    return fields;
}

static size_t fresh_unit(struct random *random, uint8_t *out, size_t room)
{
    size_t size = room < 6 ? 0 : fresh_packet(random, out + 6, room - 6);
    if (size == 0) {
        return 0;
    }
    memset(out, 0, 6);
    out[1] = (uint8_t)random_below(random, 256);
    put(out + 2, 2, size);
    return 6 + size;
}

static bool stretch_in_unit(struct random *random, uint8_t *unit, size_t size, int32_t more,
                            size_t *at)
{
    if (size < 6 || !stretch_packet(random, unit + 6, size - 6, more, at)) {
        return false;
    }
    *at += 6;
    return grow_number(unit + 2, 2, more);
}

/* --------------------------------------------------------------------- captures, little-endian */

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
static size_t begin_capture(struct random *random, uint8_t *data, size_t size, size_t room)
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

static const struct form *capture_variant(const uint8_t *data, size_t size)
{
    return size >= 4 && get_little(data) == 0x0a0d0d0a ? &pcapng_form : &pcap_form;
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
    {.target = "frameinfo",
     .preamble = 1,
     .measure = info_measure,
     .fields = info_fields,
     .fresh = fresh_info},
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
    {.target = "empty", .measure = text_measure, .fields = text_fields},
    {.target = "mask", .measure = text_measure, .fields = text_fields, .fresh = fresh_mask},
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
