/*
 * Unsigned LEB128 of 32-bit numbers, as it stands before keys (a collection's id) and in the
 * answers of range scans (lengths): 7 bits a byte, the lowest first, bit 7 set in all bytes but the
 * last.
 *
 * A number has exactly one form, the shortest. Source: docs/Collections.md and
 * include/mcbp/protocol/unsigned_leb128.h in couchbase/kv_engine.
 */
#ifndef KVREPLAY_MCBP_LEB128_H
#define KVREPLAY_MCBP_LEB128_H

#include "base/span.h"

enum { MCBP_LEB128_MAX = 5 /* bytes */ };

enum mcbp_leb128 {
    MCBP_LEB128_OK,
    MCBP_LEB128_CUT,  /* the bytes end before the number does; also: there are none */
    MCBP_LEB128_LONG, /* more than 5 bytes, longer than needed, or beyond 32 bits */
};

/* Takes a number off the beginning of `bytes`. Unless MCBP_LEB128_OK, both stay as they are. */
enum mcbp_leb128 mcbp_leb128_take(struct span *bytes, uint32_t *number);

/* Writes the form of `number`. Returns how many bytes it has, 1 to MCBP_LEB128_MAX. */
size_t mcbp_leb128_write(uint32_t number, uint8_t out[MCBP_LEB128_MAX]);

#endif
