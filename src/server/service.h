/*
 * What all workers share.
 */
#ifndef KVREPLAY_SERVER_SERVICE_H
#define KVREPLAY_SERVER_SERVICE_H

#include "couchbase/couchbase.h"
#include "engine/engine.h"
#include "kvresponse/plugin.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

struct service {
    struct engine *engine;           /* memcached's dialect, or */
    struct couchbase_node *node;     /* Couchbase's; the other one is NULL */
    pthread_mutex_t lock;            /* of either */
    int64_t revision;                /* of the node's configuration, that workers were told of */
    void (*announce)(void *context); /* lets all workers tell their clients of it */
    void *announce_context;
    size_t item_size_max;
    size_t memory_max;          /* of items and of what is being received, together; 0: no limit */
    atomic_size_t receiving;    /* bytes that connections have received and not executed */
    unsigned idle_milliseconds; /* 0: no timeout */
    const struct kvr_writer_type *writer;
    SSL_CTX *tls;            /* NULL: none */
    atomic_uint connections; /* open ones */
    int ended;               /* an eventfd, to which each worker that has ended adds 1 */
};

#endif
