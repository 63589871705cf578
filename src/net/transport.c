#include "net/layers.h"

enum {
    UDP_SIZE = 8,
    TCP_NEEDED = 14, /* of the header: up to the flags; options may be cut */
};

static uint32_t tcp_header_size(const uint8_t *bytes)
{
    return (bytes[12] >> 4) * 4u;
}

static void strip_payload(const struct wire *wire, uint32_t header, struct net_segment *segment)
{
    uint32_t captured = (uint32_t)wire->bytes.size;
    uint32_t skip = captured < header ? captured : header;
    segment->payload = span_skip(wire->bytes, skip);
    segment->cut = wire->length - header - (captured - skip);
}

static enum net_decoded strip_tcp(struct wire *wire, struct net_segment *segment, uint32_t *cut)
{
    if (wire->bytes.size < TCP_NEEDED) {
        return wire_short(wire, LEAST_TCP, LEAST_TCP, cut);
    }
    const uint8_t *bytes = wire->bytes.data;
    uint32_t size = tcp_header_size(bytes);
    if (size < LEAST_TCP || size > wire->length) {
        return NET_MALFORMED;
    }
    segment->source.port = read_be16(bytes);
    segment->destination.port = read_be16(bytes + 2);
    segment->sequence = read_be32(bytes + 4);
    segment->acknowledgement = read_be32(bytes + 8);
    segment->flags = bytes[13];
    segment->transport = wire->bytes;
    strip_payload(wire, size, segment);
    return NET_SEGMENT;
}

static enum net_decoded strip_udp(struct wire *wire, struct net_segment *segment, uint32_t *cut)
{
    if (wire->bytes.size < UDP_SIZE) {
        return wire_short(wire, UDP_SIZE, UDP_SIZE, cut);
    }
    const uint8_t *bytes = wire->bytes.data;
    uint32_t length = read_be16(bytes + 4);
    if (length == 0) { /* more than 16 bits can say */
        length = wire->length;
    }
    if (length < UDP_SIZE || length > wire->length) {
        return NET_MALFORMED;
    }
    wire_end_at(wire, length);
    segment->source.port = read_be16(bytes);
    segment->destination.port = read_be16(bytes + 2);
    segment->sequence = 0;
    segment->acknowledgement = 0;
    segment->flags = 0;
    segment->transport = span_of(NULL, 0);
    strip_payload(wire, UDP_SIZE, segment);
    return NET_SEGMENT;
}

enum net_decoded transport_strip(struct wire *wire, uint8_t protocol, struct net_segment *segment,
                                 uint32_t *cut)
{
    if (protocol == NET_TCP) {
        segment->protocol = NET_TCP;
        return strip_tcp(wire, segment, cut);
    }
    if (protocol == NET_UDP) {
        segment->protocol = NET_UDP;
        return strip_udp(wire, segment, cut);
    }
    return NET_NOT_TRANSPORT;
}

uint32_t transport_header_size(struct span bytes, uint8_t protocol)
{
    if (bytes.size == 0) {
        return 0;
    }
    if (protocol == NET_TCP) {
        return bytes.size < TCP_NEEDED ? LEAST_TCP : tcp_header_size(bytes.data);
    }
    return protocol == NET_UDP ? UDP_SIZE : 0;
}
