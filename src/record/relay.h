/*
 * One connection of the proxy: a client's socket, one to the target, and what is recorded of both.
 */
#ifndef KVREPLAY_RECORD_RELAY_H
#define KVREPLAY_RECORD_RELAY_H

#include "record/relays.h"

#include <sys/socket.h>

/* Takes the accepted socket over. */
void relay_open(struct relays *relays, struct route *route, int socket,
                const struct sockaddr *client);

/* No more is read from clients. Each relay ends when the target has ended it. */
void relays_stop(struct relays *relays);

/* Closes all at once. */
void relays_close(struct relays *relays);

#endif
