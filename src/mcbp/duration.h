/*
 * How long a server took, as frame infos have it (DURATION, THROTTLE): a 16-bit number that tells
 * small durations apart exactly, and two minutes to a few milliseconds. Source:
 * docs/BinaryProtocol.md in couchbase/kv_engine.
 */
#ifndef KVREPLAY_MCBP_DURATION_H
#define KVREPLAY_MCBP_DURATION_H

#include <stdint.h>

enum { MCBP_DURATION_MAX = 120125042 /* microseconds, of the largest number */ };

/* Microseconds, rounded. */
uint32_t mcbp_duration_decode(uint16_t number);

/* The number nearest to so many microseconds; more than MCBP_DURATION_MAX are taken as that. */
uint16_t mcbp_duration_encode(uint64_t microseconds);

#endif
