/*
 * The SASL mechanisms that Couchbase's servers have, by the names that they have there: without
 * the second hyphen of RFC 5802 and RFC 7677, which say SCRAM-SHA-1 and SCRAM-SHA-256.
 *
 * This folder is SASL (RFC 4422) for both sides: PLAIN (RFC 4616) and SCRAM (RFC 5802, 7677)
 * without channel binding, over OpenSSL's HMAC and PBKDF2. It does no I/O but for reading a file of
 * users (users.h). Why no library for SASL: GNU SASL 2.2 has no SCRAM with SHA-512, which is what
 * Couchbase's clients begin with. Cyrus SASL 2.1 has, but as a plug-in that is loaded from a folder
 * of the system into state of the whole process, with passwords and settings from files of its own;
 * and its server refuses an unknown user at once, which tells who has an account.
 *
 * As in Couchbase's servers and clients, names and passwords are compared byte by byte: they are
 * not normalised (SASLprep). For those in ASCII that makes no difference.
 */
#ifndef KVREPLAY_SASL_MECHANISM_H
#define KVREPLAY_SASL_MECHANISM_H

#include "base/span.h"

/* The best one first. */
enum sasl_mechanism {
    SASL_SCRAM_SHA512,
    SASL_SCRAM_SHA256,
    SASL_SCRAM_SHA1,
    SASL_PLAIN,
    SASL_MECHANISM_COUNT,
};

enum { SASL_SCRAM_COUNT = SASL_PLAIN }; /* how many of them are SCRAM */

/* The answer to SASL_LIST_MECHS. */
#define SASL_MECHANISM_LIST "SCRAM-SHA512 SCRAM-SHA256 SCRAM-SHA1 PLAIN"

enum {
    SASL_NAME_MAX = 256,      /* bytes of a user's name */
    SASL_PASSWORD_MAX = 1024, /* bytes of a password */
    SASL_MESSAGE_MAX = 4096,  /* bytes of a message; longer ones are malformed */
};

/* What a call for either side comes to. */
enum sasl_status {
    SASL_CONTINUE,     /* there is a message for the other side, and more to come from it */
    SASL_OK,           /* authenticated */
    SASL_REFUSED,      /* not authenticated: a wrong password, no such user, a wrong signature */
    SASL_MALFORMED,    /* not authenticated: the message is none of this mechanism and state */
    SASL_NO_MECHANISM, /* not authenticated: there is no such mechanism */
    SASL_OUT_OF_ORDER, /* nothing has changed: this call does not come next */
    SASL_UNVERIFIED,   /* client: let in, without evidence that the server knows the password */
    SASL_FAILED,       /* not authenticated: no memory, or OpenSSL failed */
};

/* False: there is none of that name. */
bool sasl_mechanism_find(struct span name, enum sasl_mechanism *mechanism);

const char *sasl_mechanism_name(enum sasl_mechanism mechanism);

/* The best one of a server's list, names separated by blanks. PLAIN shows the server the password,
 * so it is chosen only if that is allowed. False: none of the list can be used. */
bool sasl_mechanism_choose(struct span list, bool allow_plain, enum sasl_mechanism *mechanism);

#endif
