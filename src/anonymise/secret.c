#include "anonymise/secret.h"

#include "base/endian.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum { RANDOM_SIZE = 32, IV_SIZE = 16 };

struct secret {
    EVP_MAC_CTX *mac;
    EVP_CIPHER_CTX *stream;
    EVP_CIPHER_CTX *noise;
    bool failed;
};

static bool begin_mac(struct secret *self, struct span bytes)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    self->mac = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    return self->mac != NULL && EVP_MAC_init(self->mac, bytes.data, bytes.size, parameters) == 1;
}

static bool begin_ciphers(struct secret *self)
{
    uint8_t seed[SECRET_DIGEST_SIZE];
    secret_digest(self, SECRET_NOISE, NULL, 0, seed);
    self->stream = EVP_CIPHER_CTX_new();
    self->noise = EVP_CIPHER_CTX_new();
    bool begun = self->stream != NULL && self->noise != NULL && !self->failed &&
                 EVP_EncryptInit_ex(self->stream, EVP_aes_256_ctr(), NULL, NULL, NULL) == 1 &&
                 EVP_EncryptInit_ex(self->noise, EVP_aes_256_ctr(), NULL, seed, NULL) == 1;
    OPENSSL_cleanse(seed, sizeof(seed));
    return begun;
}

struct secret *secret_create(struct span bytes)
{
    uint8_t random[RANDOM_SIZE];
    struct secret *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    if (bytes.size == 0) {
        bytes = span_of(random, RAND_bytes(random, sizeof(random)) == 1 ? sizeof(random) : 0);
    }
    bool begun = bytes.size > 0 && begin_mac(self, bytes) && begin_ciphers(self);
    OPENSSL_cleanse(random, sizeof(random));
    if (!begun) {
        secret_destroy(self);
        return NULL;
    }
    return self;
}

void secret_destroy(struct secret *self)
{
    if (self != NULL) {
        EVP_MAC_CTX_free(self->mac);
        EVP_CIPHER_CTX_free(self->stream);
        EVP_CIPHER_CTX_free(self->noise);
        free(self);
    }
}

static void secret_check(struct secret *self, bool done, uint8_t *out, size_t size)
{
    if (!done) {
        self->failed = true;
        memset(out, 0, size);
    }
}

void secret_digest(struct secret *self, enum secret_use use, const struct span *parts, size_t count,
                   uint8_t digest[SECRET_DIGEST_SIZE])
{
    uint8_t prefix = (uint8_t)use;
    size_t size = 0;
    bool done =
        EVP_MAC_init(self->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(self->mac, &prefix, 1) == 1;
    for (size_t i = 0; i < count && done; i++) {
        done = EVP_MAC_update(self->mac, parts[i].data, parts[i].size) == 1;
    }
    done = done && EVP_MAC_final(self->mac, digest, &size, SECRET_DIGEST_SIZE) == 1 &&
           size == SECRET_DIGEST_SIZE;
    secret_check(self, done, digest, SECRET_DIGEST_SIZE);
}

void secret_begin(struct secret *self, const uint8_t seed[SECRET_DIGEST_SIZE])
{
    static const uint8_t iv[IV_SIZE] = {0};
    if (EVP_EncryptInit_ex(self->stream, NULL, NULL, seed, iv) != 1) {
        self->failed = true;
    }
}

/* The key stream: what encrypting zeros gives. */
static void take(struct secret *self, EVP_CIPHER_CTX *cipher, uint8_t *out, size_t size)
{
    enum { AT_ONCE = 1 << 30 };
    while (size > 0) {
        int part = size < AT_ONCE ? (int)size : AT_ONCE;
        int written = 0;
        memset(out, 0, (size_t)part);
        bool done = EVP_EncryptUpdate(cipher, out, &written, out, part) == 1 && written == part;
        secret_check(self, done, out, (size_t)part);
        out += part;
        size -= (size_t)part;
    }
}

void secret_take(struct secret *self, uint8_t *out, size_t size)
{
    take(self, self->stream, out, size);
}

void secret_noise(struct secret *self, uint64_t number, uint64_t offset, uint8_t *out, size_t size)
{
    uint8_t iv[IV_SIZE];
    uint8_t skipped[IV_SIZE];
    write_be64(iv, number);
    write_be64(iv + 8, offset / IV_SIZE);
    if (EVP_EncryptInit_ex(self->noise, NULL, NULL, NULL, iv) != 1) {
        self->failed = true;
    }
    take(self, self->noise, skipped, offset % IV_SIZE);
    take(self, self->noise, out, size);
}

bool secret_failed(const struct secret *self)
{
    return self->failed;
}
