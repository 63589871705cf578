/*
 * The secret that replacements depend on, and what is drawn from it: HMAC-SHA256 of bytes, and
 * streams of pseudo-random bytes (AES-256 in counter mode) that follow from 32 bytes. Both are
 * OpenSSL's.
 *
 * A failure of OpenSSL is remembered, and what was asked for is zeros: secret_failed at the end.
 * Not thread safe.
 */
#ifndef KVREPLAY_ANONYMISE_SECRET_H
#define KVREPLAY_ANONYMISE_SECRET_H

#include "base/span.h"

enum { SECRET_DIGEST_SIZE = 32, SECRET_SIZE_MIN = 16, SECRET_SIZE_MAX = 4096 };

struct secret;

/* `bytes` empty: 32 random ones. NULL if OpenSSL fails or there is no memory. */
struct secret *secret_create(struct span bytes);
void secret_destroy(struct secret *secret);

/* What a digest is for, so that no two uses share one. */
enum secret_use {
    SECRET_KEY_ROUND = 1,
    SECRET_VALUE_ROUND,
    SECRET_VALUE_STREAM,
    SECRET_NOISE,
    SECRET_KEY_NAME,
    SECRET_NUMBER,
    SECRET_VERSION,
    SECRET_TEXT_ROUND,
    SECRET_TEXT_STREAM,
    SECRET_ALPHABET,
    SECRET_KEY_ORDER,
    SECRET_CHECKSUM,
};

/* HMAC of the use and all parts; the caller sees to it that parts can't be mistaken. */
void secret_digest(struct secret *secret, enum secret_use use, const struct span *parts,
                   size_t count, uint8_t digest[SECRET_DIGEST_SIZE]);

/* Begins a stream that follows from the seed; secret_take gives its next bytes. One at a time. */
void secret_begin(struct secret *secret, const uint8_t seed[SECRET_DIGEST_SIZE]);
void secret_take(struct secret *secret, uint8_t *out, size_t size);

/* Bytes of a stream of its own for each `number`, from `offset` on. */
void secret_noise(struct secret *secret, uint64_t number, uint64_t offset, uint8_t *out,
                  size_t size);

bool secret_failed(const struct secret *secret);

#endif
