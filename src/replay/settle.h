/*
 * Settling: what becomes of one request and the answer it got, or the silence.
 */
#ifndef KVREPLAY_REPLAY_SETTLE_H
#define KVREPLAY_REPLAY_SETTLE_H

#include "replay/run.h"

enum outcome {
    OUTCOME_IDENTICAL,
    OUTCOME_ADOPTED,
    OUTCOME_AMBIGUOUS,
    OUTCOME_NOT_EXECUTED,
    OUTCOME_DIFFERENT,
};

/* What settle_try found; the spans are valid until the next response is built. */
struct settlement {
    enum outcome outcome;
    bool agreed;      /* the store's answer is the recorded one, whatever the writer makes of it; if
                         not, the request has had no effect */
    bool closes;      /* the server closes the connection after this */
    bool out_of_step; /* the server goes on reading somewhere else than at the next frame */
    bool answers;     /* the store gives an answer: for silence that was recorded, it is missing */
    bool mask_needed;
    enum kvr_error refused; /* the writer under test returned this; KVR_OK: it did not */
    struct comparison comparison;
    struct span reference;
    struct span built;
};

/*
 * Executes the request and builds its answer. `recorded` NULL: silence. With `strict`, no
 * explanation is looked for, and nothing is built if the store's answer is another one.
 */
void settle_try(struct run *run, struct connection *connection, struct pending *request,
                const struct mcbp_frame *recorded, int64_t now, bool strict,
                struct settlement *settlement);

/*
 * Builds a response with the writer under test and compares it with what was recorded: on a
 * difference the outcome becomes OUTCOME_DIFFERENT, with where and what.
 */
void settle_build(struct run *run, const struct kvr_response *response,
                  const struct mcbp_frame *recorded, struct settlement *settlement);

#endif
