/*
 * Checksums of TCP, UDP and ICMP after their payload was replaced. A checksum is a sum of what was
 * replaced, and would tell 16 bits of it; but whether it is right decides which of two copies of a
 * segment counts (net/sum.h):
 *
 *   right before                    right again
 *   none, or left to the network    as it was: the payload isn't in it
 *   card (the sum of the addresses)
 *   anything else: wrong, or the    pseudo-random, and not right
 *   packet is cut
 */
#ifndef KVREPLAY_ANONYMISE_CHECKSUMS_H
#define KVREPLAY_ANONYMISE_CHECKSUMS_H

#include "anonymise/layout.h"
#include "anonymise/secret.h"

struct checksum_counts {
    uint64_t renewed;
    uint64_t kept;
    uint64_t unknown;
};

/* What a checksum is of: a transport's header and payload, before and after. */
struct checksummed {
    uint8_t protocol;
    bool whole; /* all that was sent is there */
    const struct net_endpoint *source;
    const struct net_endpoint *destination;
    struct span before;
    struct span after;
    uint64_t number; /* of the packet */
};

/* The two bytes that have to stand in `after`; false: there is none, or it is not captured. */
bool checksum_renew(struct secret *secret, const struct checksummed *sums,
                    struct checksum_counts *counts, uint8_t bytes[2]);

#endif
