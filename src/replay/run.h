/*
 * What the parts of verify share while one capture runs. Private to verify.
 */
#ifndef KVREPLAY_REPLAY_RUN_H
#define KVREPLAY_REPLAY_RUN_H

#include "base/memory.h"
#include "replay/model.h"
#include "replay/options.h"
#include "replay/pending.h"
#include "replay/provisional.h"
#include "replay/timeline.h"

/* One MCBP connection, from its first frame to its end. */
struct connection {
    struct connection *next; /* of its model's list */
    struct connection *previous;
    struct model *model; /* of its server */
    struct dissect_conversation *conversation;
    struct dissect_conversation own; /* what `conversation` points to once it is over */
    size_t deferred;                 /* operations of it that are kept (overlap.h) */
    struct stretch *stretch;         /* the one that lasts; NULL: none has begun */
    struct pending_queue queue;
    bool requests_uncertain;  /* requests may be missing from the capture: answers without one are
                                 nobody's fault, until one to a request sent after that comes */
    uint64_t uncertain_since; /* sequence of that */
    uint64_t responded_at;    /* sequence of the client's last response, in which memcached finds no
                                 request; 0: none, or the server has read on behind it */
    uint64_t answers_astray;  /* at most that many may come to requests that were sent until then */
    bool answers_uncertain;   /* answers may be missing, before the one to a request sent later */
    uint64_t answers_lost_at; /* sequence of that */
    bool opaques_repeat; /* the client sends the same opaque twice in a row: it numbers nothing */
    uint32_t last_opaque;
    uint32_t highest_opaque;
    uint64_t requests; /* seen */
    bool repeats;      /* requests have waited together that opcode and opaque don't tell */
    uint64_t begun_at; /* 1 + `at` of the last request that waits without its value */
    struct {
        uint64_t sequence; /* 0: there is none */
        uint64_t at;
        uint64_t key_hash;
        uint8_t opcode;
        bool waits;               /* counted as a request that does, see overlap.h */
    } beginning;                  /* of a request that waits for its value, see awaiting_begin */
    uint64_t response_packet;     /* that the last answer began in */
    struct shadow_client *client; /* of one that speaks Couchbase's dialect; NULL otherwise */
    int64_t answered_asked;       /* then: when the latest request was sent that was answered */
    bool desynchronised;      /* the server reads this client's bytes in other frames than we do */
    bool features_negotiated; /* HELLO has agreed on features that this store does not have */
    unsigned answers_seen;    /* of a connection that was not seen from its start, see dialect.h */
    bool unordered;           /* among them that answers come in any order */
    bool hello_unseen;        /* bytes that are missing may have held a HELLO */
    struct shadow_dcp *dcp;   /* streams of changes on it; NULL: none */
    bool streams;      /* the client has asked for DCP or TAP, with messages that nobody answers */
    bool admitted;     /* its requests are not refused for lack of authentication */
    bool closing;      /* the server closes after the answer it has given */
    bool closed;       /* it did answer so: whatever it sends after that is one too many */
    uint64_t cas_last; /* what the last change got, 0: none, or not certain */
    bool client_ended;
    bool server_ended;
    /* The last request whose answer differed. If the next answer is the right one, the one before
     * was one too many. */
    struct {
        bool valid;
        struct pending request;
        struct saved_item before;      /* what its key held */
        struct difference *difference; /* as recorded; NULL if it was not kept */
    } last_mismatch;
    struct unseen_requests unseen;
};

struct run;

/* The order of overlapping requests is found above all that keeps them: by reorder.c. */
struct ordering {
    void (*advance)(struct run *run, struct overlap *overlap);   /* see reorder_advance */
    void (*make_room)(struct run *run, struct overlap *overlap); /* see reorder_make_room */
    void (*finish)(struct run *run, struct overlap *overlap);    /* see reorder_finish */
};

struct run {
    const struct verify_options *options;
    struct verify_result *result;
    struct capture_result *capture;
    struct construct *construct;
    struct models models;
    struct ordering ordering;
    struct model *model;        /* of the server of the connection at hand */
    struct connection *retired; /* over, but operations of theirs were kept */
    bool released;              /* the last operation of a connection was dropped */
    struct blocks blocks;
    uint64_t sequence; /* of the frame at hand among all of the capture */
    uint64_t packet;   /* that the frame at hand began in */
    uint64_t packets;  /* the latest one that any frame began in */
    struct timeline timeline;
    int64_t time; /* of that frame, Unix nanoseconds */
    struct provisional provisional;
    int64_t began;        /* time of the first frame, Unix nanoseconds */
    size_t pending_bytes; /* in all queues */
    uint8_t *kept;        /* the answer of an explained trial, from the run's blocks */
    size_t kept_size;
    bool no_memory;           /* something could not be checked for lack of memory */
    uint64_t failures_before; /* memory_failures() when it began */
    struct {                  /* what was found by the last time that no memory was missing */
        struct check_counts rebuilt;
        struct executed_counts executed;
        uint64_t not_built;
        size_t differences_count;
    } sound;
};

/* Memory has run out, here or anywhere else in the program: nothing found since then counts. */
static inline bool run_is_out_of_memory(const struct run *run)
{
    return run->no_memory || memory_failures() != run->failures_before;
}

/* The store's clock is Unix time in seconds. */
static inline int64_t origin_seconds(const struct net_origin *origin)
{
    return origin->time / 1000000000;
}

/* A key of which nothing is known is not there. */
static inline bool run_is_cold(const struct run *run)
{
    return run->options->cold && !run->model->forgotten;
}

#endif
