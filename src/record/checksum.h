/*
 * The checksum of IP and TCP: RFC 1071.
 */
#ifndef KVREPLAY_RECORD_CHECKSUM_H
#define KVREPLAY_RECORD_CHECKSUM_H

#include "base/span.h"

/* Bytes summed up so far. Zeroed: none. */
struct checksum {
    uint64_t sum;
    bool odd; /* an odd number of bytes: the next belongs into the low half of a word */
};

void checksum_add(struct checksum *checksum, struct span bytes);

/* The number to be written to the header, in network order. */
uint16_t checksum_of(const struct checksum *checksum);

#endif
