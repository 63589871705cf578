/*
 * A seeded hash of keys, after wyhash: eight bytes at a time are folded in by a 64 x 64 -> 128 bit
 * multiplication. Keys come from captures and clients, so the seed has to be secret.
 */
#ifndef KVREPLAY_BASE_HASH_H
#define KVREPLAY_BASE_HASH_H

#include "base/span.h"

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_word(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return word;
}

/* The last, possibly overlapping, eight bytes stand for the rest of a key longer than that. */
static inline uint64_t hash_key(struct span key, const uint64_t seed[2])
{
    uint64_t hash = seed[0] ^ (uint64_t)key.size * 0x9e3779b97f4a7c15u;
    const uint8_t *bytes = key.data;
    size_t left = key.size;
    for (; left > 8; left -= 8, bytes += 8) {
        hash = hash_fold(hash ^ hash_word(bytes, 8), seed[1]);
    }
    uint64_t tail = 0;
    if (key.size >= 8) {
        tail = hash_word(bytes + left - 8, 8);
    } else if (left > 0) {
        tail = hash_word(bytes, left);
    }
    return hash_fold(hash ^ tail, seed[1] ^ 0xe7037ed1a0b428dbu);
}

#endif
