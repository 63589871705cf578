/*
 * A client's connection. It belongs to one worker, whose thread alone touches it.
 *
 * Bounded: while more than CONNECTION_OUTPUT_MAX bytes of answers are waiting to be sent, requests
 * are neither executed nor read; the input holds no more than one request that has not come whole.
 * All inputs together hold no more than half of the service's memory_max, one request for each
 * worker that no others were beside, and CONNECTION_INPUT_FREE bytes each: of a request that would
 * need more, the rest is swallowed and the answer is "Out of memory".
 *
 * Idle: a connection is closed when for idle_timeout seconds no request came to its end, unless
 * answers are on their way and the client has taken some of them in that time. So single bytes,
 * sent now and then, don't keep it open.
 *
 * When it is the server that closes, what was answered arrives: after the last answer the client is
 * signalled the end, and what it still sends is thrown away until it closes its side, or is late.
 */
#ifndef KVREPLAY_SERVER_CONNECTION_H
#define KVREPLAY_SERVER_CONNECTION_H

#include "base/list.h"
#include "server/batch.h"
#include "server/service.h"

#include <stdbool.h>
#include <stdint.h>

struct connection;
struct event_base;

enum {
    CONNECTION_INPUT_FREE = 16 * 1024,  /* bytes of a request that always have a place */
    CONNECTION_OUTPUT_MAX = 256 * 1024, /* bytes, and the answer that went beyond it */
};

/* The connections of a worker. */
struct connections {
    struct service *service;
    struct event_base *base;
    void *writer_state;
    struct batch batch;    /* used by one connection at a time, empty in between */
    uint8_t *room;         /* see wire.h */
    unsigned closed;       /* how many connections have been */
    struct list_link list; /* the one that has been idle for longest first, if that is limited */
};

/* Takes the socket over, and closes it if there is no memory. */
void connection_open(struct connections *connections, int socket);

/* Closes those that have been idle for too long. */
void connections_expire(struct connections *connections);

/* Each client is told what has changed, if it wants that. */
void connections_announce(struct connections *connections);

/* No more requests are read; each is closed once its answers have been sent. */
void connections_stop(struct connections *connections);

/* Closes all at once. */
void connections_close(struct connections *connections);

#endif
