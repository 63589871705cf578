/*
 * Reordering: the search for an order of execution in which overlapping requests of a key all come
 * to what was recorded (linearizability, after J. M. Wing and C. Gong, 1993).
 *
 * A request may not run before another that was answered before it was asked, nor before an
 * earlier one of its own connection. One that still waits for its answer may have run or not.
 */
#ifndef KVREPLAY_REPLAY_REORDER_H
#define KVREPLAY_REPLAY_REORDER_H

#include "replay/trial.h"

/*
 * `trial` has been executed, disagreed and been taken back, or it is one that was taken to have run
 * before. True: there is an order; the store, the trial and what is remembered of the overlap are
 * as in that order. Otherwise nothing has changed.
 */
bool reorder(struct run *run, struct trial *trial);

/* The request is a FLUSH or FLUSHQ without delay, which is about every key. */
bool reorder_is_flush_at_once(const struct pending *request);

/* Takes the order of the older steps for settled, so that there is room. False: it can't. */
bool reorder_fix_beginning(struct run *run, struct overlap *overlap, int64_t now);

#endif
