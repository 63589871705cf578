/*
 * Explanations: a recorded answer that is not the one the store gives may be right all the same.
 * They are tried one after the other; each changes what the store knows and executes the request
 * again.
 *
 *   adopted    the store knows nothing certain of the key; what was recorded tells what it was
 *   ambiguous  it is right with overlapping requests of other connections run in another order, or
 *              one second earlier or later, where the server's clock allows that
 *   dropped    an item that was stored before the capture began has expired, or the server has
 *              evicted it (--allow-eviction)
 */
#ifndef KVREPLAY_REPLAY_EXPLAIN_H
#define KVREPLAY_REPLAY_EXPLAIN_H

#include "replay/trial.h"

enum explained {
    EXPLAINED_NOT,       /* the trial's effect has been taken back */
    EXPLAINED_ADOPTED,   /* the trial agrees, and its effect stands */
    EXPLAINED_AMBIGUOUS, /* the same */
};

/* `trial` has been executed and disagrees. */
enum explained explain(struct run *run, struct trial *trial);

/*
 * Requests that the capture does not have may have changed the key (unseen.h): what it held is
 * taken from the answer. True: the trial agrees, and its effect stands. Else trial->provisional
 * says whether that would explain it if there were such requests. To be tried when all else has
 * failed.
 */
bool explain_by_unseen(struct run *run, struct trial *trial);

/*
 * Something went wrong with the key: what the store holds for it is no more than a guess from here
 * on, which the next recorded answer settles.
 */
void explain_doubt(struct run *run, struct span key, int64_t now);

#endif
