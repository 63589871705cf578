/*
 * A thread with an event loop and the connections that it was given.
 */
#ifndef KVREPLAY_SERVER_WORKER_H
#define KVREPLAY_SERVER_WORKER_H

#include "server/service.h"

#include <stdbool.h>

struct server_worker;

/* Prepares it; the thread is not started yet. NULL: no memory, or no descriptors. */
struct server_worker *server_worker_create(struct service *service);

/* False: no thread. */
bool server_worker_start(struct server_worker *worker);

/* Hands a connected, non-blocking socket over, which is the worker's from then on. False: too many
 * are waiting for the worker, or it is stopping; the socket is still the caller's. */
bool server_worker_give(struct server_worker *worker, int socket);

/* Lets the worker tell its clients what has changed. By any thread. */
void server_worker_announce(struct server_worker *worker);

/* Lets the worker end, as soon as what it has to send is sent. */
void server_worker_stop(struct server_worker *worker);

/* Lets the worker end now. */
void server_worker_abort(struct server_worker *worker);

/* Waits for the thread, if it was started, and frees everything. */
void server_worker_destroy(struct server_worker *worker);

#endif
