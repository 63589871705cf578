/*
 * The sockets that a server listens on.
 */
#ifndef KVREPLAY_SOCKETS_LISTENER_H
#define KVREPLAY_SOCKETS_LISTENER_H

#include "sockets/address.h"

enum { LISTENERS_TEXT_SIZE = 1024 };

struct listeners {
    int sockets[ADDRESSES_MAX]; /* non-blocking; what they accept inherits TCP_NODELAY */
    size_t count;
    struct sockaddr_un unix_path;   /* removed in the end; sun_path empty: TCP */
    char text[LISTENERS_TEXT_SIZE]; /* "127.0.0.1:11211, [::1]:11211", or the socket's path */
};

/*
 * Listens on all of the addresses; port 0: the kernel chooses one for each. A UNIX socket is its
 * user's alone, and takes the place of one that nobody listens on any more. False: `problem` says
 * why, and nothing is open.
 */
bool listeners_open(struct listeners *listeners, const struct addresses *addresses,
                    char problem[SOCKETS_PROBLEM_SIZE]);

/* The TCP port of the first; 0: it is a UNIX socket. */
uint16_t listeners_port(const struct listeners *listeners);

/* Closes all, and removes the UNIX socket. */
void listeners_close(struct listeners *listeners);

#endif
