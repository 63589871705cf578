/*
 * The rebuilt check: a frame that the server sent is taken apart into a description and built
 * again. It needs to know nothing of what the frame means.
 */
#ifndef KVREPLAY_REPLAY_REBUILT_H
#define KVREPLAY_REPLAY_REBUILT_H

#include "replay/run.h"

void rebuilt_check(struct run *run, const struct connection *connection,
                   const struct dissect_frame *frame);

/* A response of this check has been built; `faulty` says how. */
void rebuilt_built(struct run *run, bool faulty);

#endif
