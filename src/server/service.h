/*
 * What all workers share.
 */
#ifndef KVREPLAY_SERVER_SERVICE_H
#define KVREPLAY_SERVER_SERVICE_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine/engine.h"

struct service {
    struct engine *engine;
    pthread_mutex_t lock; /* of the engine */
    size_t item_size_max;
    unsigned idle_milliseconds; /* 0: no timeout */
    const struct kvr_writer *writer;
    SSL_CTX *tls;            /* NULL: none */
    atomic_uint connections; /* open ones */
    int ended;               /* an eventfd, to which each worker that has ended adds 1 */
};

#endif
