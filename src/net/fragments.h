/*
 * Datagrams that came in fragments, put together again: in any order, and where they overlap the
 * byte that came first stays. Memory is bounded; the datagram begun first makes room.
 */
#ifndef KVREPLAY_NET_FRAGMENTS_H
#define KVREPLAY_NET_FRAGMENTS_H

#include "net/layers.h"

struct fragments;

/* Room for bytes_max bytes, in datagrams of 64 KiB each (memory that is not written to costs none);
 * for at least one. NULL if there is no memory. */
struct fragments *fragments_create(size_t bytes_max);
void fragments_destroy(struct fragments *fragments);

/*
 * Adds what is left of a packet that is a fragment to its datagram. NET_SEGMENT: the datagram is
 * whole now, *wire and header->protocol are its own, valid until the next call. If bytes of it were
 * cut off, wire->bytes ends at the first of them.
 */
enum net_decoded fragments_add(struct fragments *fragments, struct wire *wire,
                               struct ip_header *header, const struct net_segment *segment,
                               const struct net_packet *packet);

/* After NET_SEGMENT: the datagram, valid until the next fragments_add. */
const struct net_datagram *fragments_whole(const struct fragments *fragments);

/* All that is held will not become whole any more. */
void fragments_abandon(struct fragments *fragments);

/* Captured payload bytes that became part of no datagram, because the rest never came or was cut,
 * and those that had come before. */
uint64_t fragments_abandoned(const struct fragments *fragments);
uint64_t fragments_repeated(const struct fragments *fragments);

#endif
