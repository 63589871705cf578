#include "sasl/client.h"

#include "sasl/attributes.h"
#include "sasl/base64.h"
#include "sasl/scram.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* The GS2 header: no channel binding, and nobody else to be. */
#define HEADER        "n,,"
#define HEADER_BASE64 "biws"

enum client_state { CLIENT_NEW, CLIENT_STARTED, CLIENT_PROVED, CLIENT_ENDED };

struct sasl_client {
    enum sasl_mechanism mechanism;
    enum client_state state;
    uint8_t name[SASL_NAME_MAX];
    size_t name_size;
    uint8_t password[SASL_PASSWORD_MAX];
    size_t password_size;
    struct buffer message;
    struct buffer nonce;
    struct buffer auth_message;          /* RFC 5802's AuthMessage, as far as it is there */
    uint8_t signature[SCRAM_DIGEST_MAX]; /* what the server's has to be */
};

static bool is_text(struct span text, size_t max)
{
    return text.size > 0 && text.size <= max && memchr(text.data, '\0', text.size) == NULL;
}

bool sasl_client_accepts(struct span name, struct span password)
{
    return is_text(name, SASL_NAME_MAX) && is_text(password, SASL_PASSWORD_MAX);
}

struct sasl_client *sasl_client_create(enum sasl_mechanism mechanism, struct span name,
                                       struct span password)
{
    if (!sasl_client_accepts(name, password)) {
        return NULL;
    }
    struct sasl_client *self = calloc(1, sizeof(*self));
    if (self != NULL) {
        self->mechanism = mechanism;
        memcpy(self->name, name.data, name.size);
        self->name_size = name.size;
        memcpy(self->password, password.data, password.size);
        self->password_size = password.size;
    }
    return self;
}

/* PLAIN's message has the password in it. */
static void wipe_message(struct sasl_client *self)
{
    if (self->message.bytes != NULL) {
        OPENSSL_cleanse(self->message.bytes, self->message.room);
    }
    buffer_deinit(&self->message);
}

void sasl_client_destroy(struct sasl_client *self)
{
    if (self != NULL) {
        wipe_message(self);
        buffer_deinit(&self->nonce);
        buffer_deinit(&self->auth_message);
        OPENSSL_cleanse(self, sizeof(*self));
        free(self);
    }
}

/* The end of a call. */
static enum sasl_status client_settle(struct sasl_client *self, enum sasl_status status,
                                      enum client_state next, struct span *message)
{
    self->state = status == SASL_CONTINUE ? next : CLIENT_ENDED;
    *message = status == SASL_CONTINUE ? buffer_span(&self->message) : span_of(NULL, 0);
    return status;
}

/* ---------------------------------------------------------------------------------- the first */

/* With room for all of it at once, so that nothing of the password stays behind when it grows. */
static bool write_plain(struct sasl_client *self)
{
    uint8_t *place = buffer_extend(&self->message, self->name_size + self->password_size + 2);
    if (place == NULL) {
        return false;
    }
    place[0] = '\0';
    memcpy(place + 1, self->name, self->name_size);
    place[1 + self->name_size] = '\0';
    memcpy(place + 2 + self->name_size, self->password, self->password_size);
    return true;
}

static bool write_scram(struct sasl_client *self)
{
    return scram_nonce_append(&self->nonce) && scram_text_append(&self->auth_message, "n=") &&
           scram_name_append(&self->auth_message, span_of(self->name, self->name_size)) &&
           scram_text_append(&self->auth_message, ",r=") &&
           buffer_append(&self->auth_message, buffer_span(&self->nonce)) &&
           scram_text_append(&self->message, HEADER) &&
           buffer_append(&self->message, buffer_span(&self->auth_message)) &&
           scram_text_append(&self->auth_message, ",");
}

enum sasl_status sasl_client_start(struct sasl_client *self, struct span *message)
{
    *message = span_of(NULL, 0);
    if (self->state != CLIENT_NEW) {
        return SASL_OUT_OF_ORDER;
    }
    bool written = self->mechanism == SASL_PLAIN ? write_plain(self) : write_scram(self);
    return client_settle(self, written ? SASL_CONTINUE : SASL_FAILED, CLIENT_STARTED, message);
}

/* ------------------------------------------------------------------------------- the challenge */

struct terms {
    struct span nonce;
    uint8_t salt[SCRAM_SALT_MAX];
    size_t salt_size;
    unsigned iterations;
};

/* The server adds to the client's nonce. */
static bool is_continued(const struct sasl_client *self, struct span nonce)
{
    struct span own = buffer_span(&self->nonce);
    return nonce.size > own.size && nonce.size <= SCRAM_NONCE_MAX && scram_is_nonce(nonce) &&
           span_equal(span_head(nonce, own.size), own);
}

static bool read_terms(const struct sasl_client *self, struct span challenge, struct terms *terms)
{
    struct span salt;
    struct span iterations;
    return challenge.size <= SASL_MESSAGE_MAX && scram_attributes_are_valid(challenge, "rsi") &&
           scram_attribute(challenge, 'r', &terms->nonce) && is_continued(self, terms->nonce) &&
           scram_attribute(challenge, 's', &salt) &&
           base64_decode(salt, terms->salt, SCRAM_SALT_MAX, &terms->salt_size) &&
           scram_attribute(challenge, 'i', &iterations) &&
           scram_iterations(iterations, SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX,
                            &terms->iterations);
}

/* The client's last message but for its proof; it is signed, too. */
static bool write_final(struct sasl_client *self, struct span challenge, struct span nonce)
{
    return scram_text_append(&self->message, "c=" HEADER_BASE64 ",r=") &&
           buffer_append(&self->message, nonce) && buffer_append(&self->auth_message, challenge) &&
           scram_text_append(&self->auth_message, ",") &&
           buffer_append(&self->auth_message, buffer_span(&self->message));
}

static bool prove(struct sasl_client *self, const struct terms *terms)
{
    struct scram_keys keys;
    uint8_t client_key[SCRAM_DIGEST_MAX];
    uint8_t proof[SCRAM_DIGEST_MAX];
    struct span all = buffer_span(&self->auth_message);
    bool proved = scram_derive(self->mechanism, span_of(self->password, self->password_size),
                               span_of(terms->salt, terms->salt_size), terms->iterations, &keys,
                               client_key) &&
                  scram_prove(self->mechanism, client_key, &keys, all, proof) &&
                  scram_sign(self->mechanism, keys.server, all, self->signature) &&
                  scram_text_append(&self->message, ",p=") &&
                  base64_append(&self->message, span_of(proof, scram_digest_size(self->mechanism)));
    OPENSSL_cleanse(&keys, sizeof(keys));
    OPENSSL_cleanse(client_key, sizeof(client_key));
    return proved;
}

enum sasl_status sasl_client_step(struct sasl_client *self, struct span challenge,
                                  struct span *message)
{
    struct terms terms;
    *message = span_of(NULL, 0);
    if (self->state != CLIENT_STARTED) {
        return SASL_OUT_OF_ORDER;
    }
    wipe_message(self);
    if (self->mechanism == SASL_PLAIN || !read_terms(self, challenge, &terms)) {
        return client_settle(self, SASL_MALFORMED, CLIENT_ENDED, message);
    }
    bool proved = write_final(self, challenge, terms.nonce) && prove(self, &terms);
    return client_settle(self, proved ? SASL_CONTINUE : SASL_FAILED, CLIENT_PROVED, message);
}

/* --------------------------------------------------------------------------------- the success */

static enum sasl_status verify(const struct sasl_client *self, struct span message)
{
    uint8_t signature[SCRAM_DIGEST_MAX];
    struct span text;
    size_t size;
    size_t wanted = scram_digest_size(self->mechanism);
    if (message.size > SASL_MESSAGE_MAX || !scram_attributes_are_valid(message, NULL) ||
        !scram_attribute(message, 'v', &text) ||
        !base64_decode(text, signature, sizeof(signature), &size)) {
        return SASL_MALFORMED;
    }
    bool same = size == wanted && CRYPTO_memcmp(signature, self->signature, wanted) == 0;
    return same ? SASL_OK : SASL_REFUSED;
}

static enum sasl_status finish(const struct sasl_client *self, struct span message)
{
    if (self->state == CLIENT_PROVED) {
        return verify(self, message);
    }
    if (message.size > 0) {
        return SASL_MALFORMED;
    }
    return self->mechanism == SASL_PLAIN ? SASL_OK : SASL_UNVERIFIED;
}

enum sasl_status sasl_client_finish(struct sasl_client *self, struct span message)
{
    if (self->state != CLIENT_STARTED && self->state != CLIENT_PROVED) {
        return SASL_OUT_OF_ORDER;
    }
    enum sasl_status status = finish(self, message);
    self->state = CLIENT_ENDED;
    return status;
}
