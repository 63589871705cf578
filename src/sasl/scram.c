#include "sasl/scram.h"

#include "sasl/base64.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

enum { NONCE_BYTES = 18 }; /* which SCRAM_NONCE_SIZE characters of base64 hold */

static const EVP_MD *digest_of(enum sasl_mechanism mechanism)
{
    switch (mechanism) {
    case SASL_SCRAM_SHA1:
        return EVP_sha1();
    case SASL_SCRAM_SHA256:
        return EVP_sha256();
    default:
        return EVP_sha512();
    }
}

size_t scram_digest_size(enum sasl_mechanism mechanism)
{
    return (size_t)EVP_MD_get_size(digest_of(mechanism));
}

bool scram_sign(enum sasl_mechanism mechanism, const uint8_t *key, struct span message,
                uint8_t signature[SCRAM_DIGEST_MAX])
{
    int size = (int)scram_digest_size(mechanism);
    return HMAC(digest_of(mechanism), key, size, message.data, message.size, signature, NULL) !=
           NULL;
}

static bool sign_text(enum sasl_mechanism mechanism, const uint8_t *key, const char *text,
                      uint8_t *signature)
{
    return scram_sign(mechanism, key, span_of(text, strlen(text)), signature);
}

/* The key as a server keeps it. */
static bool store(enum sasl_mechanism mechanism, const uint8_t *client_key, uint8_t *stored)
{
    size_t size = scram_digest_size(mechanism);
    return EVP_Digest(client_key, size, stored, NULL, digest_of(mechanism), NULL) == 1;
}

static bool salt_password(enum sasl_mechanism mechanism, struct span password, struct span salt,
                          unsigned iterations, uint8_t *salted)
{
    assert(password.size <= SASL_PASSWORD_MAX && salt.size <= SCRAM_SALT_MAX);
    return PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.size, salt.data,
                             (int)salt.size, (int)iterations, digest_of(mechanism),
                             (int)scram_digest_size(mechanism), salted) == 1;
}

bool scram_derive(enum sasl_mechanism mechanism, struct span password, struct span salt,
                  unsigned iterations, struct scram_keys *keys, uint8_t *client_key)
{
    uint8_t salted[SCRAM_DIGEST_MAX];
    uint8_t client[SCRAM_DIGEST_MAX];
    *keys = (struct scram_keys){0};
    bool derived = salt_password(mechanism, password, salt, iterations, salted) &&
                   sign_text(mechanism, salted, "Client Key", client) &&
                   sign_text(mechanism, salted, "Server Key", keys->server) &&
                   store(mechanism, client, keys->stored);
    if (derived && client_key != NULL) {
        memcpy(client_key, client, scram_digest_size(mechanism));
    }
    OPENSSL_cleanse(salted, sizeof(salted));
    OPENSSL_cleanse(client, sizeof(client));
    return derived;
}

static void mix(uint8_t *bytes, const uint8_t *others, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= others[i];
    }
}

bool scram_prove(enum sasl_mechanism mechanism, const uint8_t *client_key,
                 const struct scram_keys *keys, struct span message,
                 uint8_t proof[SCRAM_DIGEST_MAX])
{
    bool done = scram_sign(mechanism, keys->stored, message, proof);
    if (done) {
        mix(proof, client_key, scram_digest_size(mechanism));
    }
    return done;
}

bool scram_verify(enum sasl_mechanism mechanism, const struct scram_keys *keys, struct span message,
                  const uint8_t *proof, bool *holds)
{
    uint8_t client_key[SCRAM_DIGEST_MAX];
    uint8_t stored[SCRAM_DIGEST_MAX];
    size_t size = scram_digest_size(mechanism);
    *holds = false;
    if (!scram_sign(mechanism, keys->stored, message, client_key)) {
        return false;
    }
    mix(client_key, proof, size);
    bool known = store(mechanism, client_key, stored);
    *holds = known && CRYPTO_memcmp(stored, keys->stored, size) == 0;
    OPENSSL_cleanse(client_key, sizeof(client_key));
    return known;
}

bool scram_nonce_append(struct buffer *text)
{
    uint8_t bytes[NONCE_BYTES];
    return RAND_bytes(bytes, sizeof(bytes)) == 1 &&
           base64_append(text, span_of(bytes, sizeof(bytes)));
}

bool scram_text_append(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, span_of(text, strlen(text)));
}
