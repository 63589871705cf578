/*
 * One connection of the proxy: a client's socket, one to the target, and what is recorded of both.
 */
#ifndef KVREPLAY_RECORD_RELAY_H
#define KVREPLAY_RECORD_RELAY_H

#include "record/proxy.h"
#include "record/tcp_trace.h"

#include <event2/event.h>
#include <openssl/ssl.h>

struct relay;

/* What the relays of a proxy share. */
struct relays {
    struct event_base *base;
    struct tape *tape;
    struct addresses target; /* tried in this order */
    SSL_CTX *client_tls;     /* NULL: none */
    SSL_CTX *target_tls;     /* NULL: none */
    const char *host;        /* that the target's certificate is for; NULL: any */
    void (*tell)(const char *message);
    void (*changed)(void *context); /* a relay is gone, or the tape has failed or is full */
    void *context;
    struct proxy_counts counts;
    struct relay *first;
    bool stopping;
};

/* Takes the accepted socket over. */
void relay_open(struct relays *relays, int socket, const struct sockaddr *client);

/* No more is read from clients. Each relay ends when the target has ended it. */
void relays_stop(struct relays *relays);

/* Closes all at once. */
void relays_close(struct relays *relays);

#endif
