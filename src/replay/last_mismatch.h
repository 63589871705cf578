/*
 * The last answer of a connection that differed: it may have been one too many, which the answer
 * after it shows.
 */
#ifndef KVREPLAY_REPLAY_LAST_MISMATCH_H
#define KVREPLAY_REPLAY_LAST_MISMATCH_H

#include "replay/settle.h"

void last_mismatch_clear(struct run *run, struct connection *connection);

/* Keeps the request whose answer differed, with the state it met. Takes over both. */
void last_mismatch_set(struct run *run, struct connection *connection, struct pending *request,
                       struct saved_item *before, struct difference *difference);

/*
 * Whether this answer is right for the request whose answer before differed: then that one was too
 * many. It stays the one difference, under its right name, and *settlement is this answer's.
 */
bool last_mismatch_is_answered(struct run *run, struct connection *connection,
                               const struct dissect_frame *response, struct settlement *settlement);

#endif
