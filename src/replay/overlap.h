/*
 * Overlaps: what requests of several connections did to a key, where they overlap in time.
 *
 * Requests are executed in the order in which they were answered. Where they overlap, the server
 * may have run them in another one, and a later answer may show that. What was executed is then
 * remembered, from a state of the key on that was certain, until no order is open any more;
 * reorder.h searches another order when an answer is not the expected one.
 */
#ifndef KVREPLAY_REPLAY_OVERLAP_H
#define KVREPLAY_REPLAY_OVERLAP_H

#include "replay/pending.h"
#include "replay/saved_item.h"

struct run;
struct trial;
struct connection;

enum {
    OVERLAPS_MAX = 64,
    OVERLAP_STEPS_MAX = 96, /* then the older half is taken for settled */
    OVERLAP_STEPS_ROOM = OVERLAP_STEPS_MAX + 64,
    OVERLAP_KEY_MAX = 250,
};

/* Larger ones are not remembered. */
static const size_t OVERLAP_BYTES_MAX = 8 << 20;

static const uint64_t NOT_ANSWERED = UINT64_MAX;

/* What a capture does not tell of an execution. */
enum variant {
    VARIANT_PLAIN,
    VARIANT_OTHER_CAS,  /* the item's CAS, never seen, is not the one asked for */
    VARIANT_REFERENCED, /* somebody else was reading the number: it is not padded */
    VARIANTS,
};

/* One request of the key, or a FLUSH, and what was recorded of its answer. */
struct step {
    struct pending request; /* its bytes are the step's own */
    uint64_t connection;
    uint64_t answered; /* sequence; NOT_ANSWERED: it waits, but has to have run by now */
    uint8_t *answer;   /* from the run's blocks; NULL: silence */
    size_t answer_size;
    int64_t now; /* Unix seconds at which it was executed */
    enum variant variant;
};

struct overlap {
    bool used;
    uint8_t key[OVERLAP_KEY_MAX];
    size_t key_size;
    uint64_t key_hash;
    struct saved_item base;                /* what the key held before the first step */
    struct step steps[OVERLAP_STEPS_ROOM]; /* in the order in which they are taken to have run */
    size_t count;
    size_t bytes;
    struct saved_item kept; /* while a FLUSH is executed that is taken to have run before */
};

struct overlaps {
    struct overlap *ring; /* OVERLAPS_MAX of them */
    size_t next;
    size_t used;
};

/* Requests that wait for their answers, by key_hash modulo CONTENTION_SLOTS. */
struct contention {
    uint32_t waiting;
    uint32_t connection; /* of the first of them */
    bool mixed;          /* they are of several connections */
};

enum { CONTENTION_SLOTS = 1 << 16 };

/* Has to be told of each request that begins or ends to wait. */
void overlap_begins_to_wait(struct run *run, const struct connection *connection,
                            const struct pending *request);
void overlap_ends_to_wait(struct run *run, const struct pending *request);

/* The requests of that key that are remembered, or NULL. */
struct overlap *overlap_find(struct run *run, struct span key, uint64_t key_hash);

/* The step is one that was taken to have run before it was answered. */
bool overlap_has_run(const struct overlap *overlap, uint64_t sequence);

/* Before a request is executed: takes what its key holds if other orders are possible. */
void overlap_prepare(struct run *run, const struct trial *trial, struct saved_item *before);

/* The request was executed as it lies there. If it was INCREMENT or DECREMENT and has left blanks
 * behind a shorter number, it may as well have left none: takes what its key held. */
void overlap_note_padding(struct run *run, struct trial *trial, struct saved_item *before);

/* The request was executed and agrees with what was recorded. Takes over `before`. */
void overlap_note(struct run *run, const struct trial *trial, struct saved_item *before);

/* Before and after a FLUSH that takes effect at once is executed. */
void overlap_prepare_flush(struct run *run, const struct trial *trial);
void overlap_note_flush(struct run *run, const struct trial *trial);

/* A new one whose first step is to come; takes over `base`. NULL: it can't be remembered. */
struct overlap *overlap_begin(struct run *run, struct span key, uint64_t key_hash,
                              struct saved_item *base);
/* Copies the trial's request and answer. False: no memory. */
bool overlap_make_step(struct run *run, const struct trial *trial, uint64_t answered,
                       struct step *step);
size_t overlap_step_size(const struct step *step);
void overlap_release_step(struct run *run, struct step *step);
void overlap_drop(struct run *run, struct overlap *overlap);
/* Nothing is open any more once that answer is known. */
bool overlap_is_settled_by(struct run *run, const struct overlap *overlap,
                           const struct trial *trial);

/* What the key holds has been decided by other means. */
void overlap_forget(struct run *run, struct span key);
void overlap_forget_all(struct run *run);

#endif
