/*
 * Reordering: another order of execution of the overlapping requests of a key (see search.h), and
 * what follows for the store and for what is remembered of the overlap.
 */
#ifndef KVREPLAY_REPLAY_REORDER_H
#define KVREPLAY_REPLAY_REORDER_H

#include "replay/trial.h"

enum reorder {
    REORDER_NONE,      /* there is no such order; nothing has changed */
    REORDER_FOUND,     /* the store, the trial and the overlap are as in that order */
    REORDER_UNDECIDED, /* there are too many orders to try all; nothing has changed */
};

/*
 * `trial` has been executed, disagreed and been taken back, or it is one that was taken to have run
 * before.
 */
enum reorder reorder(struct run *run, struct trial *trial);

/* The request is a FLUSH or FLUSHQ without delay, which is about every key. */
bool reorder_is_flush_at_once(const struct pending *request);

/* Drops the older steps of which no order is open any more, before the trial's request is executed.
 */
void reorder_settle_beginning(struct run *run, struct overlap *overlap, const struct trial *trial);

#endif
