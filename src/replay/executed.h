/*
 * The executed check: recorded requests run in the embedded store, in the order in which the server
 * answered them, and what it answers is built and compared with what was recorded.
 *
 * Requests begin to wait in awaiting.h; what was not answered is silence.h's; the end of a
 * connection leaving.h's. Pairing goes by connection, order and opaque. An answer that is missing,
 * or one too many, is one difference; the answers after it are paired as if it had not happened.
 */
#ifndef KVREPLAY_REPLAY_EXECUTED_H
#define KVREPLAY_REPLAY_EXECUTED_H

#include "replay/settle.h"

void executed_response(struct run *run, struct connection *connection,
                       const struct dissect_frame *response);
void executed_lost(struct run *run, struct connection *connection, enum dissect_role role,
                   uint64_t missing);

/* A response of this check has been built; `faulty` says how, `outcome` was its label's. */
void executed_built(struct run *run, const struct mcbp_header *response, int outcome, bool faulty);

/* Counts the answer to the request, has what the store answers built, and notes what follows for
 * the connection. */
void executed_finish(struct run *run, struct connection *connection,
                     const struct dissect_frame *response, const struct pending *request,
                     const struct settlement *settlement);

/* The answer's opcode, opaque or key is not the request's: that is the difference. */
void executed_label(const struct dissect_frame *response, const struct pending *request,
                    struct settlement *settlement);

/* The request has its answer: what was uncertain when it was sent is not any more. */
void executed_note_certainty(struct run *run, struct connection *connection,
                             const struct pending *request);

/* Counts and reports what has come of a request whose answer, or silence (`response` NULL), was
 * kept until the order of execution was found. */
void executed_conclude(struct run *run, struct connection *connection,
                       const struct pending *request, const struct dissect_frame *response,
                       const struct settlement *settlement);

#endif
