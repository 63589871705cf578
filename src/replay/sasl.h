/*
 * SASL: whether a server authenticates its clients, and what that does to answers. The store has no
 * users, so answers to SASL requests are not executed where the server has SASL; what it refuses
 * for lack of authentication is compared with memcached's refusal.
 */
#ifndef KVREPLAY_REPLAY_SASL_H
#define KVREPLAY_REPLAY_SASL_H

#include "replay/settlement.h"

/*
 * Settles the answer to a SASL request, or a refusal for lack of authentication. False: the request
 * is to be executed as any other. `recorded` NULL: silence.
 */
bool sasl_settle(struct run *run, const struct connection *connection,
                 const struct pending *request, const struct mcbp_frame *recorded,
                 struct settlement *settlement);

/* The request has got this answer for certain: learns from it. */
void sasl_note(struct run *run, struct connection *connection, const struct pending *request,
               const struct mcbp_frame *response);

#endif
