/*
 * The search for an order of execution in which all operations of a key come to what was recorded
 * (linearizability, after J. M. Wing and C. Gong, 1993).
 *
 * An operation may not run before another that was answered before it was asked, nor before an
 * earlier one of its own connection; so in each step only the first of each strand can be next.
 * Three things keep the search short. What agrees and leaves the item as it is runs as soon as it
 * can: no order that has it later is lost by that. Versions of an item have rising CAS values,
 * which the answers to loud changes and to reads tell: the next version is the one with the lowest,
 * or, where that leads nowhere, the next but one: a server may number one early, see race.h.
 * What tells no CAS is tried in the order of the answers, and sooner if what comes next needs it. A
 * state from which no order led on is not tried twice.
 */
#ifndef KVREPLAY_REPLAY_LINEARIZE_H
#define KVREPLAY_REPLAY_LINEARIZE_H

#include "replay/placing.h"

enum search_result {
    SEARCH_FOUND,
    SEARCH_NONE,          /* no order leads on from where the search began */
    SEARCH_NONE_IN_ORDER, /* nor one that is in the order of CAS values; of others it was given up
                           */
    SEARCH_UNDECIDED,     /* it was given up */
};

/* What is enough for a search: that the operation is placed (NULL: any), and that many are. */
struct search_goal {
    const struct operation *operation;
    size_t count;
};

/*
 * Places operations behind those that are placed, until all that were answered before `horizon` (a
 * sequence) are, or until the goal (NULL: none) is reached. If that can't be, the longest order
 * that was found is left placed. At most `trials` executions; `width` says how unlikely the choices
 * are that are tried. The engine's item is the last state then.
 */
enum search_result linearize(struct run *run, struct overlap *overlap, uint64_t horizon,
                             unsigned trials, unsigned width, const struct search_goal *goal);

/* A search that its caller places for: the engine's item is the last state then. What has been
 * allocated is freed by linearize_end. */
struct search linearize_begin(struct run *run, struct overlap *overlap, uint64_t horizon,
                              unsigned trials, unsigned width);
void linearize_end(struct search *search);

/* The lowest CAS that is told by what is not placed, or NO_CAS. */
uint64_t linearize_lowest(const struct overlap *overlap);

#endif
