#include "net/layers.h"

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_8021Q = 0x8100,
    ETHERTYPE_8021AD = 0x88a8,
    ETHERTYPE_QINQ = 0x9100,

    ETHERNET_SIZE = 14,
    TAG_SIZE = 4,
    SLL_SIZE = 16,
    SLL2_SIZE = 20,
    FAMILY_SIZE = 4,

    LEAST_BEHIND = LEAST_IPV4 + LEAST_TRANSPORT,
};

/* The numbers that operating systems have given to AF_INET and AF_INET6. */
static bool family_is_ip(uint32_t family)
{
    static const uint8_t known[] = {2, 10, 23, 24, 28, 30};
    return family <= 30 && memchr(known, (int)family, sizeof(known)) != NULL;
}

/* Takes off a header of `size` bytes with the type of what follows at `type_at`, and VLAN tags. */
static enum net_decoded strip_typed(struct wire *wire, uint32_t size, uint32_t type_at,
                                    uint32_t *cut)
{
    if (wire->bytes.size < size) {
        return wire_short(wire, size, size + LEAST_BEHIND, cut);
    }
    uint16_t type = read_be16(wire->bytes.data + type_at);
    wire_skip(wire, size);
    while (type == ETHERTYPE_8021Q || type == ETHERTYPE_8021AD || type == ETHERTYPE_QINQ) {
        if (wire->bytes.size < TAG_SIZE) {
            return wire_short(wire, TAG_SIZE, TAG_SIZE + LEAST_BEHIND, cut);
        }
        type = read_be16(wire->bytes.data + 2);
        wire_skip(wire, TAG_SIZE);
    }
    return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6 ? NET_SEGMENT : NET_NOT_TRANSPORT;
}

/* Takes off an address family; with `swapped`, one that is in the other byte order is fine too. */
static enum net_decoded strip_family(struct wire *wire, bool swapped, uint32_t *cut)
{
    if (wire->bytes.size < FAMILY_SIZE) {
        return wire_short(wire, FAMILY_SIZE, FAMILY_SIZE + LEAST_BEHIND, cut);
    }
    uint32_t family = read_be32(wire->bytes.data);
    wire_skip(wire, FAMILY_SIZE);
    if (family_is_ip(family) || (swapped && family_is_ip(__builtin_bswap32(family)))) {
        return NET_SEGMENT;
    }
    return NET_NOT_TRANSPORT;
}

enum net_decoded link_strip(enum net_link link, struct wire *wire, uint32_t *cut)
{
    switch (link) {
    case NET_LINK_ETHERNET:
        return strip_typed(wire, ETHERNET_SIZE, 12, cut);
    case NET_LINK_SLL:
        return strip_typed(wire, SLL_SIZE, 14, cut);
    case NET_LINK_SLL2:
        return strip_typed(wire, SLL2_SIZE, 0, cut);
    case NET_LINK_NULL:
        return strip_family(wire, true, cut);
    case NET_LINK_LOOP:
        return strip_family(wire, false, cut);
    case NET_LINK_RAW:
        return NET_SEGMENT;
    }
    return NET_NOT_TRANSPORT;
}
