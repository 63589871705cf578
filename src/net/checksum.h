/*
 * The checksum of IP and TCP: RFC 1071.
 */
#ifndef KVREPLAY_NET_CHECKSUM_H
#define KVREPLAY_NET_CHECKSUM_H

#include "net/packet.h"

/* Bytes summed up so far. Zeroed: none. */
struct checksum {
    uint64_t sum;
    bool odd; /* an odd number of bytes: the next belongs into the low half of a word */
};

/* What TCP and UDP sum up before themselves (RFC 9293, 3.1; RFC 8200, 8.1): addresses, protocol and
 * the size of header and payload. */
struct checksum checksum_pseudo_header(const struct net_endpoint *source,
                                       const struct net_endpoint *destination, uint8_t protocol,
                                       size_t size);

void checksum_add(struct checksum *checksum, struct span bytes);

/* The number to be written to the header, in network order. */
uint16_t checksum_of(const struct checksum *checksum);

#endif
