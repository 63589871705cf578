/*
 * The search for an order of execution in which the requests of a key all come to what was recorded
 * (linearizability, after J. M. Wing and C. Gong, 1993).
 *
 * A request may not run before another that was answered before it was asked, nor before an
 * earlier one of its own connection. One that still waits for its answer may have run or not.
 *
 * Two things keep it short. What agrees and leaves the item as it is may run as soon as it can: no
 * order that has it later is lost by that. And servers give each change of a key a CAS above the
 * one before, so that first only such orders are tried; others follow.
 */
#ifndef KVREPLAY_REPLAY_SEARCH_H
#define KVREPLAY_REPLAY_SEARCH_H

#include "replay/trial.h"

enum {
    SEARCH_CANDIDATES_MAX = 2048,
    SEARCH_VISITED = 1 << 13,
};

/* A request that has its place in the order to be found, or may have. */
struct candidate {
    const struct pending *request;
    struct connection *connection; /* NULL: it is remembered as a step */
    uint64_t connection_id;
    uint64_t answered; /* NOT_ANSWERED: it may have run or not, and come to anything */
    struct span answer;
    int64_t now;
    const struct step *step; /* that it was remembered as, or NULL */
    /* for the search: */
    size_t before; /* the candidate that its connection has sent before it; NOBODY: none */
    uint64_t cas;  /* what its answer tells of the item, 0: nothing */
    bool needed;   /* its connection has sent another behind it */
    bool done;
};

struct placed {
    size_t candidate;
    enum variant variant;
};

struct search {
    struct run *run;
    struct trial *trial;
    struct span key;
    size_t count;
    size_t subject;  /* the candidate that the trial is about */
    size_t to_place; /* candidates that have to be placed yet */
    bool cas_rises;  /* only orders in which it does are tried */
    bool given_up;   /* there may be an order that was not tried */
    unsigned trials; /* executions that are left */
    size_t placed;
    uint64_t visited[SEARCH_VISITED]; /* hashes of what was run and came to nothing */
    struct candidate candidates[SEARCH_CANDIDATES_MAX];
    struct candidate *turns[SEARCH_CANDIDATES_MAX]; /* by connection and time */
    struct placed order[SEARCH_CANDIDATES_MAX];
};

/* NULL: there is no room; then the search is given up. */
struct candidate *search_add(struct search *search, const struct pending *request, uint64_t id);

/*
 * Looks for an order from what the key holds at first. True: search->order has search->placed
 * candidates, all that have to be there. The store is left in any state of the key.
 */
bool search_order(struct search *search, const struct engine_item *first);

/* The trial of a candidate on a state. False: that is not what was recorded, or makes no sense. */
bool search_execute(struct run *run, struct span key, const struct candidate *candidate,
                    enum variant variant, const struct engine_item *state, struct trial *trial);

#endif
