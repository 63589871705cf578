/*
 * Logging in to a live server, before anything that was recorded is sent to it: a recorded login
 * can't be repeated, since servers choose a challenge anew each time.
 */
#ifndef KVREPLAY_LIVE_LOGIN_H
#define KVREPLAY_LIVE_LOGIN_H

#include "base/span.h"
#include "live/middle.h"
#include "live/target.h"

struct login {
    struct span user;
    struct span password;
    struct span bucket; /* to select where the capture does not tell which one was; empty: none */
};

/* Logs in over a connection that target_connect has made, with the best mechanism of sasl/ that the
 * server offers; PLAIN only where nobody else can see the password. Then agrees on what `start`
 * says, unless that is NULL. Waits for at most `timeout` milliseconds, and no longer once
 * *interrupted is not 0; NULL: it never is. False: `problem` says why, beginning with the server's
 * name. */
bool login_run(const struct login *login, const struct target *target, int fd, SSL *tls,
               const struct middle_start *start, int timeout,
               const volatile sig_atomic_t *interrupted, char problem[SOCKETS_PROBLEM_SIZE]);

#endif
