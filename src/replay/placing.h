/*
 * A search for an order, as it places operations behind those that are placed: each is executed on
 * what the last one has left, and placed if that gives what was recorded. Used by linearize.c and
 * its parts alone: remaining.h (what may be next), reads.h, choices.h and backtrack.c.
 */
#ifndef KVREPLAY_REPLAY_PLACING_H
#define KVREPLAY_REPLAY_PLACING_H

#include "replay/trial.h"

/* See search.width. */
enum {
    SEARCH_ALL = 2,     /* whatever is next by its CAS value, or has none */
    SEARCH_ANY_CAS = 3, /* and what was numbered before others that ran before it, see race.h */
    SEARCH_WIDTHS
};

enum rank {
    RANK_FIRST,   /* others wait for it, or it shows what is there */
    RANK_BEFORE,  /* it was answered before the next version */
    RANK_HELPS,   /* it leaves what the next version needs */
    RANK_VERSION, /* it is the next version */
    RANK_SOON,    /* it was answered soon after that */
    RANK_LATER,
    RANK_UNANSWERED, /* it may not have run at all */
};

struct choice {
    struct operation *operation;
    enum variant variant;
    enum rank rank;
};

struct search {
    struct run *run;
    struct overlap *overlap;
    struct span key;
    uint64_t horizon;
    size_t to_place; /* operations answered before the horizon that are not placed */
    unsigned trials; /* executions that are left */
    unsigned spent;  /* executions so far */
    bool cas_rises;  /* CAS values are what the server gave */
    unsigned width;  /* how unlikely the choices are that are tried */
    struct engine_item state;
    struct choice *choices;
    size_t choices_count;
    size_t choices_room;
    struct frame *frames;
    size_t frames_count;
    size_t frames_room;
    uint64_t *dead_ends; /* hashes; NULL: none yet */
    struct choice *best; /* the longest order that led nowhere, from `began` on */
    size_t best_count;
    size_t best_adopted; /* of them by VARIANT_ADOPTED */
    size_t began;        /* operations that were placed before */
};

/* Of what is placed: CAS values told are not above the first, and the flush that is in force. */
uint64_t placing_floor(const struct overlap *overlap);
const struct engine_flush *placing_flush(const struct overlap *overlap);

/* Takes back what is placed from index `count` on. */
void placing_undo(struct overlap *overlap, size_t count);

/* What the key holds after all that is placed. */
const struct saved_item *placing_last(const struct overlap *overlap);

/* The latest change of what is placed, but for a FLUSH that took nothing; NULL: there is none. */
const struct operation *placing_last_change(const struct overlap *overlap);

bool placing_is_due(const struct search *search, const struct operation *operation);

/* Sets search->state to what the engine holds. */
void placing_look(struct search *search);

/* Puts the last state back into the engine. */
void placing_restore(struct search *search);

/* Takes back what is placed from index `count` on. */
void placing_take_back(struct search *search, size_t count);

/* Makes room for one more of `count` entries of `size` bytes. False: no memory, which is noted. */
bool placing_make_room(struct search *search, void **entries, size_t count, size_t *room,
                       size_t size);

/* False: no executions are left. */
bool placing_spend(struct search *search);

/* False: it does not agree; the engine's item may be any then. */
bool placing_execute(struct search *search, const struct operation *operation, enum variant variant,
                     struct trial *trial);

/* Places what has been executed and agrees; `same`: it leaves the state as it was. False: no
 * memory. */
bool placing_place(struct search *search, struct operation *operation, const struct trial *trial,
                   bool same);

/* Executes and places. False: nothing has changed. */
bool placing_try(struct search *search, const struct choice *choice);

#endif
