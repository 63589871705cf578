/*
 * Reordering: executes overlapping operations of a key in an order that linearize.h has found, and
 * reports what comes of each.
 */
#ifndef KVREPLAY_REPLAY_REORDER_H
#define KVREPLAY_REPLAY_REORDER_H

#include "replay/overlap.h"

/* Looks for an order of what can be judged now. The overlap is gone if nothing is open any more. */
void reorder_advance(struct run *run, struct overlap *overlap);

/* Executes some of it for good, as far as an order is known by now: what that has to leave open is
 * undecided, not different. If nothing can be, all of it, and the overlap is gone. */
void reorder_make_room(struct run *run, struct overlap *overlap);

/* Judges all of it; what still waits for an answer may have run or not. The overlap is gone. */
void reorder_finish(struct run *run, struct overlap *overlap);

#endif
