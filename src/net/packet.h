/*
 * What the capture gives and what the link, IP, TCP and UDP headers say of it.
 */
#ifndef KVREPLAY_NET_PACKET_H
#define KVREPLAY_NET_PACKET_H

#include "base/span.h"

/* How a packet's first bytes are to be read (libpcap's link-layer header types, by their names). */
enum net_link {
    NET_LINK_ETHERNET, /* with any number of 802.1Q, 802.1ad and old QinQ tags */
    NET_LINK_SLL,      /* Linux cooked v1 */
    NET_LINK_SLL2,     /* Linux cooked v2 */
    NET_LINK_NULL,     /* BSD loopback, address family in either byte order */
    NET_LINK_LOOP,     /* OpenBSD loopback, address family in network order */
    NET_LINK_RAW,      /* the packet begins with the IP header */
};
enum { NET_LINKS = NET_LINK_RAW + 1 };

struct net_packet {
    uint64_t number; /* in its capture, from 1 */
    int64_t time;    /* Unix time in nanoseconds */
    enum net_link link;
    struct span bytes; /* as captured */
    uint32_t length;   /* on the wire, at least bytes.size */
};

enum net_protocol { NET_TCP = 6, NET_UDP = 17 };

struct net_endpoint {
    uint8_t family;      /* 4 or 6 */
    uint8_t address[16]; /* the first 4 bytes for IPv4, the rest 0 */
    uint16_t port;
};

enum net_tcp_flag { NET_FIN = 0x01, NET_SYN = 0x02, NET_RST = 0x04, NET_ACK = 0x10 };

/* One TCP segment or UDP datagram. */
struct net_segment {
    enum net_protocol protocol;
    struct net_endpoint source;
    struct net_endpoint destination;
    struct span payload;      /* what was captured of it */
    uint32_t cut;             /* payload bytes that the snap length cut off after that */
    uint32_t sequence;        /* TCP only, as are the following */
    uint32_t acknowledgement; /* meaningful with NET_ACK */
    uint8_t flags;
    struct span transport; /* the TCP header and the payload, for the checksum; empty: not known */
};

/* What a fragment brought to its datagram, or repeated. */
struct net_part {
    uint64_t packet;
    uint32_t at;     /* its place in the packet */
    uint32_t offset; /* ... in the datagram */
    uint32_t size;   /* as captured */
};

/* A datagram that came in fragments, behind its IP header. */
struct net_datagram {
    struct span bytes; /* up to the first that was not captured */
    uint32_t length;   /* of all of it, as sent */
    struct net_part *parts;
    size_t count; /* of them, in the order in which they came: of bytes that came twice the first
                     ones count */
};

enum { NET_ENDPOINT_TEXT_SIZE = 56 };

/* "127.0.0.1:11211" or "[::1]:11211", written to `text`, which is returned. */
const char *net_endpoint_text(const struct net_endpoint *endpoint,
                              char text[NET_ENDPOINT_TEXT_SIZE]);

/* What a packet was found to be. */
enum net_decoded {
    NET_SEGMENT,       /* *segment is set */
    NET_FRAGMENT_HELD, /* part of a datagram, the others are to come */
    NET_NOT_TRANSPORT, /* ARP, ICMP, another link-layer or IP protocol: no TCP or UDP payload */
    NET_HEADERS_CUT,   /* the snap length cut into the headers; *cut has the payload bytes lost, or
                          the most it can be where the header that says it was cut */
    NET_MALFORMED,     /* a length or a version in the headers can't be; no payload is counted */
};

#endif
