/*
 * What a pcapng file says of packets that its recorder dropped; libpcap does not say it. Fed with
 * the file's bytes as they are read, in any pieces; its memory does not grow with the file.
 *
 * epb_dropcount counts the packets dropped since the packet before, isb_ifdrop and isb_osdrop those
 * since the capture began; of an interface that has both the larger sum counts.
 * Source: draft-ietf-opsawg-pcapng, sections 4.3, 4.6 and A.1.
 */
#ifndef KVREPLAY_CAPTURE_DROPS_H
#define KVREPLAY_CAPTURE_DROPS_H

#include "base/span.h"

enum {
    DROPS_INTERFACES = 64, /* counted apart; those beyond share the last one's counts */
    DROPS_GATHERED = 20,   /* bytes, the most that are looked at together */
};

struct drops_interface {
    uint64_t between; /* sum of epb_dropcount */
    uint64_t by_interface;
    uint64_t by_system;
};

/* What the next bytes are. */
enum drops_step {
    DROPS_BLOCK,
    DROPS_PACKET,
    DROPS_STATISTICS,
    DROPS_OPTION,
    DROPS_COUNT,
    DROPS_OFF
};

struct drops { /* all zero to begin with */
    enum drops_step step;
    uint64_t skip;  /* bytes before those */
    uint64_t left;  /* bytes of the block behind those gathered, its last length not counted */
    uint32_t block; /* its type */
    uint16_t option;
    bool swapped;
    bool begun;
    struct drops_interface *current;
    uint64_t earlier; /* packets, of the sections before */
    struct drops_interface interfaces[DROPS_INTERFACES];
    size_t gathered;
    uint8_t bytes[DROPS_GATHERED];
};

void drops_feed(struct drops *drops, struct span bytes);

/* Packets that were dropped, by what has been fed. */
uint64_t drops_total(const struct drops *drops);

#endif
