/*
 * Deferring: whether an answer can be judged at once, or has to be kept until the order of the
 * requests that overlap with it is known (overlap.h). What is kept is judged in time.
 */
#ifndef KVREPLAY_REPLAY_DEFER_H
#define KVREPLAY_REPLAY_DEFER_H

#include "replay/run.h"

/*
 * True: the request, which does not wait any more, overlaps with others in such a way that its
 * answer (`response` NULL: silence) can be judged only later; it is kept in a copy until then.
 */
bool defer_answer(struct run *run, struct connection *connection, struct pending *request,
                  const struct dissect_frame *response);

/* The request will not be answered. True: its key overlaps, or it is a FLUSH, and it may have run
 * or not. */
bool defer_abandoned(struct run *run, struct connection *connection, const struct pending *request);
/* Before that: whether it has run is for the requests about its key that follow to show. */
void defer_begin_abandoned(struct run *run, const struct connection *connection,
                           const struct pending *request);

/* Before and after a FLUSH that takes effect at once is executed. */
void defer_prepare_flush(struct run *run, const struct connection *connection, int64_t now);
void defer_note_flush(struct run *run, struct connection *connection,
                      const struct pending *request);

/* The request has been dealt with: behind a FLUSH, judges what nobody waits for any more. */
void defer_advance(struct run *run, const struct pending *request);

#endif
