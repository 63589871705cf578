#include "sasl/server.h"

#include "sasl/attributes.h"
#include "sasl/base64.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_SIZE = 16 };

struct sasl_server {
    const struct sasl_users *users;
    enum sasl_mechanism mechanism;
    bool begun; /* a challenge was sent */
    bool authenticated;
    struct buffer reply;
    struct buffer auth_message; /* RFC 5802's AuthMessage, as far as it is there */
    struct buffer binding;      /* base64 of the client's GS2 header, which it has to repeat */
    struct buffer nonce;
    struct sasl_account account;
    uint8_t name[SASL_NAME_MAX];
    size_t name_size;
};

struct sasl_server *sasl_server_create(const struct sasl_users *users)
{
    struct sasl_server *self = calloc(1, sizeof(*self));
    if (self != NULL) {
        self->users = users;
    }
    return self;
}

/* Forgets the exchange, but not who has logged in. */
static void forget(struct sasl_server *self)
{
    buffer_deinit(&self->auth_message);
    buffer_deinit(&self->binding);
    buffer_deinit(&self->nonce);
    OPENSSL_cleanse(&self->account, sizeof(self->account));
    self->begun = false;
}

void sasl_server_destroy(struct sasl_server *self)
{
    if (self != NULL) {
        forget(self);
        buffer_deinit(&self->reply);
        free(self);
    }
}

struct span sasl_server_user(const struct sasl_server *self)
{
    return span_of(self->name, self->authenticated ? self->name_size : 0);
}

/* The end of a call: what was begun goes on only behind a challenge. */
static enum sasl_status settle(struct sasl_server *self, enum sasl_status status,
                               struct span *reply)
{
    bool answers = status == SASL_CONTINUE || status == SASL_OK;
    self->begun = status == SASL_CONTINUE;
    self->authenticated = status == SASL_OK;
    if (!self->begun) {
        forget(self);
    }
    *reply = answers ? buffer_span(&self->reply) : span_of(NULL, 0);
    return status;
}

/* -------------------------------------------------------------------------------------- PLAIN */

/* Takes what is before the next NUL. False: there is none. */
static bool take_text(struct span *message, struct span *text)
{
    const uint8_t *end = message->size == 0 ? NULL : memchr(message->data, '\0', message->size);
    if (end == NULL) {
        return false;
    }
    *text = span_head(*message, (size_t)(end - message->data));
    *message = span_skip(*message, text->size + 1);
    return true;
}

/* The user's name and a password behind whom it wants to be, which is ignored. A NUL behind the
 * password, which some clients send, is no part of it. */
static enum sasl_status start_plain(struct sasl_server *self, struct span message)
{
    struct span name;
    bool matches;
    if (!take_text(&message, &name) || !take_text(&message, &name) || name.size > SASL_NAME_MAX) {
        return SASL_MALFORMED;
    }
    if (message.size > 0 && message.data[message.size - 1] == '\0') {
        message = span_head(message, message.size - 1);
    }
    if (!sasl_users_check(self->users, name, message, &matches)) {
        return SASL_FAILED;
    }
    memcpy(self->name, name.data, name.size);
    self->name_size = name.size;
    return matches ? SASL_OK : SASL_REFUSED;
}

/* -------------------------------------------------------------------------------------- SCRAM */

/* Takes the GS2 header: without channel binding, whom the client wants to be is ignored. */
static bool take_header(struct span *message, struct span *header)
{
    if (message->size < 3 || memcmp(message->data, "n,", 2) != 0) {
        return false;
    }
    const uint8_t *comma = memchr(message->data + 2, ',', message->size - 2);
    if (comma == NULL) {
        return false;
    }
    *header = span_head(*message, (size_t)(comma - message->data) + 1);
    *message = span_skip(*message, header->size);
    return true;
}

static bool read_first(struct sasl_server *self, struct span bare, struct span *nonce)
{
    struct span name;
    return scram_attributes_are_valid(bare, "nr") && scram_attribute(bare, 'n', &name) &&
           scram_attribute(bare, 'r', nonce) && scram_is_nonce(*nonce) &&
           nonce->size <= SCRAM_NONCE_MAX - SCRAM_NONCE_SIZE &&
           scram_name_decode(name, self->name, &self->name_size);
}

/* The server's first message. */
static bool write_challenge(struct sasl_server *self)
{
    char number[NUMBER_SIZE];
    snprintf(number, sizeof(number), ",i=%d", SCRAM_ITERATIONS_MIN);
    return scram_text_append(&self->reply, "r=") &&
           buffer_append(&self->reply, buffer_span(&self->nonce)) &&
           scram_text_append(&self->reply, ",s=") &&
           base64_append(&self->reply, span_of(self->account.salt, SASL_SALT_SIZE)) &&
           scram_text_append(&self->reply, number);
}

static bool challenge(struct sasl_server *self, struct span header, struct span bare,
                      struct span nonce)
{
    return sasl_users_find(self->users, span_of(self->name, self->name_size), self->mechanism,
                           &self->account) &&
           buffer_append(&self->nonce, nonce) && scram_nonce_append(&self->nonce) &&
           base64_append(&self->binding, header) && write_challenge(self) &&
           buffer_append(&self->auth_message, bare) &&
           scram_text_append(&self->auth_message, ",") &&
           buffer_append(&self->auth_message, buffer_span(&self->reply)) &&
           scram_text_append(&self->auth_message, ",");
}

static enum sasl_status start_scram(struct sasl_server *self, struct span message)
{
    struct span header;
    struct span nonce;
    if (!take_header(&message, &header) || !read_first(self, message, &nonce)) {
        return SASL_MALFORMED;
    }
    return challenge(self, header, message, nonce) ? SASL_CONTINUE : SASL_FAILED;
}

/* The client's last message: what it repeats, and its proof, which comes last. */
static bool read_final(const struct sasl_server *self, struct span message,
                       uint8_t proof[SCRAM_DIGEST_MAX], struct span *before_proof)
{
    struct span binding;
    struct span nonce;
    struct span text;
    size_t size;
    if (!scram_attributes_are_valid(message, NULL) || !scram_attribute(message, 'c', &binding) ||
        !scram_attribute(message, 'r', &nonce) || !scram_attribute(message, 'p', &text) ||
        text.data + text.size != message.data + message.size) {
        return false;
    }
    *before_proof = span_head(message, message.size - text.size - strlen(",p="));
    return span_equal(binding, buffer_span(&self->binding)) &&
           span_equal(nonce, buffer_span(&self->nonce)) &&
           base64_decode(text, proof, SCRAM_DIGEST_MAX, &size) &&
           size == scram_digest_size(self->mechanism);
}

static bool write_signature(struct sasl_server *self)
{
    uint8_t signature[SCRAM_DIGEST_MAX];
    return scram_sign(self->mechanism, self->account.keys.server, buffer_span(&self->auth_message),
                      signature) &&
           scram_text_append(&self->reply, "v=") &&
           base64_append(&self->reply, span_of(signature, scram_digest_size(self->mechanism)));
}

static enum sasl_status step_scram(struct sasl_server *self, struct span message)
{
    uint8_t proof[SCRAM_DIGEST_MAX];
    struct span before_proof;
    bool holds;
    if (message.size > SASL_MESSAGE_MAX || !read_final(self, message, proof, &before_proof)) {
        return SASL_MALFORMED;
    }
    if (!buffer_append(&self->auth_message, before_proof) ||
        !scram_verify(self->mechanism, &self->account.keys, buffer_span(&self->auth_message), proof,
                      &holds) ||
        !write_signature(self)) {
        return SASL_FAILED;
    }
    return holds && self->account.known ? SASL_OK : SASL_REFUSED;
}

/* ----------------------------------------------------------------------------------- dispatch */

enum sasl_status sasl_server_start(struct sasl_server *self, struct span mechanism,
                                   struct span message, struct span *reply)
{
    *reply = span_of(NULL, 0);
    if (self->begun) {
        return SASL_OUT_OF_ORDER;
    }
    buffer_deinit(&self->reply);
    self->name_size = 0;
    if (self->users == NULL) {
        return settle(self, SASL_OK, reply);
    }
    if (!sasl_mechanism_find(mechanism, &self->mechanism)) {
        return settle(self, SASL_NO_MECHANISM, reply);
    }
    if (message.size == 0 || message.size > SASL_MESSAGE_MAX) {
        return settle(self, SASL_MALFORMED, reply);
    }
    return settle(self,
                  self->mechanism == SASL_PLAIN ? start_plain(self, message)
                                                : start_scram(self, message),
                  reply);
}

enum sasl_status sasl_server_step(struct sasl_server *self, struct span message, struct span *reply)
{
    *reply = span_of(NULL, 0);
    if (!self->begun) {
        return SASL_OUT_OF_ORDER;
    }
    buffer_deinit(&self->reply);
    return settle(self, step_scram(self, message), reply);
}
