/*
 * The verdict on what the servers have sent: a difference for everything that is not as it is in
 * the reference.
 */
#ifndef KVREPLAY_LIVE_COMPARE_H
#define KVREPLAY_LIVE_COMPARE_H

#include "live/run.h"

/* All tracks have answered. Takes the answers' memory back. */
void compare_exchange(struct session *session, struct exchange *exchange);

/* An answer to nothing that was asked. Takes its memory back. */
void compare_stray(const struct session_side *side, struct answer *answer);

/* The server's bytes are no frame. */
void compare_malformed(const struct session *session, struct span bytes);

/* Whether the server has closed the connection, as the other one has. */
void compare_close(const struct session *session);

/* The session is over. A server that has closed it without a reason is no server to compare with.
 */
void compare_session(const struct session *session);

#endif
