/*
 * What is kept of the requests about one key that overlap in time: the operations, in the order of
 * each connection, and those that have their place in an order of execution. Plain data, kept by
 * overlap.c and placed by linearize.c and its parts.
 */
#ifndef KVREPLAY_REPLAY_HISTORY_H
#define KVREPLAY_REPLAY_HISTORY_H

#include "replay/pending.h"
#include "replay/saved_item.h"

struct connection;

static const uint64_t NOT_ANSWERED = UINT64_MAX;
static const uint64_t NO_CAS = UINT64_MAX;

/* What the key has to hold for the recorded answer to be right. */
enum needs { NEEDS_NOTHING, NEEDS_PRESENT, NEEDS_ABSENT };

/*
 * What a connection asked between two changes that told their CAS. Servers number all changes in
 * the order in which they run them (but see race.h), whatever their keys, and run one connection's
 * in its order: so what lies in between has run after all changes up to `above` and before those
 * from `below` on.
 */
struct stretch {
    uint64_t above;
    uint64_t below; /* NO_CAS: not known yet */
    size_t users;   /* operations and, while it lasts, the connection */
};

struct operation {
    struct stretch *stretch;
    struct connection *connection; /* counts it in `deferred` */
    struct pending request;        /* its bytes are the operation's own */
    uint64_t answered;             /* sequence; NOT_ANSWERED: it may have run or not */
    bool untold;                   /* it has run by then; what was answered is not in the capture */
    uint8_t *answer;               /* from the run's blocks; NULL: silence */
    size_t answer_size;
    struct mcbp_frame recorded; /* the answer, if there is one */
    struct net_origin origin;   /* of the answer */
    int64_t now;                /* Unix seconds at which it is executed */
    enum needs needs;
    bool is_flush;
    struct engine_flush flush; /* what it leaves behind, if it is one */
    bool changes;              /* it may leave another item than it found */
    bool removes;              /* it leaves none */
    bool versions; /* it makes a new version of the item, with the CAS that its answer tells */
    bool hidden;   /* it makes one whose CAS its answer does not tell */
    bool settles;  /* what is there after it is known, whatever was there before */
    bool raced;    /* INCREMENT or DECREMENT that found no item, nor could make one: another request
                      made it in between */
    uint64_t cas;  /* that its answer tells of the item; 0: none */
    uint64_t lowest; /* CAS told by it or an operation behind it in its strand; NO_CAS: none */
    uint64_t likely; /* if hidden: about the CAS it got, see likely.h; NO_CAS: no guess */
    size_t strand;
};

enum {
    OVERLAPS_MAX = 65536,
    OVERLAP_BUCKETS = 1024,
};

/* What all overlaps of a server may take; then the oldest is executed with what is known. Two dozen
 * requests at once for values of up to 1 MB take some 60 MB. */
static const size_t OVERLAP_BYTES_MAX = 128 << 20;

/* What a capture does not tell of an execution. */
enum variant {
    VARIANT_PLAIN,
    VARIANT_OTHER_CAS,  /* the item's CAS, never seen, is not the one asked for */
    VARIANT_REFERENCED, /* somebody else was reading the number: it is not padded */
    VARIANT_ADOPTED,    /* the key was never seen: the answer tells what it held */
    VARIANT_EARLIER,    /* the server's clock was a second behind, */
    VARIANT_LATER,      /* or a second ahead */
    VARIANT_TAKEN,      /* a FLUSH with a delay has taken what the store has, see delayed.h, */
    VARIANT_LEFT,       /* or left what the store has flushed */
    VARIANT_LOST_ADD,   /* it looked the key up, and lost a race for adding it; see race.h */
    VARIANT_OUTLIVED,   /* a FLUSH: what is being changed is not taken by it; see race.h */
    VARIANT_NEXT_CAS,   /* it shows the CAS of the change behind it; see race.h */
    VARIANT_MINUS,      /* a large number is refused for what is in the memory behind it */
    VARIANT_NO_MEMORY,  /* the server has none for the joined value */
    VARIANT_NO_CAS,     /* the server gives no CAS values, see cas_is_open */
    VARIANTS,
};

/* The operations of one connection, in the order in which it sent them and they run. */
struct strand {
    const struct connection *connection;
    struct operation **operations;
    size_t count;
    size_t room;
    size_t next; /* the first that has no place in the order yet */
    /* Of that one, or of none: */
    struct operation *head;
    uint64_t answered; /* NOT_ANSWERED: there is none */
    uint64_t lowest;   /* NO_CAS: there is none */
};

/* An operation that has its place in the order, not executed for good yet. */
struct placed {
    struct operation *operation;
    enum variant variant;
    bool reordered;   /* it runs before a change that was answered earlier, or is none and runs
                         behind one that was answered later */
    bool early;       /* it was numbered before one that ran before it, see race.h */
    bool mask_needed; /* it agrees only because of the mask with the index `mask` */
    size_t mask;
    struct saved_item after; /* what the key holds after it; value NULL: the same as before */
    uint64_t floor;          /* the highest CAS that a version of the key had so far */
    struct engine_flush flush;
    uint64_t changed; /* the latest answer to a change so far, sequence; 0: none */
};

struct overlap {
    struct overlap *next; /* in its bucket */
    struct overlap *older;
    struct overlap *newer;
    uint64_t key_hash;
    struct saved_item base; /* what the key holds before what is placed */
    uint64_t base_floor;    /* `floor` and `changed` there */
    uint64_t base_changed;
    uint64_t certain; /* it is so since a request with this sequence, see unseen.h */
    struct engine_flush base_flush;
    struct strand *strands;
    size_t strands_count;
    size_t strands_room;
    struct placed *placed;
    size_t placed_count;
    size_t placed_room;
    size_t waiting; /* operations that are not placed */
    size_t added;   /* operations since an order was looked for */
    size_t bytes;
    unsigned failures;      /* operations that no order was found for */
    bool guessed;           /* operations were executed for good whose order is not certain, */
    uint64_t guessed_until; /* and the latest of them answered then (sequence) */
    bool differed;          /* nothing but a difference made it so */
    struct engine_flush own_flush; /* the engine's, while reorder.c is at it */
    bool busy;                     /* reorder.c is at it */
    size_t key_size;
    uint8_t key[];
};

struct overlaps { /* all zero to begin with */
    struct overlap *buckets[OVERLAP_BUCKETS];
    struct overlap *oldest;
    struct overlap *newest;
    size_t used;
    size_t bytes;
    uint64_t operations;   /* that have been kept so far */
    uint64_t trials;       /* executions of searches so far */
    uint64_t early_trials; /* of those where CAS values need not rise */
    bool numbers_early;    /* the server does not let them, see race.h */
};

/* Requests that wait for their answers, by key_hash modulo CONTENTION_SLOTS. The slots come in
 * pages that are made when the first request to one waits: most captures have few keys. */
struct contention {
    uint32_t waiting;
    uint32_t changes;    /* that can change what their key holds */
    uint32_t connection; /* of the first of them */
    bool mixed;          /* they are of several connections */
};

enum {
    CONTENTION_SLOTS = 1 << 16,
    CONTENTION_PAGE = 1 << 7, /* slots */
    CONTENTION_PAGES = CONTENTION_SLOTS / CONTENTION_PAGE,
};

#endif
