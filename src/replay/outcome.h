/*
 * What the executed check says of an answer, or of its absence: counts, and records of differences.
 */
#ifndef KVREPLAY_REPLAY_OUTCOME_H
#define KVREPLAY_REPLAY_OUTCOME_H

#include "replay/settle.h"

void outcome_count(struct run *run, const struct mcbp_header *response, enum outcome outcome);

/* The request should have been answered. `detail` is a sentence that says how that is known. */
struct difference *outcome_missing(struct run *run, const struct connection *connection,
                                   const struct pending *request, const char *detail);

/* The answer is one too many; it is counted, too. */
void outcome_unexpected(struct run *run, const struct connection *connection,
                        const struct dissect_frame *response);

/* The answer is right, but comes behind that to a later request. It is not counted here. */
void outcome_out_of_order(struct run *run, const struct connection *connection,
                          const struct dissect_frame *response, const struct pending *request);

/* The answer to the request is not the store's. Returns the record, NULL if there are enough. */
struct difference *outcome_report(struct run *run, const struct connection *connection,
                                  const struct dissect_frame *response,
                                  const struct pending *request,
                                  const struct settlement *settlement);

/* What was sent unseen, a restart, or lack of memory, may turn out to explain the difference. */
void outcome_note_provisional(struct run *run, const struct settlement *settlement,
                              struct difference *difference, bool missing);

/* The server closes the connection behind this answer. */
void outcome_note_closing(struct connection *connection, const struct pending *request,
                          const struct settlement *settlement);

#endif
