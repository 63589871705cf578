/*
 * The bytes of a connection to a live server, cut into frames as they arrive.
 *
 * No bufferevent: one reads at most 4096 bytes of a socket at a time, and copies them into buffers
 * of its own. Here a read fills a room that all peers share, and whole frames are delivered where
 * they lie in it. What is to be sent is gathered until peer_send, so that the requests of one turn
 * leave together.
 */
#ifndef KVREPLAY_LIVE_PEER_H
#define KVREPLAY_LIVE_PEER_H

#include "base/buffer.h"
#include "mcbp/frame.h"

#include <event2/event.h>
#include <openssl/ssl.h>

enum { PEER_ROOM = 64 * 1024 };

/* Each is given the context. The peer must not be closed in them. */
struct peer_events {
    void (*frame)(void *context, const struct mcbp_frame *frame); /* valid during the call */
    void (*sent)(void *context, size_t size);                     /* bytes the socket has taken */
    /* Nothing more comes. `why` NULL: the server has closed in order; `rest`: bytes behind the last
     * whole frame, or those that are no frame, of which `malformed` speaks. */
    void (*ended)(void *context, const char *why, struct span rest, bool malformed);
};

struct peer {
    int fd; /* -1: closed */
    SSL *tls;
    struct event *readable;
    struct event *writable;
    struct buffer out;
    struct buffer in; /* the beginning of a frame */
    size_t frame_max;
    uint8_t *room;
    const struct peer_events *events;
    void *context;
    uint64_t received; /* bytes */
    bool ended;        /* `ended` has been called */
};

/* Takes the socket and TLS over. `room`: PEER_ROOM bytes, for all peers of an event loop. False:
 * no memory; both are closed. */
bool peer_open(struct peer *peer, struct event_base *base, int fd, SSL *tls, uint8_t *room,
               size_t frame_max, const struct peer_events *events, void *context);

static inline bool peer_is_open(const struct peer *peer)
{
    return peer->fd >= 0;
}

/* The address of `size` bytes behind what is to be sent, to be filled; NULL: no memory. */
uint8_t *peer_add(struct peer *peer, size_t size);

static inline size_t peer_unsent(const struct peer *peer)
{
    return buffer_span(&peer->out).size;
}

/* Hands what was added to the socket; the rest follows when there is room. */
void peer_send(struct peer *peer);

/* Ends the sending side. */
void peer_half_close(struct peer *peer);

void peer_close(struct peer *peer);

#endif
