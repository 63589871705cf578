/*
 * The users of a server. Of passwords only what checks them is kept, and nothing of a user's name;
 * comparisons take the same time whatever they come to. Once it has all of its users, a list can be
 * used by several threads.
 */
#ifndef KVREPLAY_SASL_USERS_H
#define KVREPLAY_SASL_USERS_H

#include "sasl/scram.h"

enum {
    SASL_USERS_MAX = 1000, /* each costs some ten thousand digests to add */
    SASL_SALT_SIZE = 16,
};

enum sasl_users_result {
    SASL_USERS_OK,
    SASL_USERS_FORM,       /* not NAME:PASSWORD */
    SASL_USERS_TWICE,      /* a name that is there already */
    SASL_USERS_TOO_MANY,   /* more than SASL_USERS_MAX */
    SASL_USERS_EXPOSED,    /* others can read or write the file */
    SASL_USERS_UNREADABLE, /* the file can't be opened or read: errno says why */
    SASL_USERS_FAILED,     /* no memory, or OpenSSL failed */
};

struct sasl_users;

/* An empty list. NULL: no memory, or OpenSSL failed. */
struct sasl_users *sasl_users_create(void);
void sasl_users_destroy(struct sasl_users *users);

/*
 * Takes NAME:PASSWORD apart at the first colon: SASL_NAME_MAX and SASL_PASSWORD_MAX bytes at most,
 * neither empty, the name UTF-8, both without control characters. False: it is not of that form.
 */
bool sasl_users_split(struct span text, struct span *name, struct span *password);

/* Adds the user NAME:PASSWORD; the caller may then wipe the text. */
enum sasl_users_result sasl_users_add(struct sasl_users *users, struct span text);

/* Adds those of a file, one a line; empty lines say nothing. *line: where it went wrong, 0 if that
 * is not in a line. The users of the lines before are in the list then. */
enum sasl_users_result sasl_users_load(struct sasl_users *users, const char *path, size_t *line);

/* Says what is wrong, for a message behind the name of the option or the file and line. */
const char *sasl_users_problem(enum sasl_users_result result);

size_t sasl_users_count(const struct sasl_users *users);

/* What a server has to know of a user for one of SCRAM's mechanisms. */
struct sasl_account {
    bool known;
    uint8_t salt[SASL_SALT_SIZE];
    struct scram_keys keys;
};

/*
 * Finds a user. One that is not there gets an account, too, always the same, which no password
 * opens: whoever asks can't tell. False: no memory, or OpenSSL failed.
 */
bool sasl_users_find(const struct sasl_users *users, struct span name,
                     enum sasl_mechanism mechanism, struct sasl_account *account);

/* *matches: there is this user, with this password. False as above. */
bool sasl_users_check(const struct sasl_users *users, struct span name, struct span password,
                      bool *matches);

#endif
