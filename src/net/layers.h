/*
 * The layers that net_decode takes off one after the other: link, IP, transport. Each looks at the
 * bytes in front and answers NET_SEGMENT for "go on with what is left", or the final verdict.
 */
#ifndef KVREPLAY_NET_LAYERS_H
#define KVREPLAY_NET_LAYERS_H

#include "base/endian.h"
#include "net/packet.h"

/* What is left of a packet behind the headers taken off so far. */
struct wire {
    struct span bytes; /* captured */
    uint32_t length;   /* sent, at least bytes.size */
};

/* What an IP header says, apart from the addresses, which go into the segment at once. */
struct ip_header {
    uint8_t protocol; /* of what is left */
    bool fragment;    /* only a part of a datagram is left; the next three say which */
    bool more;
    uint32_t offset; /* bytes */
    uint32_t id;
};

enum {
    /* The least that the headers behind a cut one take: so `cut` is never told too small. */
    LEAST_IPV4 = 20,
    LEAST_IPV6 = 40,
    LEAST_TCP = 20,
    LEAST_TRANSPORT = 8,
};

static inline void wire_skip(struct wire *wire, uint32_t size)
{
    wire->bytes = span_skip(wire->bytes, size);
    wire->length -= size;
}

/* Cuts off what is behind the first `length` bytes (padding). They need not all be captured. */
static inline void wire_end_at(struct wire *wire, uint32_t length)
{
    wire->length = length;
    if (wire->bytes.size > length) {
        wire->bytes.size = length;
    }
}

/* The verdict when the `size` bytes of a header were not all captured. */
static inline enum net_decoded wire_short(const struct wire *wire, uint32_t size, uint32_t least,
                                          uint32_t *cut)
{
    if (wire->length < size) {
        return NET_MALFORMED;
    }
    *cut = wire->length > least ? wire->length - least : 0;
    return NET_HEADERS_CUT;
}

/* Takes off the link layer's header; what is left begins with an IP header. */
enum net_decoded link_strip(enum net_link link, struct wire *wire, uint32_t *cut);

/* Takes off the IP header with extensions, up to a fragment's, and the padding. */
enum net_decoded ip_strip(struct wire *wire, struct ip_header *header, struct net_segment *segment,
                          uint32_t *cut);

/* Takes off extension headers (IPv6's, and AH), from the one that header->protocol names. */
enum net_decoded ip_strip_extensions(struct wire *wire, struct ip_header *header, uint32_t *cut);

/* Whether that protocol is TCP or UDP, or can have them behind it. */
bool ip_may_carry_transport(uint8_t protocol);

/* Takes off the TCP or UDP header, and sets all of the segment but the addresses. */
enum net_decoded transport_strip(struct wire *wire, uint8_t protocol, struct net_segment *segment,
                                 uint32_t *cut);

/* Bytes of the TCP or UDP header that begins with `bytes`, for counting what is payload. */
uint32_t transport_header_size(struct span bytes, uint8_t protocol);

#endif
