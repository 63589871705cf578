/*
 * A recorded connection: its requests, and which answer belongs to which. Each track of it is a
 * side.
 */
#ifndef KVREPLAY_LIVE_SESSION_H
#define KVREPLAY_LIVE_SESSION_H

#include "live/run.h"

struct session *session_create(struct live_run *run,
                               const struct dissect_conversation *conversation);
void session_destroy(struct session *session);

/* Pairs an answer with its request and keeps it. False: there is none that waits for such. */
bool session_answer(struct session_side *side, const struct mcbp_frame *frame,
                    const struct net_origin *origin);

/* Whether the server still has to answer a request before that number. */
bool session_awaits(const struct session_side *side, uint64_t before);

/* No more answers come. `unknown`: but some may have been sent. */
void session_settle(struct session_side *side, bool unknown);

/* The server has closed: nothing more comes to anything. */
void session_end(struct session_side *side);

/* The recorded server has closed the connection because of what it was sent last, and the live one
 * is expected to. */
bool session_expects_end(const struct session *session);

/* Notes what a server has sent of its own accord. False: it is nothing such. */
bool session_note_request(struct session_side *side, const struct mcbp_frame *frame);

/* The servers will send nothing more that matters. */
bool session_is_drained(const struct session *session);

void session_close_peers(struct session *session);

#endif
