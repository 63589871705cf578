/*
 * Connections that speak Couchbase's dialect, and their requests, until they are answered.
 */
#ifndef KVREPLAY_REPLAY_COUCHBASE_ASK_H
#define KVREPLAY_REPLAY_COUCHBASE_ASK_H

#include "replay/run.h"

/* The connection speaks the dialect from here on. Does nothing if it is known to. */
void couchbase_begin(struct run *run, struct connection *connection);

/* The request's key, as shadow_key() has it in Couchbase's dialect. */
struct span couchbase_key(const struct connection *connection, const struct mcbp_frame *request);

/* A request begins to wait. Does nothing on connections that do not speak the dialect. */
void couchbase_ask(struct run *run, struct connection *connection, struct pending *request);

/* The request is not followed any more: it may change its document, or have changed it. */
void couchbase_forget(struct run *run, struct pending *request);

#endif
