/*
 * A trial: one pending request executed once, and whether what the store answers is what was
 * recorded. A caller that explains a recorded answer makes several.
 */
#ifndef KVREPLAY_REPLAY_TRIAL_H
#define KVREPLAY_REPLAY_TRIAL_H

#include "replay/run.h"

/* Why the recorded CAS can't be right; see cas.h. */
struct cas_ruling {
    const char *why;  /* a sentence; NULL: it may be right */
    uint64_t packet;  /* of the answer that rules it out, 0: there is no single one */
    uint64_t instead; /* one that would be possible */
};

struct trial {
    /* set by the caller */
    struct connection *connection;
    const struct pending *request;
    struct mcbp_frame frame;           /* the request's */
    const struct mcbp_frame *recorded; /* the answer; NULL: silence */
    int64_t now;                       /* Unix seconds */
    enum variant variant;
    struct cas_ruling ruling;
    bool unseen;      /* what the key held was changed by requests that the capture does not have */
    bool provisional; /* that would explain it, but no such request is known of */
    uint64_t shown;   /* then: see provisional_difference.cas */
    bool memory;      /* a server without memory would explain it, but none has said so yet */
    bool dropped;     /* the same, but a SET that has begun would have dropped the item */
    /* what the last execution_run found */
    struct engine_answer answer;
    struct kvr_response response; /* what the store answers; valid as long as `answer` */
    bool answered;                /* there is a response */
    bool agrees;                  /* with what was recorded, masks considered */
    struct span flat;             /* the response's bytes; valid until the next construct_flat */
    bool mask_needed;             /* it agrees only because of the mask with the index `mask` */
    size_t mask;
    bool told; /* the server's own text was taken over, as VERSION's is */
};

/* Begins a trial of a pending request against its recorded answer, NULL for silence. */
static inline struct trial trial_begin(struct connection *connection, const struct pending *request,
                                       const struct mcbp_frame *recorded, int64_t now)
{
    return (struct trial){
        .connection = connection,
        .request = request,
        .frame = request->frame,
        .recorded = recorded,
        .now = now,
    };
}

/* The earliest second of the server's clock in which a request that was answered at `now` may have
 * run: it was there when it was asked, and the clock ticks at a phase that the capture does not
 * tell. */
static inline int64_t trial_earliest(const struct pending *request, int64_t now)
{
    int64_t asked = origin_seconds(&request->origin);
    return (asked < now ? asked : now) - 1;
}

static inline bool trial_has_key(const struct trial *trial)
{
    return trial->frame.key.size > 0;
}

#endif
