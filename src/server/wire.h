/*
 * The bytes of a connection: a bufferevent, and beside it shorter ways to and from a plain socket.
 *
 * Answers go into the bufferevent's output in any case, so that every writer works with it. But a
 * bufferevent would register for an event to send them, wait for it and deregister; and to read it
 * asks how much there is and reads 4096 bytes of it at most. So a plain socket is written to at
 * once, and only what it does not take is left to the bufferevent; and it is read into a room that
 * a worker's wires share. TLS is the bufferevent's matter altogether.
 */
#ifndef KVREPLAY_SERVER_WIRE_H
#define KVREPLAY_SERVER_WIRE_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <openssl/ssl.h>
#include <stdbool.h>

enum {
    WIRE_ROOM = 64 * 1024,        /* bytes; read in one go, before others have their turn */
    WIRE_WRITE_MAX = 256 * 1024,  /* likewise for writing */
    WIRE_SENT_ENOUGH = 64 * 1024, /* `sent` is called with so much, or less, left to send */
    WIRE_LINGER_MILLISECONDS = 1000,
};

struct wire {
    struct bufferevent *bufferevent;
    struct event *readable; /* of a plain socket; NULL with TLS */
    uint8_t *room;
    bool reading;
    bool writing; /* the bufferevent is; with TLS always */
    const struct wire_events *events;
    void *context;
};

/* What happens to it; each is given the context. It may be closed in all of them. */
struct wire_events {
    bool (*received)(void *context); /* the input has grown. False: the wire is closed */
    void (*lost)(void *context); /* there was no memory for what came: nothing more can be taken */
    void (*sent)(void *context);
    void (*ended)(void *context, bool orderly); /* the other side sends no more; or all is broken */
};

/*
 * Takes the socket over. `room`: WIRE_ROOM bytes, for the wires of one event loop. It does not
 * read yet. False: no memory; the socket is closed.
 */
bool wire_open(struct wire *wire, struct event_base *base, int socket, SSL_CTX *tls, uint8_t *room,
               const struct wire_events *events, void *context);
void wire_close(struct wire *wire);

/* False: no memory; nothing more would be heard of the wire, so it has to be closed. */
bool wire_set_reading(struct wire *wire, bool reading);

static inline struct evbuffer *wire_input(const struct wire *wire)
{
    return bufferevent_get_input(wire->bufferevent);
}

/* Bytes that are not with the kernel yet. */
static inline size_t wire_unsent(const struct wire *wire)
{
    return evbuffer_get_length(bufferevent_get_output(wire->bufferevent));
}

/* What is in the output is sent, as soon as possible. */
void wire_send(struct wire *wire);

/*
 * With nothing unsent: tells the other side that this is all. True if it has everything: nothing is
 * lost if the wire is closed now (or there is no memory to wait with). Otherwise reading goes on,
 * and `ended` is called when there was nothing to read for WIRE_LINGER_MILLISECONDS.
 */
bool wire_finish(struct wire *wire);

#endif
