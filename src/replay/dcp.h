/*
 * Streams of changes (DCP) are held to their own order, see shadow/dcp.h. Nothing of them is
 * executed.
 */
#ifndef KVREPLAY_REPLAY_DCP_H
#define KVREPLAY_REPLAY_DCP_H

#include "replay/run.h"

/* Before the answer is taken for that to a request that waits. */
void dcp_note_answer(struct run *run, struct connection *connection,
                     const struct dissect_frame *answer);

/* A message of a stream, from the server: counts it, and reports what is wrong. False: it is none.
 */
bool dcp_message(struct run *run, struct connection *connection,
                 const struct dissect_frame *message);

void dcp_lost(struct connection *connection);

#endif
