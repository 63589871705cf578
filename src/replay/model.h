/*
 * What is known of a server in a capture; servers.h has them all. Each endpoint (address and port;
 * TCP and UDP alike) is a server with a store of its own, since a proxy's two legs, or two servers
 * side by side, may hold different items under one key. With verify_options.one_server all
 * endpoints share one store.
 */
#ifndef KVREPLAY_REPLAY_MODEL_H
#define KVREPLAY_REPLAY_MODEL_H

#include "base/list.h"
#include "engine/engine.h"
#include "replay/cas_memory.h"
#include "replay/history.h"
#include "replay/unseen_state.h"

struct connection;

enum model_sasl { SASL_UNKNOWN, SASL_ABSENT, SASL_THERE };

/* memcached -F refuses FLUSH, as one with SASL refuses all. */
enum model_flush { FLUSH_UNKNOWN, FLUSH_ALLOWED, FLUSH_FORBIDDEN };

/* Whether it has been restarted; see restart.h. */
struct restart {      /* of one server; all zero to begin with */
    bool possible;    /* all connections had ended, and no change since tells whether it was then */
    uint64_t packet;  /* in which the next one began */
    uint64_t changes; /* requests since then that a CAS may have been given to */
};

struct model {
    struct model *next;    /* in its bucket */
    struct list_link idle; /* among those without connections, the longest idle first */
    struct net_endpoint server;
    struct connection *connections;
    struct engine *engine;
    struct shadow *shadow; /* for the connections in Couchbase's dialect; NULL: there were none */
    struct overlaps overlaps;
    struct cas_memory cas;
    struct unseen unseen;
    struct restart restart;
    struct contention *contention[CONTENTION_PAGES]; /* NULL: nothing has waited there */
    uint64_t flushes_waiting;                        /* FLUSH requests without an answer yet */
    enum model_sasl sasl;                            /* whether it authenticates its clients */
    enum model_flush flush;
    bool out_of_memory; /* it has had no memory for an item at some time */
    bool forgotten;     /* an unanswered FLUSH may have taken what it held, or not */
    uint64_t doubts;    /* keys that were in doubt at some time */
};

enum { MODEL_BUCKETS = 256 };

struct models {
    struct model *buckets[MODEL_BUCKETS];
    struct list_link idle;
    size_t count;
};

#endif
