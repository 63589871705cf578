/*
 * What the relays of a proxy share.
 */
#ifndef KVREPLAY_RECORD_RELAYS_H
#define KVREPLAY_RECORD_RELAYS_H

#include "base/list.h"
#include "record/proxy_counts.h"
#include "record/routes.h"
#include "record/tape.h"

#include <event2/event.h>
#include <openssl/ssl.h>

enum {
    RELAY_UNSENT_MAX = 256 * 1024, /* bytes that a side has to take, and one read beyond */
    RELAY_CONNECT_SECONDS = 10,
};

struct relay;

struct relays {
    struct event_base *base;
    struct tape *tape;
    struct routes routes;
    SSL_CTX *client_tls; /* NULL: none */
    SSL_CTX *target_tls; /* NULL: none */
    void (*tell)(const char *message);
    void (*changed)(void *context); /* a relay is gone, or the tape has failed or is full */
    void *context;
    struct proxy_counts counts;
    struct list_link list; /* of them: those opened last first */
    bool stopping;
    bool has_warned; /* that clients may go past the proxy */
};

#endif
