/*
 * The executed check: recorded requests run in the embedded store, in the order in which the server
 * answered them, and what it answers is built and compared with what was recorded.
 *
 * Pairing goes by connection, order and opaque. An answer that is missing, or one too many, is one
 * difference; the answers after it are paired as if it had not happened.
 */
#ifndef KVREPLAY_REPLAY_EXECUTED_H
#define KVREPLAY_REPLAY_EXECUTED_H

#include "replay/run.h"

void executed_request(struct run *run, struct connection *connection,
                      const struct dissect_frame *request);
void executed_response(struct run *run, struct connection *connection,
                       const struct dissect_frame *response);
void executed_lost(struct run *run, struct connection *connection, enum dissect_role role,
                   bool missing);
void executed_end(struct run *run, struct connection *connection, enum dissect_role role);

/* A response of this check has been built; `faulty` says how, `outcome` was its label's. */
void executed_built(struct run *run, const struct mcbp_header *response, int outcome, bool faulty);

/* Settles what is left when the connection is over; the connection's memory is given back. */
void executed_closed(struct run *run, struct connection *connection);

#endif
