#include "anonymise/substitute.h"

#include "base/endian.h"

enum { ROUNDS = 10, CHUNK = 256, BYTE = 256 };

/* Digits from `low` on, `radix` of them. */
struct alphabet {
    uint8_t low;
    uint16_t radix;
};

/* Kinds of bytes, each a part of those behind it. */
static const struct alphabet KEY_KINDS[] = {{'!', '~' - '!' + 1}, {0, BYTE}};
static const struct alphabet VALUE_KINDS[] = {{'0', 10}, {' ', '~' - ' ' + 1}, {0, BYTE}};
static const struct alphabet *const VALUE_TEXT = &VALUE_KINDS[1];

static bool is_of(const struct alphabet *alphabet, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] < alphabet->low || bytes[i] - alphabet->low >= alphabet->radix) {
            return false;
        }
    }
    return true;
}

/* The first kind that all bytes are of. */
static const struct alphabet *kind_of(const struct alphabet *kinds, const uint8_t *bytes,
                                      size_t size)
{
    while (!is_of(kinds, bytes, size)) {
        kinds++;
    }
    return kinds;
}

/* What all rounds of a network have in common. */
struct network {
    struct secret *secret;
    enum secret_use use;
    const struct alphabet *alphabet;
};

/* Adds to each digit of `side` one that follows from the round and all of `other`. */
static void add_round(const struct network *network, uint8_t round, uint8_t *side, size_t size,
                      struct span other)
{
    const struct alphabet *alphabet = network->alphabet;
    uint8_t label[8] = {round, alphabet->low};
    uint8_t seed[SECRET_DIGEST_SIZE];
    uint8_t random[2 * CHUNK];
    write_be16(label + 2, alphabet->radix);
    write_be32(label + 4, (uint32_t)size);
    struct span parts[] = {span_of(label, sizeof(label)), other};
    secret_digest(network->secret, network->use, parts, 2, seed);
    if (2 * size > sizeof(seed)) {
        secret_begin(network->secret, seed);
    }
    for (size_t at = 0; at < size; at += CHUNK) {
        size_t count = size - at < CHUNK ? size - at : CHUNK;
        const uint8_t *numbers = seed;
        if (2 * size > sizeof(seed)) {
            secret_take(network->secret, random, 2 * count);
            numbers = random;
        }
        for (size_t i = 0; i < count; i++) {
            unsigned digit = (unsigned)(side[at + i] - alphabet->low) + read_be16(numbers + 2 * i);
            side[at + i] = (uint8_t)(alphabet->low + digit % alphabet->radix);
        }
    }
}

static void permute_digits(const struct network *network, uint8_t *digits, size_t size)
{
    size_t half = size / 2;
    for (uint8_t round = 0; round < ROUNDS; round++) {
        if (round % 2 == 0) {
            add_round(network, round, digits, half, span_of(digits + half, size - half));
        } else {
            add_round(network, round, digits + half, size - half, span_of(digits, half));
        }
    }
}

/* A single byte has no halves: it is taken for two digits of 4 bits. */
static void permute_byte(struct secret *secret, enum secret_use use, uint8_t *byte)
{
    static const struct alphabet nibbles = {0, 16};
    struct network network = {secret, use, &nibbles};
    uint8_t digits[2] = {*byte >> 4, *byte & 15};
    permute_digits(&network, digits, 2);
    *byte = (uint8_t)(digits[0] << 4 | digits[1]);
}

/* Goes on until the result is of the same kind, which keeps it a permutation of each kind. */
static void permute(struct secret *secret, enum secret_use use, const struct alphabet *kinds,
                    uint8_t *bytes, size_t size)
{
    const struct alphabet *kind = kind_of(kinds, bytes, size);
    struct network network = {secret, use, kind};
    do {
        if (size == 1) {
            permute_byte(secret, use, bytes);
        } else {
            permute_digits(&network, bytes, size);
        }
    } while (kind_of(kinds, bytes, size) != kind && !secret_failed(secret));
}

void substitute_key(struct secret *secret, uint8_t *bytes, size_t size)
{
    if (size > 0) {
        permute(secret, SECRET_KEY_ROUND, KEY_KINDS, bytes, size);
    }
}

static void stream(struct secret *secret, uint8_t *bytes, size_t size)
{
    struct span whole = span_of(bytes, size);
    bool is_text = is_of(VALUE_TEXT, bytes, size);
    uint8_t seed[SECRET_DIGEST_SIZE];
    secret_digest(secret, SECRET_VALUE_STREAM, &whole, 1, seed);
    secret_begin(secret, seed);
    secret_take(secret, bytes, size);
    for (size_t i = 0; is_text && i < size; i++) {
        bytes[i] = (uint8_t)(VALUE_TEXT->low + bytes[i] % VALUE_TEXT->radix);
    }
}

void substitute_value(struct secret *secret, uint8_t *bytes, size_t size)
{
    if (size > SUBSTITUTE_VALUE_EXACT) {
        stream(secret, bytes, size);
    } else if (size > 0) {
        permute(secret, SECRET_VALUE_ROUND, VALUE_KINDS, bytes, size);
    }
}

void substitute_unknown(struct secret *secret, uint64_t number, uint64_t offset, uint8_t *out,
                        size_t size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    secret_noise(secret, number, offset, out, size);
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)letters[out[i] % 32];
    }
}
