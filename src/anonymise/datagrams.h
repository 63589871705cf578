/*
 * IP datagrams that came in fragments: where in the file their bytes lie.
 */
#ifndef KVREPLAY_ANONYMISE_DATAGRAMS_H
#define KVREPLAY_ANONYMISE_DATAGRAMS_H

#include "dissect/consumer.h"

/* One fragment's part of a datagram: what follows its IP header. */
struct ip_piece {
    uint32_t offset; /* in the datagram */
    uint32_t size;   /* as captured */
    uint64_t file_at;
};

struct ip_datagram {
    uint64_t packet;    /* with which it became whole */
    uint8_t protocol;   /* of the transport */
    uint32_t transport; /* where its header begins: behind IPv6's extension headers */
    uint32_t payload;   /* where that ends */
    uint32_t length;    /* of all of it */
    bool captured;      /* ... which is in the file */
    struct net_endpoint source;
    struct net_endpoint destination;
    struct ip_piece *pieces; /* in the order in which they came: of copies the first one counts */
    size_t count;
};

struct datagrams { /* all zero to begin with */
    struct ip_datagram *datagrams;
    size_t count;
    size_t room;
};

/* Adds the datagram that a packet has made whole. `packets_at` has where in the file each packet
 * lies, from packet 1 on. NULL: no memory. */
const struct ip_datagram *datagrams_add(struct datagrams *datagrams,
                                        const struct dissect_packet *packet,
                                        const uint64_t *packets_at);

/* The one that the packet of that number has made whole, NULL if it has none. */
const struct ip_datagram *datagrams_find(const struct datagrams *datagrams, uint64_t packet);

void datagrams_deinit(struct datagrams *datagrams);

/* Copies [from, from + size) of the datagram out of the file. Bytes not captured are left alone. */
void ip_datagram_read(const struct ip_datagram *datagram, const uint8_t *file, uint32_t from,
                      uint8_t *out, uint32_t size);

#endif
