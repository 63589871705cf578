/*
 * The sockets that a server listens on.
 */
#ifndef KVREPLAY_SERVER_LISTENER_H
#define KVREPLAY_SERVER_LISTENER_H

#include "server/server.h"

enum { LISTENERS_MAX = 16, LISTENERS_TEXT_SIZE = 1024 };

struct listeners {
    int sockets[LISTENERS_MAX]; /* non-blocking */
    size_t count;
    const char *unix_path; /* removed in the end; NULL: TCP */
    char text[LISTENERS_TEXT_SIZE];
};

/* Opens what the options say. False: `problem` says why, and nothing is open. */
bool listeners_open(struct listeners *listeners, const struct server_options *options,
                    char problem[SERVER_PROBLEM_SIZE]);

/* Closes all, and removes the UNIX socket. */
void listeners_close(struct listeners *listeners);

#endif
