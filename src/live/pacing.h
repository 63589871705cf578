/*
 * When the next request may be sent, and what is done when a server does not answer.
 */
#ifndef KVREPLAY_LIVE_PACING_H
#define KVREPLAY_LIVE_PACING_H

#include "live/run.h"

/* False: no memory. */
bool pacing_init(struct pacing *pacing);
void pacing_deinit(struct pacing *pacing);

/* Waits until the next request, which came at `time`, may be sent on the session, and there is
 * memory for it. */
void pacing_wait_turn(struct session *session, int64_t time, bool uses_cas);

/* Nothing more is sent on the session. Waits until its servers have said all that they will, or,
 * where there is no order between sessions, until there are few that have not; afterwards the
 * session's connections are closed, and it itself if `closed` is set. */
void pacing_finish(struct session *session);
void pacing_finish_all(struct live_run *run);

/* Gives everything up. */
void pacing_stop(struct live_run *run);

#endif
