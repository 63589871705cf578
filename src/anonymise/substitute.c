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

static bool substitute_is_of(const struct alphabet *alphabet, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] < alphabet->low || bytes[i] - alphabet->low >= alphabet->radix) {
            return false;
        }
    }
    return true;
}

/* The first kind that all bytes are of. */
static const struct alphabet *substitute_kind_of(const struct alphabet *kinds, const uint8_t *bytes,
                                                 size_t size)
{
    while (!substitute_is_of(kinds, bytes, size)) {
        kinds++;
    }
    return kinds;
}

static const char UNKNOWN[] = "abcdefghijklmnopqrstuvwxyz234567";

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
    const struct alphabet *kind = substitute_kind_of(kinds, bytes, size);
    struct network network = {secret, use, kind};
    do {
        if (size == 1) {
            permute_byte(secret, use, bytes);
        } else {
            permute_digits(&network, bytes, size);
        }
    } while (substitute_kind_of(kinds, bytes, size) != kind && !secret_failed(secret));
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
    bool is_text = substitute_is_of(VALUE_TEXT, bytes, size);
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

/* ------------------------------------------------------------------------------------- counters */

static bool substitute_is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_sign(uint8_t byte)
{
    return byte == '+' || byte == '-';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/*
 * As strtoull reads, and memcached with it; what ends the digits is a part of it, as are the blanks
 * that memcached leaves behind a number that becomes shorter. Of parts of a value that are read one
 * after the other this is the same as of the whole.
 */
static size_t counted_size(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && substitute_is_blank(bytes[at])) {
        at++;
    }
    at += at < size && is_sign(bytes[at]);
    while (at < size && is_digit(bytes[at])) {
        at++;
    }
    at += at < size && is_sign(bytes[at]);
    while (at < size && (substitute_is_blank(bytes[at]) || bytes[at] == '\0')) {
        at++;
    }
    return at;
}

/*
 * memcached takes a number of 2^63 or more for none if there is a minus behind it, wherever: so
 * there has to be one, or none, as before. A permutation goes on until that is so, and is one
 * still; a stream, which is as good as random, is put right. `minus`: where the first was, or NULL.
 */
static bool keeps_minus(uint8_t *rest, size_t size, uint8_t *minus)
{
    for (size_t i = 0; size > SUBSTITUTE_VALUE_EXACT && i < size; i++) {
        rest[i] = rest[i] == '-' ? '_' : rest[i];
    }
    if (size > SUBSTITUTE_VALUE_EXACT && minus != NULL) {
        *minus = '-';
    }
    return (memchr(rest, '-', size) != NULL) == (minus != NULL);
}

size_t substitute_counter(struct secret *secret, uint8_t *bytes, size_t size)
{
    size_t kept = counted_size(bytes, size);
    if (kept == size) {
        return kept;
    }
    uint8_t *rest = bytes + kept;
    uint8_t *minus = memchr(rest, '-', size - kept);
    do { /* what is kept becomes no longer, which keeps it a permutation, too */
        substitute_value(secret, rest, size - kept);
    } while ((!keeps_minus(rest, size - kept, minus) || counted_size(bytes, size) != kept) &&
             !secret_failed(secret));
    return kept;
}

/* -------------------------------------------------------------------------------- unknown bytes */

void substitute_unknown(struct secret *secret, uint64_t number, uint64_t offset, uint8_t *out,
                        size_t size)
{
    secret_noise(secret, number, offset, out, size);
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)UNKNOWN[out[i] % SUBSTITUTE_UNKNOWN_KINDS];
    }
}

uint8_t substitute_other_unknown(uint8_t byte)
{
    const char *place = memchr(UNKNOWN, byte, SUBSTITUTE_UNKNOWN_KINDS);
    size_t next = place == NULL ? 0 : (size_t)(place - UNKNOWN) + 1;
    return (uint8_t)UNKNOWN[next % SUBSTITUTE_UNKNOWN_KINDS];
}
