#include "sasl/users.h"

#include "base/private_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ID_SIZE = 32, /* SHA-256's */
    LINE_ROOM = SASL_NAME_MAX + 1 + SASL_PASSWORD_MAX + 1,
};

/* What is drawn from the secret: no two share a value. */
enum use { USE_NAME = 1, USE_PASSWORD, USE_SALT, USE_DUMMY = USE_SALT + SASL_SCRAM_COUNT };

struct user {
    uint8_t name[ID_SIZE];     /* digests that only the secret gives */
    uint8_t password[ID_SIZE]; /* of the name and the password */
    struct scram_keys keys[SASL_SCRAM_COUNT];
};

struct sasl_users {
    uint8_t secret[ID_SIZE];
    struct user *users;
    size_t count;
    size_t room;
};

struct sasl_users *sasl_users_create(void)
{
    struct sasl_users *self = calloc(1, sizeof(*self));
    if (self != NULL && RAND_bytes(self->secret, sizeof(self->secret)) != 1) {
        free(self);
        return NULL;
    }
    return self;
}

void sasl_users_destroy(struct sasl_users *self)
{
    if (self != NULL) {
        if (self->users != NULL) {
            OPENSSL_cleanse(self->users, self->count * sizeof(*self->users));
        }
        free(self->users);
        OPENSSL_cleanse(self, sizeof(*self));
        free(self);
    }
}

size_t sasl_users_count(const struct sasl_users *self)
{
    return self->count;
}

/* --------------------------------------------------------------------------- what is written */

/* How many bytes the character has that text begins with; 0: it is no UTF-8. */
static size_t utf8_size(struct span text)
{
    uint8_t first = text.data[0];
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first > 0xf4 || size > text.size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

static bool is_utf8(struct span text)
{
    while (text.size > 0) {
        size_t size = utf8_size(text);
        if (size == 0) {
            return false;
        }
        text = span_skip(text, size);
    }
    return true;
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

bool sasl_users_split(struct span text, struct span *name, struct span *password)
{
    const uint8_t *colon = text.size == 0 ? NULL : memchr(text.data, ':', text.size);
    if (colon == NULL) {
        return false;
    }
    *name = span_head(text, (size_t)(colon - text.data));
    *password = span_skip(text, name->size + 1);
    return name->size > 0 && name->size <= SASL_NAME_MAX && password->size > 0 &&
           password->size <= SASL_PASSWORD_MAX && !has_control(text) && is_utf8(*name);
}

/* ----------------------------------------------------------------------- what is drawn from it */

/* HMAC-SHA256 of a use, the length of a name, the name and what follows. */
static bool draw(const struct sasl_users *self, unsigned use, struct span name, struct span rest,
                 uint8_t out[ID_SIZE])
{
    struct buffer message = {0};
    uint8_t head[] = {(uint8_t)use, (uint8_t)(name.size >> 8), (uint8_t)name.size};
    bool drawn = buffer_append(&message, span_of(head, sizeof(head))) &&
                 buffer_append(&message, name) && buffer_append(&message, rest) &&
                 HMAC(EVP_sha256(), self->secret, sizeof(self->secret), message.bytes, message.end,
                      out, NULL) != NULL;
    if (message.bytes != NULL) {
        OPENSSL_cleanse(message.bytes, message.room);
    }
    buffer_deinit(&message);
    return drawn;
}

static bool draw_salt(const struct sasl_users *self, enum sasl_mechanism mechanism,
                      struct span name, uint8_t salt[SASL_SALT_SIZE])
{
    uint8_t drawn[ID_SIZE];
    bool done = draw(self, USE_SALT + (unsigned)mechanism, name, span_of(NULL, 0), drawn);
    if (done) {
        memcpy(salt, drawn, SASL_SALT_SIZE);
    }
    return done;
}

static bool derive(const struct sasl_users *self, struct user *user, struct span name,
                   struct span password)
{
    bool derived = true;
    for (unsigned i = 0; i < SASL_SCRAM_COUNT && derived; i++) {
        uint8_t salt[SASL_SALT_SIZE];
        derived = draw_salt(self, i, name, salt) &&
                  scram_derive(i, password, span_of(salt, sizeof(salt)), SCRAM_ITERATIONS_MIN,
                               &user->keys[i], NULL);
    }
    return derived;
}

/* ------------------------------------------------------------------------------ finding, adding */

/* NULL: there is none. Looks at all of them, so that the time tells nothing. */
static const struct user *lookup(const struct sasl_users *self, const uint8_t name[ID_SIZE])
{
    const struct user *found = NULL;
    for (size_t i = 0; i < self->count; i++) {
        if (CRYPTO_memcmp(self->users[i].name, name, ID_SIZE) == 0) {
            found = &self->users[i];
        }
    }
    return found;
}

/* Appends with the array moved by hand: what it leaves behind is wiped. */
static enum sasl_users_result insert(struct sasl_users *self, const struct user *user)
{
    if (self->count == self->room) {
        size_t room = self->room == 0 ? 1 : 2 * self->room;
        struct user *users = calloc(room, sizeof(*users));
        if (users == NULL) {
            return SASL_USERS_FAILED;
        }
        if (self->count > 0) {
            memcpy(users, self->users, self->count * sizeof(*users));
            OPENSSL_cleanse(self->users, self->count * sizeof(*users));
        }
        free(self->users);
        self->users = users;
        self->room = room;
    }
    self->users[self->count++] = *user;
    return SASL_USERS_OK;
}

static enum sasl_users_result add(struct sasl_users *self, struct span name, struct span password,
                                  struct user *user)
{
    if (!draw(self, USE_NAME, name, span_of(NULL, 0), user->name) ||
        !draw(self, USE_PASSWORD, name, password, user->password)) {
        return SASL_USERS_FAILED;
    }
    if (lookup(self, user->name) != NULL) {
        return SASL_USERS_TWICE;
    }
    if (self->count == SASL_USERS_MAX) {
        return SASL_USERS_TOO_MANY;
    }
    return derive(self, user, name, password) ? insert(self, user) : SASL_USERS_FAILED;
}

enum sasl_users_result sasl_users_add(struct sasl_users *self, struct span text)
{
    struct span name;
    struct span password;
    struct user user = {0};
    if (!sasl_users_split(text, &name, &password)) {
        return SASL_USERS_FORM;
    }
    enum sasl_users_result result = add(self, name, password, &user);
    OPENSSL_cleanse(&user, sizeof(user));
    return result;
}

bool sasl_users_find(const struct sasl_users *self, struct span name, enum sasl_mechanism mechanism,
                     struct sasl_account *account)
{
    uint8_t id[ID_SIZE];
    *account = (struct sasl_account){0};
    /* Drawn for those that are known, too: it takes the same time. */
    if (!draw(self, USE_NAME, name, span_of(NULL, 0), id) ||
        !draw_salt(self, mechanism, name, account->salt) ||
        !draw(self, USE_DUMMY + (unsigned)mechanism, name, span_of(NULL, 0),
              account->keys.stored)) {
        return false;
    }
    const struct user *user = lookup(self, id);
    if (user != NULL) {
        account->known = true;
        account->keys = user->keys[mechanism];
    }
    return true;
}

bool sasl_users_check(const struct sasl_users *self, struct span name, struct span password,
                      bool *matches)
{
    uint8_t id[ID_SIZE];
    uint8_t given[ID_SIZE];
    static const uint8_t none[ID_SIZE];
    *matches = false;
    if (!draw(self, USE_NAME, name, span_of(NULL, 0), id) ||
        !draw(self, USE_PASSWORD, name, password, given)) {
        return false;
    }
    const struct user *user = lookup(self, id);
    bool same = CRYPTO_memcmp(user != NULL ? user->password : none, given, ID_SIZE) == 0;
    *matches = same && user != NULL;
    return true;
}

/* -------------------------------------------------------------------------------------- files */

/* Reads a line without its end, up to LINE_ROOM bytes of it. False: there is no more. */
static bool read_line(FILE *file, uint8_t line[LINE_ROOM], size_t *size)
{
    *size = 0;
    int byte = getc(file);
    bool any = byte != EOF;
    while (byte != EOF && byte != '\n' && *size < LINE_ROOM) {
        line[(*size)++] = (uint8_t)byte;
        byte = getc(file);
    }
    return any;
}

/* A line that is cut is too long for a user, so reading ends with it. */
static enum sasl_users_result read_users(struct sasl_users *self, FILE *file, size_t *number)
{
    uint8_t line[LINE_ROOM];
    size_t size;
    enum sasl_users_result result = SASL_USERS_OK;
    while (result == SASL_USERS_OK && read_line(file, line, &size)) {
        ++*number;
        result = size == 0 ? SASL_USERS_OK : sasl_users_add(self, span_of(line, size));
    }
    OPENSSL_cleanse(line, sizeof(line));
    if (ferror(file) != 0) {
        *number = 0;
        return SASL_USERS_UNREADABLE;
    }
    return result;
}

enum sasl_users_result sasl_users_load(struct sasl_users *self, const char *path, size_t *line)
{
    char read_ahead[BUFSIZ];
    *line = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return errno == ENOMEM ? SASL_USERS_FAILED : SASL_USERS_UNREADABLE;
    }
    setvbuf(file, read_ahead, _IOFBF, sizeof(read_ahead)); /* one that can be wiped */
    bool exposed = private_file_is_exposed(file);
    enum sasl_users_result result = exposed ? SASL_USERS_EXPOSED : read_users(self, file, line);
    int error = errno;
    fclose(file);
    OPENSSL_cleanse(read_ahead, sizeof(read_ahead));
    errno = error;
    return result;
}

const char *sasl_users_problem(enum sasl_users_result result)
{
    switch (result) {
    case SASL_USERS_OK:
        return "nothing is wrong";
    case SASL_USERS_FORM:
        return "this is not NAME:PASSWORD, both there, without control characters";
    case SASL_USERS_TWICE:
        return "this user is there twice";
    case SASL_USERS_TOO_MANY:
        return "too many users";
    case SASL_USERS_EXPOSED:
        return "others can read or write it; chmod 600";
    case SASL_USERS_UNREADABLE:
        return strerror(errno);
    case SASL_USERS_FAILED:
        break;
    }
    return "no memory";
}
