/*
 * Whether a server answers a connection's requests in their order. memcached always does. Couchbase
 * does unless HELLO has agreed on unordered execution, which a capture that lacks the beginning of
 * a connection, or bytes of it, does not show.
 */
#ifndef KVREPLAY_REPLAY_ORDER_H
#define KVREPLAY_REPLAY_ORDER_H

#include "replay/run.h"

/* Each request is passed here before it waits, and each answer to HELLO. */
void order_note_request(struct connection *connection, const struct mcbp_header *request);
void order_note_hello(struct connection *connection, const struct mcbp_frame *response);

/* Bytes are missing from the connection: they may have held a HELLO. */
void order_note_loss(struct connection *connection, enum dissect_role role);

/* No answer may come before those to earlier requests. */
bool order_is_kept(const struct connection *connection);

/* Once a later request has been answered, the answer to this one is late or missing. */
bool order_is_violated_by(const struct connection *connection, const struct pending *overtaken);

#endif
