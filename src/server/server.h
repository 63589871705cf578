/*
 * A memcached-compatible server of the binary protocol: libevent's bufferevents, worker threads,
 * the embedded store and a writer.
 *
 * Connections are accepted by the thread that runs the server and handed to the workers in turn.
 * Each worker has an event loop of its own. The store is one; a worker holds its lock for a batch
 * of requests, and copies and sends the answers without it.
 */
#ifndef KVREPLAY_SERVER_SERVER_H
#define KVREPLAY_SERVER_SERVER_H

#include "couchbase/couchbase.h"
#include "kvresponse/plugin.h"
#include "sockets/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server_options {
    const char *listen;    /* addresses or names, separated by commas; ignored with unix_path */
    uint16_t port;         /* 0: the kernel chooses, one for each address */
    const char *unix_path; /* NULL: TCP. A socket left there by a server that is gone is replaced */
    unsigned threads;      /* workers, at least 1 */
    unsigned connections_max;
    size_t memory_max;       /* of items, bytes */
    size_t item_size_max;    /* bytes */
    unsigned idle_timeout;   /* seconds; 0: none. See connection.h */
    const char *certificate; /* paths of PEM files; NULL: no TLS */
    const char *key;
    const struct kvr_writer_type *writer;
    const struct couchbase_options *couchbase; /* NULL: memcached's dialect. Its port, its memory
                                                  and TLS are those of the server */
};

struct server;

enum { SERVER_PROBLEM_SIZE = SOCKETS_PROBLEM_SIZE };

/*
 * Listens, and is ready for connections; they are served by server_run. From here on SIGTERM and
 * SIGINT stop the server. The options are not referred to later, but for the writer. NULL:
 * `problem` says why.
 */
struct server *server_create(const struct server_options *options,
                             char problem[SERVER_PROBLEM_SIZE]);
void server_destroy(struct server *server);

/* Where it listens: "127.0.0.1:11211, [::1]:11211", or the socket's path. */
const char *server_address(const struct server *server);

/*
 * Serves until SIGTERM or SIGINT. Then no more requests are read, the answers to those read are
 * sent, as far as clients take them within SERVER_STOP_SECONDS, and connections are closed. A
 * second signal closes them at once. False: a thread could not be started; `problem` says why.
 */
bool server_run(struct server *server, char problem[SERVER_PROBLEM_SIZE]);

enum { SERVER_STOP_SECONDS = 5 };

#endif
