/*
 * A trial: one pending request executed once, and whether what the store answers is what was
 * recorded. A caller that explains a recorded answer makes several.
 */
#ifndef KVREPLAY_REPLAY_TRIAL_H
#define KVREPLAY_REPLAY_TRIAL_H

#include "replay/run.h"

struct trial {
    /* set by the caller */
    struct connection *connection;
    const struct pending *request;
    struct mcbp_frame frame;           /* the request's */
    const struct mcbp_frame *recorded; /* the answer; NULL: silence */
    int64_t now;                       /* Unix seconds */
    enum variant variant;
    bool unseen; /* what the key held was changed by requests that the capture does not have */
    /* what the last trial_execute found */
    struct engine_answer answer;
    struct kvr_response response; /* what the store answers; valid as long as `answer` */
    bool answered;                /* there is a response */
    bool agrees;                  /* with what was recorded, masks considered */
    struct span flat;             /* the response's bytes; valid until the next construct_flat */
    bool mask_needed;             /* it agrees only because of the mask with the index `mask` */
    size_t mask;
    bool told; /* the server's own text was taken over, as VERSION's is */
};

/* Executes the request at the time `now`. engine_undo takes its effect back. */
void trial_execute(struct run *run, struct trial *trial, int64_t now);

/* Begins a trial of a pending request against its recorded answer, NULL for silence. */
struct trial trial_begin(struct connection *connection, const struct pending *request,
                         const struct mcbp_frame *recorded, int64_t now);

/* Copies the answer, so that it outlives changes of the store; valid until the next one is kept. */
void trial_keep(struct run *run, struct trial *trial);

/* After a trial that agrees: what its answer has told for certain is no guess any more. */
void trial_note(struct run *run, const struct trial *trial);

static inline bool trial_has_key(const struct trial *trial)
{
    return trial->frame.key.size > 0;
}

#endif
