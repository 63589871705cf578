#include "net/layers.h"

enum {
    HOP_BY_HOP = 0,
    ROUTING = 43,
    FRAGMENT = 44,
    AUTHENTICATION = 51,
    DESTINATION_OPTIONS = 60,
    MOBILITY = 135,

    FRAGMENT_SIZE = 8,
    MORE_FRAGMENTS = 0x2000,
    FRAGMENT_OFFSET = 0x1fff,
};

static enum net_decoded strip_ipv4(struct wire *wire, struct ip_header *header,
                                   struct net_segment *segment, uint32_t *cut)
{
    if (wire->bytes.size < LEAST_IPV4) {
        return wire_short(wire, LEAST_IPV4, LEAST_IPV4 + LEAST_TRANSPORT, cut);
    }
    const uint8_t *bytes = wire->bytes.data;
    uint32_t size = (bytes[0] & 0x0fu) * 4;
    uint32_t total = read_be16(bytes + 2);
    if (total == 0) { /* left to the network card, which cuts the segment (TSO) */
        total = wire->length;
    }
    if (size < LEAST_IPV4 || total < size) {
        return NET_MALFORMED;
    }
    wire_end_at(wire, total);
    if (wire->bytes.size < size) {
        return wire_short(wire, size, size + LEAST_TRANSPORT, cut);
    }

    uint32_t fragment = read_be16(bytes + 6);
    header->protocol = bytes[9];
    header->fragment = (fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)) != 0;
    header->more = (fragment & MORE_FRAGMENTS) != 0;
    header->offset = (fragment & FRAGMENT_OFFSET) * 8;
    header->id = read_be16(bytes + 4);
    segment->source = (struct net_endpoint){.family = 4};
    segment->destination = (struct net_endpoint){.family = 4};
    memcpy(segment->source.address, bytes + 12, 4);
    memcpy(segment->destination.address, bytes + 16, 4);
    wire_skip(wire, size);
    if (header->protocol == AUTHENTICATION && !header->fragment) {
        return ip_strip_extensions(wire, header, cut);
    }
    return NET_SEGMENT;
}

static enum net_decoded strip_ipv6(struct wire *wire, struct ip_header *header,
                                   struct net_segment *segment, uint32_t *cut)
{
    if (wire->bytes.size < LEAST_IPV6) {
        return wire_short(wire, LEAST_IPV6, LEAST_IPV6 + LEAST_TRANSPORT, cut);
    }
    const uint8_t *bytes = wire->bytes.data;
    uint32_t length = read_be16(bytes + 4);
    header->protocol = bytes[6];
    header->fragment = false;
    segment->source.family = 6;
    segment->destination.family = 6;
    memcpy(segment->source.address, bytes + 8, 16);
    memcpy(segment->destination.address, bytes + 24, 16);
    wire_skip(wire, LEAST_IPV6);
    if (length != 0) { /* else more than 16 bits can say (TSO, jumbogram) */
        wire_end_at(wire, length);
    }
    return NET_SEGMENT;
}

static bool is_extension(uint8_t protocol)
{
    return protocol == HOP_BY_HOP || protocol == ROUTING || protocol == FRAGMENT ||
           protocol == DESTINATION_OPTIONS || protocol == MOBILITY || protocol == AUTHENTICATION;
}

bool ip_may_carry_transport(uint8_t protocol)
{
    return protocol == NET_TCP || protocol == NET_UDP || is_extension(protocol);
}

static uint32_t extension_size(uint8_t protocol, const uint8_t *bytes)
{
    switch (protocol) {
    case FRAGMENT:
        return FRAGMENT_SIZE;
    case AUTHENTICATION:
        return (bytes[1] + 2u) * 4;
    default:
        return (bytes[1] + 1u) * 8;
    }
}

enum net_decoded ip_strip_extensions(struct wire *wire, struct ip_header *header, uint32_t *cut)
{
    while (is_extension(header->protocol)) {
        if (wire->bytes.size < FRAGMENT_SIZE) {
            return wire_short(wire, FRAGMENT_SIZE, FRAGMENT_SIZE + LEAST_TRANSPORT, cut);
        }
        const uint8_t *bytes = wire->bytes.data;
        uint32_t size = extension_size(header->protocol, bytes);
        if (wire->bytes.size < size) {
            return wire_short(wire, size, size + LEAST_TRANSPORT, cut);
        }
        bool fragment = header->protocol == FRAGMENT;
        header->protocol = bytes[0];
        if (fragment) {
            uint32_t place = read_be16(bytes + 2);
            header->more = (place & 1) != 0;
            header->offset = place & 0xfff8;
            header->id = read_be32(bytes + 4);
        }
        wire_skip(wire, size);
        if (fragment && (header->more || header->offset != 0)) { /* else an "atomic" fragment */
            header->fragment = true;
            return NET_SEGMENT;
        }
    }
    return NET_SEGMENT;
}

enum net_decoded ip_strip(struct wire *wire, struct ip_header *header, struct net_segment *segment,
                          uint32_t *cut)
{
    if (wire->bytes.size == 0) {
        return wire_short(wire, 1, LEAST_IPV4 + LEAST_TRANSPORT, cut);
    }
    uint8_t version = wire->bytes.data[0] >> 4;
    if (version == 4) {
        return strip_ipv4(wire, header, segment, cut);
    }
    if (version != 6) {
        return NET_MALFORMED;
    }
    enum net_decoded verdict = strip_ipv6(wire, header, segment, cut);
    return verdict == NET_SEGMENT ? ip_strip_extensions(wire, header, cut) : verdict;
}
