#include "anonymise/layout.h"

enum {
    ICMP = 1,
    ICMP_IPV6 = 58,
    ICMP_HEADER = 8, /* behind it there may be a part of any other packet */
    ARP_SIZE = 28,
    EXTENSION_FIXED = 8, /* bytes that each extension header has */
};

static uint32_t layout_at_most(size_t number, size_t limit)
{
    return (uint32_t)(number < limit ? number : limit);
}

uint32_t layout_transport_header(struct span bytes, uint8_t protocol)
{
    if (protocol == NET_TCP || protocol == NET_UDP) {
        uint32_t size = transport_header_size(bytes, protocol);
        uint32_t least = protocol == NET_TCP ? LEAST_TCP : LEAST_TRANSPORT;
        return layout_at_most(size > least ? size : least,
                              bytes.size); /* a wrong length stays wrong */
    }
    return protocol == ICMP || protocol == ICMP_IPV6 ? layout_at_most(ICMP_HEADER, bytes.size) : 0;
}

uint32_t layout_checksum_at(uint8_t protocol)
{
    switch (protocol) {
    case NET_TCP:
        return 16;
    case NET_UDP:
        return 6;
    case ICMP:
    case ICMP_IPV6:
        return 2;
    default:
        return 0;
    }
}

/* Behind the link's header: ARP for IPv4 over Ethernet holds addresses only. */
static bool is_arp(struct span bytes)
{
    static const uint8_t beginning[] = {0, 1, 8, 0, 6, 4};
    return bytes.size >= ARP_SIZE && memcmp(bytes.data, beginning, sizeof(beginning)) == 0;
}

static void find_transport(struct layout *layout, struct wire wire, struct net_segment *segment)
{
    uint32_t cut = 0;
    layout->captured = (uint32_t)wire.bytes.size;
    layout->length = wire.length;
    if (layout->ip.protocol == NET_UDP && !layout->ip.fragment &&
        wire.bytes.size >= LEAST_TRANSPORT) {
        uint32_t length = read_be16(wire.bytes.data + 4);
        if (length >= LEAST_TRANSPORT && length <= wire.length) { /* what is behind is padding */
            layout->length = length;
            layout->captured = layout_at_most(layout->captured, length);
        }
    }
    if (!layout->ip.fragment) {
        layout->transports =
            transport_strip(&wire, layout->ip.protocol, segment, &cut) == NET_SEGMENT;
    }
}

/* The addresses and the fixed part of an IP header that can't be read any further. */
static uint32_t ip_fixed(struct span bytes)
{
    if (bytes.size == 0) {
        return 0;
    }
    uint8_t version = bytes.data[0] >> 4;
    return layout_at_most(version == 4 ? LEAST_IPV4 : version == 6 ? LEAST_IPV6 : 1, bytes.size);
}

void layout_find(const struct net_packet *packet, struct layout *layout)
{
    const uint8_t *first = packet->bytes.data;
    struct wire wire = {.bytes = packet->bytes, .length = packet->length};
    struct net_segment segment = {0};
    uint32_t cut = 0;
    *layout = (struct layout){.end = (uint32_t)packet->bytes.size};

    enum net_decoded link = link_strip(packet->link, &wire, &cut);
    uint32_t behind_link = (uint32_t)(wire.bytes.data - first);
    layout->kept = layout->transport = behind_link;
    if (link != NET_SEGMENT) {
        layout->kept += is_arp(wire.bytes) ? ARP_SIZE : 0;
        return;
    }
    layout->kept += ip_fixed(wire.bytes);
    if (ip_strip(&wire, &layout->ip, &segment, &cut) != NET_SEGMENT) {
        uint32_t cut_at = (uint32_t)(wire.bytes.data - first);
        if (cut_at > behind_link) { /* an extension header, which says how much is missing */
            layout->kept = cut_at + layout_at_most(wire.bytes.size, EXTENSION_FIXED);
        }
        return;
    }
    layout->is_ip = true;
    layout->source = segment.source;
    layout->destination = segment.destination;
    layout->transport = (uint32_t)(wire.bytes.data - first);
    find_transport(layout, wire, &segment);
    layout->end = layout->transport + layout->captured;
    layout->kept = layout->transport;
    if (!layout->ip.fragment || layout->ip.offset == 0) {
        layout->kept +=
            layout_transport_header(span_head(wire.bytes, layout->captured), layout->ip.protocol);
    }
}
