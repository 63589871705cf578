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
    OVERLAPS_MAX = 65536,
    OVERLAP_BUCKETS = 1024,
    OVERLAP_STEPS_MAX = 512,
    OVERLAP_STEPS_TRIED = 32, /* with so many more it is looked whether the older are settled */
};

/* What all overlaps may take; then the oldest is given up. */
static const size_t OVERLAP_BYTES_MAX = 32 << 20;

static const uint64_t NOT_ANSWERED = UINT64_MAX;

/* What a capture does not tell of an execution. */
enum variant {
    VARIANT_PLAIN,
    VARIANT_OTHER_CAS,  /* the item's CAS, never seen, is not the one asked for */
    VARIANT_REFERENCED, /* somebody else was reading the number: it is not padded */
    VARIANT_ADOPTED,    /* the key was never seen: the answer tells what it held */
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
    struct overlap *next; /* in its bucket */
    struct overlap *older;
    struct overlap *newer;
    uint64_t key_hash;
    struct saved_item base; /* what the key held before the first step */
    struct step *steps;     /* in the order in which they are taken to have run */
    size_t count;
    size_t room;
    bool lost;              /* there were too many steps: what was run meanwhile is not known */
    size_t tried;           /* steps when it was last looked whether the older are settled */
    size_t bytes;           /* of the steps and the base */
    struct saved_item kept; /* while a FLUSH is executed that is taken to have run before */
    size_t key_size;
    uint8_t key[];
};

struct overlaps { /* all zero to begin with */
    struct overlap *buckets[OVERLAP_BUCKETS];
    struct overlap *oldest;
    struct overlap *newest;
    size_t used;
    size_t bytes;
};

/* Requests that wait for their answers, by key_hash modulo CONTENTION_SLOTS. The slots come in
 * pages that are made when the first request to one waits: most captures have few keys. */
struct contention {
    uint32_t waiting;
    uint32_t connection; /* of the first of them */
    bool mixed;          /* they are of several connections */
};

enum {
    CONTENTION_SLOTS = 1 << 16,
    CONTENTION_PAGE = 1 << 7, /* slots */
    CONTENTION_PAGES = CONTENTION_SLOTS / CONTENTION_PAGE,
};

/* For telling keys apart quickly; what it finds equal is compared. */
uint64_t overlap_key_hash(struct span key);

/* Whether a request of that opcode can change what its key holds. */
bool overlap_opcode_changes(uint8_t opcode);

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
/* Takes over `base`, in place of the one before. */
void overlap_set_base(struct run *run, struct overlap *overlap, struct saved_item *base);
/* Copies the trial's request and answer. False: no memory. */
bool overlap_make_step(struct run *run, const struct trial *trial, uint64_t answered,
                       struct step *step);
/* Takes over `steps`, an array from malloc(3), in place of what was there; the steps in that are
 * the caller's to release, or among the new ones. */
void overlap_set_steps(struct run *run, struct overlap *overlap, struct step *steps, size_t count);
/* It may have changed what the key holds. */
bool overlap_step_changes(const struct step *step);
/* After it, what the key holds is the same in every order: it was shown, or replaced. */
bool overlap_step_leaves_nothing_open(const struct step *step);
/* Silence, the answer of size 0, is the success of a change. */
bool overlap_is_success(struct span answer);
/* The CAS that an answer tells of the item; 0: it tells none. */
uint64_t overlap_told_cas(struct span answer);
void overlap_release_step(struct run *run, struct step *step);
/* Releases the first `count` steps, of which nothing is open any more. */
void overlap_drop_steps(struct run *run, struct overlap *overlap, size_t count);
/* Nothing of it is open any more. */
void overlap_drop(struct run *run, struct overlap *overlap);
/*
 * What the key holds can't be told any more, for want of room or time, until nobody waits for an
 * answer about it: what is lost is found by overlap_find, and overlap_forget drops it then.
 */
void overlap_lose(struct run *run, struct span key, uint64_t key_hash);
/* The trial's answer tells of a change with a CAS below one that a step has told. */
bool overlap_cas_falls(const struct overlap *overlap, const struct trial *trial);
/* Nothing is open any more once that answer is known. */
bool overlap_is_settled_by(struct run *run, const struct overlap *overlap,
                           const struct trial *trial);

/* What the key holds has been decided by other means. */
void overlap_forget(struct run *run, struct span key);
void overlap_forget_all(struct run *run);

/* Gives all memory back. */
void overlap_deinit(struct run *run);

#endif
