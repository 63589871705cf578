/*
 * Where responses go: a bufferevent as a server has it, and behind it somebody who takes the bytes.
 * Sender and receiver are in one thread and take turns, so that the sender's CPU time can be told
 * from the receiver's.
 */
#ifndef KVREPLAY_BENCH_SINK_H
#define KVREPLAY_BENCH_SINK_H

#include "bench/columns.h"
#include "bench/tls_records.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdint.h>

struct sink;

struct sink_kind {
    bool (*open)(struct sink *sink);
    void (*close)(struct sink *sink);
    /* One turn of the sender: sends some of the output, if there is room for it. */
    void (*turn)(struct sink *sink);
    /* Takes up to `room` bytes at the far end, in the clear. Returns how many. */
    size_t (*take)(struct sink *sink, uint8_t *out, size_t room);
    void (*count_writes)(struct sink *sink, bool on);
};

struct sink {
    const struct sink_kind *kind;
    struct event_base *base;
    struct bufferevent *bufferevent;
    struct evbuffer *output;
    int peer;                   /* the far end's socket; -1: none */
    void *tls;                  /* of the kind with TLS */
    struct tls_records records; /* as received, if the kind is TLS */
    uint64_t writes;            /* counted while count_writes is on */
    uint8_t *received;          /* room for what the far end throws away */
};

/* False: it can't be had; nothing is left behind. */
bool sink_init(struct sink *sink, enum bench_sink which);
void sink_deinit(struct sink *sink);

/* Sends. True: all is sent. False: there is no room before the far end has received. */
static inline bool sink_send(struct sink *sink)
{
    size_t length = evbuffer_get_length(sink->output);
    while (length > 0) {
        sink->kind->turn(sink);
        size_t left = evbuffer_get_length(sink->output);
        if (left == length) {
            return false;
        }
        length = left;
    }
    return true;
}

/* The far end receives all that is there and throws it away. Returns how many bytes. */
size_t sink_receive(struct sink *sink);

/* The sender sends and the far end takes, until `room` bytes are there or nothing comes any more.
 * Returns how many there are. */
size_t sink_transfer(struct sink *sink, uint8_t *out, size_t room);

extern const struct sink_kind sink_memory;
extern const struct sink_kind sink_socket;
extern const struct sink_kind sink_tls;

/* For the kinds with a socket. */
bool sink_socket_pair(struct sink *sink, int *own);
void sink_socket_turn(struct sink *sink);

#endif
