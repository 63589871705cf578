/*
 * A live server: where it is, and how a connection to it is made.
 */
#ifndef KVREPLAY_LIVE_TARGET_H
#define KVREPLAY_LIVE_TARGET_H

#include "sockets/address.h"

#include <openssl/ssl.h>
#include <signal.h>

struct target {
    const char *name;             /* as given: "HOST:PORT", "[ADDRESS]:PORT" or "unix:PATH" */
    struct addresses addresses;   /* tried in this order */
    char host[ADDRESS_HOST_SIZE]; /* empty: a UNIX socket */
    SSL_CTX *tls;                 /* whose it is says target_init's caller; NULL: plain */
};

/* Looks `name` up, which has to stay. False: `problem` says why it is of no use. */
bool target_init(struct target *target, const char *name, SSL_CTX *tls,
                 char problem[SOCKETS_PROBLEM_SIZE]);

/* A connected socket that does not block, and *tls with the handshake over if there is TLS. -1:
 * `problem` says what went wrong, beginning with the name. Waits for at most `timeout` milliseconds
 * for each address, and no longer once *interrupted is not 0; NULL: it never is. */
int target_connect(const struct target *target, int timeout,
                   const volatile sig_atomic_t *interrupted, SSL **tls,
                   char problem[SOCKETS_PROBLEM_SIZE]);

#endif
