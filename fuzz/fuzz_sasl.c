/*
 * What a server or a client of SASL is told before anybody is authenticated. Byte 0 chooses the
 * mechanism and which message the rest is: the client's first, its last, the server's challenge, or
 * its last. Nonces and salts are always the same, so the right messages are within reach.
 *
 * A plain second reading says which first messages and challenges are well-formed. Nobody is let
 * in, and no server believed, but by the very bytes that are right. PBKDF2 is one round here.
 */
#include "sasl/base64.h"
#include "sasl/client.h"
#include "sasl/server.h"
#include "target.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { CHANCE = 0x5b, MESSAGES = 4, LETTERS = 256 };

#define SERVER_NONCE "W1tbW1tbW1tbW1tbW1tbW1tb" /* base64 of what chance gives */

static struct sasl_users *users;
static char password[] = "secret";

int __wrap_RAND_bytes(unsigned char *bytes, int size);

int __wrap_RAND_bytes(unsigned char *bytes, int size)
{
    memset(bytes, CHANCE, (size_t)size);
    return 1;
}

int __real_PKCS5_PBKDF2_HMAC(const char *pass, int pass_size, const unsigned char *salt,
                             int salt_size, int rounds, const EVP_MD *digest, int size,
                             unsigned char *out);
int __wrap_PKCS5_PBKDF2_HMAC(const char *pass, int pass_size, const unsigned char *salt,
                             int salt_size, int rounds, const EVP_MD *digest, int size,
                             unsigned char *out);

int __wrap_PKCS5_PBKDF2_HMAC(const char *pass, int pass_size, const unsigned char *salt,
                             int salt_size, int rounds, const EVP_MD *digest, int size,
                             unsigned char *out)
{
    CHECK(rounds >= 4096 && rounds <= 1000000);
    return __real_PKCS5_PBKDF2_HMAC(pass, pass_size, salt, salt_size, 1, digest, size, out);
}

static struct span text(const char *string)
{
    return span_of(string, strlen(string));
}

void fuzz_begin(void)
{
    users = sasl_users_create();
    CHECK(users != NULL && sasl_users_add(users, text("ann:secret")) == SASL_USERS_OK);
}

/* ---------------------------------------------------------------------------- a plain reading */

struct reading {
    bool well_formed;
    struct span values[LETTERS]; /* of attributes; size 0: not there */
};

UNCOUNTED static void read_attribute(struct reading *reading, struct span part, const char *allowed)
{
    bool fits = part.size > 2 && part.data[1] == '=' && part.data[0] != 0 &&
                strchr(allowed, part.data[0]) != NULL && reading->values[part.data[0]].size == 0;
    for (size_t i = 0; i < part.size; i++) {
        fits = fits && part.data[i] != 0;
    }
    if (fits) {
        reading->values[part.data[0]] = span_skip(part, 2);
    }
    reading->well_formed = reading->well_formed && fits;
}

UNCOUNTED static struct reading read_list(struct span list, const char *allowed)
{
    struct reading reading = {.well_formed = true};
    size_t begin = 0;
    for (size_t i = 0; i <= list.size; i++) {
        if (i == list.size || list.data[i] == ',') {
            read_attribute(&reading, span_head(span_skip(list, begin), i - begin), allowed);
            begin = i + 1;
        }
    }
    for (const char *letter = allowed; *letter != '\0'; letter++) {
        reading.well_formed = reading.well_formed && reading.values[(uint8_t)*letter].size > 0;
    }
    return reading;
}

UNCOUNTED static bool is_nonce(struct span nonce, size_t max)
{
    for (size_t i = 0; i < nonce.size; i++) {
        if (nonce.data[i] < ' ' || nonce.data[i] >= 0x7f) {
            return false;
        }
    }
    return nonce.size <= max;
}

/* How long the name is that is written like that; 0: it is none. */
UNCOUNTED static size_t name_size(struct span name)
{
    size_t size = 0;
    for (size_t i = 0; i < name.size; i++, size++) {
        if (name.data[i] == '=') {
            bool known =
                i + 2 < name.size && ((name.data[i + 1] == '2' && name.data[i + 2] == 'C') ||
                                      (name.data[i + 1] == '3' && name.data[i + 2] == 'D'));
            if (!known) {
                return 0;
            }
            i += 2;
        }
    }
    return size;
}

UNCOUNTED static bool is_first(struct span message)
{
    size_t at = 2;
    if (message.size < 3 || message.size > SASL_MESSAGE_MAX || message.data[0] != 'n' ||
        message.data[1] != ',') {
        return false;
    }
    while (at < message.size && message.data[at] != ',') {
        at++;
    }
    if (at == message.size) {
        return false;
    }
    struct reading reading = read_list(span_skip(message, at + 1), "nr");
    size_t size = reading.well_formed ? name_size(reading.values['n']) : 0;
    return size > 0 && size <= SASL_NAME_MAX &&
           is_nonce(reading.values['r'], SCRAM_NONCE_MAX - SCRAM_NONCE_SIZE);
}

/* OpenSSL's reading of base64, which is laxer: white space and what it does not say are left to
 * a comparison with what it gives back. */
UNCOUNTED static bool is_base64(struct span base64, size_t max)
{
    static unsigned char bytes[SASL_MESSAGE_MAX + 4];
    static unsigned char again[2 * SASL_MESSAGE_MAX];
    if (base64.size == 0 || base64.size % 4 != 0 || base64.size > SASL_MESSAGE_MAX) {
        return false;
    }
    int size = EVP_DecodeBlock(bytes, base64.data, (int)base64.size);
    if (size < 0) {
        return false;
    }
    size -= base64.data[base64.size - 1] == '=';
    size -= base64.data[base64.size - 2] == '=';
    EVP_EncodeBlock(again, bytes, size);
    return (size_t)size <= max && span_equal(span_of(again, base64.size), base64);
}

UNCOUNTED static bool is_challenge(struct span message)
{
    struct reading reading = read_list(message, "rsi");
    struct span nonce = reading.values['r'];
    struct span number = reading.values['i'];
    uint64_t iterations = 0;
    if (!reading.well_formed || message.size > SASL_MESSAGE_MAX || number.size > 7) {
        return false;
    }
    for (size_t i = 0; i < number.size; i++) {
        bool digit = number.data[i] >= '0' && number.data[i] <= '9';
        iterations = digit ? iterations * 10 + number.data[i] - '0' : UINT32_MAX;
        if (!digit) {
            return false;
        }
    }
    return number.data[0] != '0' && iterations >= 4096 && iterations <= 1000000 &&
           nonce.size > SCRAM_NONCE_SIZE && is_nonce(nonce, SCRAM_NONCE_MAX) &&
           memcmp(nonce.data, SERVER_NONCE, SCRAM_NONCE_SIZE) == 0 &&
           is_base64(reading.values['s'], SCRAM_SALT_MAX);
}

/* ------------------------------------------------------------------------------ the messages */

static void check_plain(struct span message, enum sasl_status status)
{
    static const char right[] = "\0ann\0secret";
    const uint8_t *name = message.size == 0 ? NULL : memchr(message.data, '\0', message.size);
    struct span rest =
        name == NULL ? span_of(NULL, 0) : span_skip(message, (size_t)(name - message.data));
    /* A NUL behind it may be there. */
    bool lets_in = span_equal(rest, span_of(right, sizeof(right) - 1)) ||
                   span_equal(rest, span_of(right, sizeof(right)));
    CHECK((status == SASL_OK) == (lets_in && message.size <= SASL_MESSAGE_MAX));
}

static void tell_first(enum sasl_mechanism mechanism, struct span message)
{
    struct span reply;
    struct sasl_server *server = sasl_server_create(users);
    enum sasl_status status =
        sasl_server_start(server, text(sasl_mechanism_name(mechanism)), message, &reply);
    if (mechanism == SASL_PLAIN) {
        check_plain(message, status);
    } else {
        CHECK(status == (is_first(message) ? SASL_CONTINUE : SASL_MALFORMED));
        CHECK(status != SASL_CONTINUE || reply.size <= SASL_MESSAGE_MAX);
        CHECK(status != SASL_CONTINUE || read_list(reply, "rsi").well_formed);
    }
    CHECK(status == SASL_CONTINUE || reply.size == 0);
    CHECK((sasl_server_user(server).size > 0) == (status == SASL_OK));
    sasl_server_destroy(server);
}

/* A client that has sent its last message to a server; *last is that. */
static struct sasl_client *converse(enum sasl_mechanism mechanism, struct sasl_server *server,
                                    struct span *last)
{
    struct span reply;
    struct sasl_client *client = sasl_client_create(mechanism, text("ann"), text(password));
    CHECK(sasl_client_start(client, last) == SASL_CONTINUE);
    CHECK(sasl_server_start(server, text(sasl_mechanism_name(mechanism)), *last, &reply) ==
          SASL_CONTINUE);
    CHECK(sasl_client_step(client, reply, last) == SASL_CONTINUE);
    return client;
}

static void tell_last(enum sasl_mechanism mechanism, struct span message)
{
    struct span right, reply;
    struct sasl_server *server = sasl_server_create(users);
    struct sasl_client *client = converse(mechanism, server, &right);
    enum sasl_status status = sasl_server_step(server, message, &reply);
    CHECK((status == SASL_OK) == span_equal(message, right));
    CHECK(status == SASL_OK || status == SASL_REFUSED || status == SASL_MALFORMED);
    CHECK((reply.size > 0) == (status == SASL_OK));
    sasl_client_destroy(client);
    sasl_server_destroy(server);
}

static void tell_challenge(enum sasl_mechanism mechanism, struct span message)
{
    struct span said;
    struct sasl_client *client = sasl_client_create(mechanism, text("ann"), text(password));
    CHECK(sasl_client_start(client, &said) == SASL_CONTINUE);
    enum sasl_status status = sasl_client_step(client, message, &said);
    bool answers = mechanism != SASL_PLAIN && is_challenge(message);
    CHECK(status == (answers ? SASL_CONTINUE : SASL_MALFORMED));
    CHECK((said.size > 0) == answers);
    sasl_client_destroy(client);
}

static void tell_signature(enum sasl_mechanism mechanism, struct span message)
{
    struct span last, right;
    struct sasl_server *server = sasl_server_create(users);
    struct sasl_client *client = converse(mechanism, server, &last);
    CHECK(sasl_server_step(server, last, &right) == SASL_OK);
    enum sasl_status status = sasl_client_finish(client, message);
    bool same = span_equal(message, right);
    /* Extensions around it are ignored. */
    bool has_it = message.size > right.size;
    CHECK(same ? status == SASL_OK : has_it || status != SASL_OK);
    CHECK(status == SASL_OK || status == SASL_REFUSED || status == SASL_MALFORMED);
    sasl_client_destroy(client);
    sasl_server_destroy(server);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    unsigned choice = take_8(&input);
    enum sasl_mechanism mechanism = (enum sasl_mechanism)(choice / MESSAGES % SASL_MECHANISM_COUNT);
    enum sasl_mechanism scram = mechanism % SASL_SCRAM_COUNT;
    switch (choice % MESSAGES) {
    case 0:
        tell_first(mechanism, input);
        break;
    case 1:
        tell_last(scram, input);
        break;
    case 2:
        tell_challenge(mechanism, input);
        break;
    default:
        tell_signature(scram, input);
    }
}
