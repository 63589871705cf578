/*
 * What the parts of verify share while one capture runs. Private to verify.
 */
#ifndef KVREPLAY_REPLAY_RUN_H
#define KVREPLAY_REPLAY_RUN_H

#include "engine/engine.h"
#include "replay/overlap.h"
#include "replay/pending.h"
#include "replay/verify.h"

/* One MCBP connection, from its first frame to its end. */
struct connection {
    struct connection *next; /* of the run's list */
    struct connection *previous;
    struct dissect_conversation *conversation;
    struct pending_queue queue;
    bool requests_uncertain;  /* requests may be missing from the capture: answers without one are
                                 nobody's fault, until one to a request sent after that comes */
    uint64_t uncertain_since; /* sequence of that */
    uint64_t certain_since;   /* sequence of the answer that ended it */
    bool answers_uncertain;   /* answers may be missing, before the one to a request sent later */
    uint64_t answers_lost_at; /* sequence of that */
    bool unnumbered; /* the client uses an opaque again while it waits: opaques don't tell which */
    uint32_t last_opaque;
    uint64_t requests; /* seen */
    bool out_of_step;  /* the server reads this client's bytes in other frames than we do */
    bool foreign;      /* HELLO has agreed on features that this store does not have */
    bool closing;      /* the server closes after the answer it has given */
    bool closed;       /* it did answer so: whatever it sends after that is one too many */
    bool client_ended;
    bool server_ended;
    /* The last request whose answer differed. If the next answer is the right one, the one before
     * was one too many. */
    struct {
        bool valid;
        struct pending request;
        struct saved_item before;      /* what its key held */
        struct difference *difference; /* as recorded; NULL if it was not kept */
    } suspect;
};

struct run {
    const struct verify_options *options;
    struct verify_result *result;
    struct capture_result *capture;
    struct construct *construct;
    struct engine *engine;
    struct blocks blocks;
    struct connection *connections;
    struct overlaps overlaps;
    uint64_t sequence;        /* of the frame at hand among all of the capture */
    int64_t began;            /* time of the first frame, Unix nanoseconds */
    uint64_t flushes_waiting; /* FLUSH requests without an answer yet */
    size_t pending_bytes;     /* in all queues */
    struct contention *contention[CONTENTION_PAGES]; /* NULL: nothing has waited there */
    uint64_t doubts;                                 /* keys that were in doubt at some time */
    uint8_t *kept; /* the answer of an explained trial, from the run's blocks */
    size_t kept_size;
    bool no_memory; /* something could not be checked for lack of memory */
};

/* The store's clock is Unix time in seconds. */
static inline int64_t origin_seconds(const struct net_origin *origin)
{
    return origin->time / 1000000000;
}

#endif
