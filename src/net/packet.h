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
};

enum { NET_ENDPOINT_TEXT_SIZE = 56 };

/* "127.0.0.1:11211" or "[::1]:11211", written to `text`, which is returned. */
const char *net_endpoint_text(const struct net_endpoint *endpoint,
                              char text[NET_ENDPOINT_TEXT_SIZE]);

#endif
