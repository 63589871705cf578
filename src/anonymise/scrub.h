/*
 * The first pass: the file as it will be, with headers kept and pseudo-random bytes in the place of
 * everything else; and what the later passes have to know.
 */
#ifndef KVREPLAY_ANONYMISE_SCRUB_H
#define KVREPLAY_ANONYMISE_SCRUB_H

#include "anonymise/anonymise.h"
#include "anonymise/traffic.h"

struct scrub_datagrams {
    struct ip_datagram *datagrams; /* pieces are theirs */
    size_t count;
    size_t room;
};

struct scrub {
    struct secret *secret;
    struct span before; /* the file */
    uint8_t *after;
    struct places places;
    struct scrub_datagrams datagrams;
    uint64_t payload; /* bytes behind headers: of TCP and UDP */
    uint64_t outside; /* ... of them those that no place has been told of for */
    uint64_t other;   /* of anything else */
    struct anonymise_result *result;
    bool no_memory;
};

/* What a traffic_listener is told of. */
void scrub_packet(struct scrub *scrub, const struct traffic_packet *packet);
void scrub_part(struct scrub *scrub, const struct container_part *part);
void scrub_place(struct scrub *scrub, const struct place *place);
void scrub_datagram(struct scrub *scrub, const struct ip_datagram *datagram);

void scrub_deinit(struct scrub *scrub);

#endif
