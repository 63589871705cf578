/*
 * Whether bytes can be a secret at all: an upper bound of their randomness, from what kinds of
 * bytes they are and how much of them is repeated. What passes need not be random.
 */
#ifndef KVREPLAY_ANONYMISE_STRENGTH_H
#define KVREPLAY_ANONYMISE_STRENGTH_H

#include "base/span.h"

enum { STRENGTH_MIN = 96 /* bits; 16 random bytes have 128, and so have 32 hexadecimal digits */ };

/* Bits of randomness that the bytes, of which there are at most 4096, may have. */
size_t strength_at_most(struct span bytes);

#endif
