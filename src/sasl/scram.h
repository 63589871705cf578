/*
 * What SCRAM computes (RFC 5802, section 3), for each of its digests.
 */
#ifndef KVREPLAY_SASL_SCRAM_H
#define KVREPLAY_SASL_SCRAM_H

#include "base/buffer.h"
#include "sasl/mechanism.h"

enum {
    SCRAM_DIGEST_MAX = 64, /* SHA-512's */
    SCRAM_SALT_MAX = 256,
    SCRAM_NONCE_MAX = 512, /* of client and server together */
    SCRAM_NONCE_SIZE = 24, /* of a part that is made here */
    /* The RFC's least number. A server that wants more than the most would have its clients
     * compute for its sake. */
    SCRAM_ITERATIONS_MIN = 4096,
    SCRAM_ITERATIONS_MAX = 1000000,
};

/* What a server keeps. Only the first bytes are used where a digest is shorter. */
struct scram_keys {
    uint8_t stored[SCRAM_DIGEST_MAX];
    uint8_t server[SCRAM_DIGEST_MAX];
};

/* `mechanism` is one of SCRAM's in all of these; false: no memory, or OpenSSL failed. */

/* Bytes of its digests, keys, proofs and signatures. */
size_t scram_digest_size(enum sasl_mechanism mechanism);

/* What follows from a password. client_key may be NULL: it is not wanted. */
bool scram_derive(enum sasl_mechanism mechanism, struct span password, struct span salt,
                  unsigned iterations, struct scram_keys *keys, uint8_t *client_key);

/* HMAC of the message, with one of the keys. */
bool scram_sign(enum sasl_mechanism mechanism, const uint8_t *key, struct span message,
                uint8_t signature[SCRAM_DIGEST_MAX]);

/* What a client proves that it knows the password by, to be sent: its key XOR its signature. */
bool scram_prove(enum sasl_mechanism mechanism, const uint8_t *client_key,
                 const struct scram_keys *keys, struct span message,
                 uint8_t proof[SCRAM_DIGEST_MAX]);

/* *holds: that is the proof of one who knows the password. `proof` has the digest's size. */
bool scram_verify(enum sasl_mechanism mechanism, const struct scram_keys *keys, struct span message,
                  const uint8_t *proof, bool *holds);

/* Adds SCRAM_NONCE_SIZE characters by chance. */
bool scram_nonce_append(struct buffer *text);

/* Adds a text. */
bool scram_text_append(struct buffer *buffer, const char *text);

#endif
