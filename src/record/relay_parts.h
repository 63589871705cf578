/*
 * A relay from within. Private to the files that make it: relay_open.c begins it, relay.c hands on
 * and ends it, relay_config.c changes the addresses of a cluster's nodes.
 */
#ifndef KVREPLAY_RECORD_RELAY_PARTS_H
#define KVREPLAY_RECORD_RELAY_PARTS_H

#include "record/relays.h"
#include "record/tcp_trace.h"

#include <event2/bufferevent.h>

/* One of the two connections. */
struct end {
    struct relay *relay;
    struct bufferevent *bufferevent; /* NULL: not open */
    bool ready;                      /* connected, with TLS when that is agreed upon */
    bool ended;                      /* sends no more */
    bool told;                       /* has been signalled that the other sends no more */
};

struct relay {
    struct relays *relays;
    struct route *route; /* on which the client has come */
    struct list_link link;
    struct end ends[2]; /* by enum tcp_side */
    size_t tried;       /* addresses of the target */
    bool is_heard;      /* the client has sent something */
    uint64_t rest;      /* see config_frames.h */
    size_t kept;        /* bytes of the server's that are recorded and not handed on yet */
    bool lingering;     /* all is done, but for what the kernel has yet to bring to the client */
    struct tcp_trace trace;
    char client[NET_ENDPOINT_TEXT_SIZE];
};

static inline enum tcp_side side_of(const struct end *end)
{
    return end == &end->relay->ends[TCP_SERVER] ? TCP_SERVER : TCP_CLIENT;
}

static inline struct end *other(struct end *end)
{
    return &end->relay->ends[1 - side_of(end)];
}

/* Lets the bufferevent tell the relay what happens. */
void relay_listen_to(struct end *end);

/* Both ends are ready: begins to read. The relay may be gone after this. */
void relay_begin(struct relay *relay);

/* This end is ready, or will not be. The relay may be gone after either. */
void relay_ready(struct end *end);
void relay_not_ready(struct end *end, short events);

/* Each may be the end of the relay; the last three are for certain. */
void relay_stop(struct relay *relay);    /* the client has sent what was read until now */
void relay_break_off(struct end *end);   /* this side has broken off; so does the relay the other */
void relay_cut_off(struct relay *relay); /* both sides learn that */
void relay_no_memory(struct relay *relay); /* likewise, and it is reported */

/* What a client says first tells whether configurations can be read; warns if they can't. */
void relay_config_hear(struct relay *relay, struct evbuffer *input);

/*
 * Hands on what has come from the server, but that a configuration of a cluster is held back until
 * it is whole, and then has other addresses: those at which clients come to this proxy. Where there
 * is no way to the node yet, one is opened. False: no memory.
 */
bool relay_config_pass(struct relay *relay, struct evbuffer *input, struct evbuffer *output);

/* Nothing more comes: hands on what was held back, as it is. False: no memory. */
bool relay_config_give_up(struct relay *relay, struct evbuffer *input, struct evbuffer *output);

#endif
