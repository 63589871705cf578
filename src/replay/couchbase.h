/*
 * Answers on connections that speak Couchbase's dialect: paired with their requests, and held to
 * what the server's shadow (shadow/shadow.h) comes to. Answers about documents that others change
 * meanwhile are kept, see couchbase_order.h.
 */
#ifndef KVREPLAY_REPLAY_COUCHBASE_H
#define KVREPLAY_REPLAY_COUCHBASE_H

#include "replay/run.h"

void couchbase_response(struct run *run, struct connection *connection,
                        const struct dissect_frame *response);

/* Bytes are missing: what waits may have been answered, or requests may be missing. */
void couchbase_lost(struct run *run, struct connection *connection, enum dissect_role role);

/* The connection ends: what waits on it has run, or not; or it should have been answered. */
void couchbase_leave(struct run *run, struct connection *connection);

/* The request is not followed any more. Does nothing if it is about no document. */
void couchbase_abandon(struct run *run, struct pending *request);

#endif
