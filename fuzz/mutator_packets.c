/* Packets with a frame in them, for the mutator. */
#include "mutator_forms.h"

#include <string.h>

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
const struct field *locate_in_packet(struct random *random, const uint8_t *packet, size_t size,
                                     size_t *base)
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
void sum_ipv4(uint8_t *packet, size_t size)
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
bool stretch_packet(struct random *random, uint8_t *packet, size_t size, int32_t more, size_t *at)
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
size_t fresh_packet(struct random *random, uint8_t *out, size_t room)
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

size_t packet_measure(const uint8_t *data, size_t size)
{
    return size < 6 ? size : 6 + (size_t)get(data + 2, 2);
}

static const struct field packet_fields[] = {{0, 1, 2}, {1, 1, 2}, {2, 2, 4}, {4, 2, 3}, {0, 0, 0}};

const struct field *locate_in_unit(struct random *random, const uint8_t *unit, size_t size,
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

size_t fresh_unit(struct random *random, uint8_t *out, size_t room)
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

bool stretch_in_unit(struct random *random, uint8_t *unit, size_t size, int32_t more, size_t *at)
{
    if (size < 6 || !stretch_packet(random, unit + 6, size - 6, more, at)) {
        return false;
    }
    *at += 6;
    return grow_number(unit + 2, 2, more);
}
