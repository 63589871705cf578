/*
 * The connections of a session to the servers, and what comes on them.
 */
#ifndef KVREPLAY_LIVE_CONNECT_H
#define KVREPLAY_LIVE_CONNECT_H

#include "live/run.h"

/* False: a server can't be connected to, which the capture's problem says, or no memory. */
bool connect_session(struct session *session);

#endif
