/*
 * Which bytes of a packet are headers, and which are not: everything that isn't a header that is
 * known to hold nothing of what was said is replaced.
 */
#ifndef KVREPLAY_ANONYMISE_LAYOUT_H
#define KVREPLAY_ANONYMISE_LAYOUT_H

#include "net/layers.h"

/* Offsets are bytes from the packet's first; those of parts that were not captured are its size. */
struct layout {
    uint32_t kept;      /* before it: headers of the link, of IP and of the transport */
    uint32_t end;       /* behind it: what the IP packet does not reach to (padding) */
    uint32_t transport; /* where the transport's header begins; `kept` if there is none */
    uint32_t captured;  /* bytes of the transport's header and payload that were captured */
    uint32_t length;    /* ... that were sent */
    bool transports;    /* TCP or UDP, in one piece */
    bool is_ip;
    struct ip_header ip;        /* if is_ip; protocol is what `transport` begins with */
    struct net_endpoint source; /* the addresses, if is_ip */
    struct net_endpoint destination;
};

void layout_find(const struct net_packet *packet, struct layout *layout);

/* Bytes of headers that what follows the IP header begins with; at most bytes.size. */
uint32_t layout_transport_header(struct span bytes, uint8_t protocol);

/* Where the checksum lies in a transport's header; 0: the protocol has none that is known here. */
uint32_t layout_checksum_at(uint8_t protocol);

#endif
