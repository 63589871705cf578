/*
 * Requests as they are sent. They are gathered, and handed to the sockets all at once.
 */
#ifndef KVREPLAY_LIVE_SEND_H
#define KVREPLAY_LIVE_SEND_H

#include "live/run.h"

/* A recorded request, to each server as it has to get it, unless the session takes no more. */
void send_request(struct session *session, const struct dissect_frame *frame);

/* Sends a NOOP of our own, if none is under way. When it has been answered, so has been everything
 * that was sent before. */
void send_fence(struct session *session);

/* Hands to the sockets what was gathered. */
void send_session(struct session *session);
void send_sessions(struct sessions *sessions);

#endif
