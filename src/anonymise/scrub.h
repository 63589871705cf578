/*
 * The first pass: the file as it will be, with headers kept and pseudo-random bytes in the place of
 * everything else; and what the later passes have to know.
 */
#ifndef KVREPLAY_ANONYMISE_SCRUB_H
#define KVREPLAY_ANONYMISE_SCRUB_H

#include "anonymise/datagrams.h"
#include "anonymise/places.h"
#include "anonymise/result.h"
#include "anonymise/traffic.h"

struct scrub {
    struct secret *secret;
    struct span before; /* the file */
    uint8_t *after;
    struct places places;
    struct datagrams datagrams;
    uint64_t *packets_at; /* in the file: the payload of each packet, or, of fragments and others
                             that have none, the packet */
    size_t packets_room;
    size_t packets;
    uint64_t payload; /* bytes behind headers: of TCP and UDP */
    uint64_t other;   /* of anything else */
    struct anonymise_result *result;
    bool no_memory;
};

/* Each packet, and each part of the file around packets. */
void scrub_packet(struct scrub *scrub, const struct traffic_packet *packet);
void scrub_part(struct scrub *scrub, const struct container_part *part);

/* Now it is known where the segment lies that a packet has: as dissect_consumer.taken has it. */
void scrub_taken(struct scrub *scrub, const struct net_segment *segment,
                 const struct net_origin *origin, const struct dissect_range *range);

void scrub_deinit(struct scrub *scrub);

#endif
