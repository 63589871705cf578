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

/* What settle_try found; the spans are valid until the next request is settled. */
struct settlement {
    enum outcome outcome; /* before the answer is built; see flat */
    bool agreed;          /* the store's answer is the recorded one; if not, the request has had no
                             effect */
    bool closes;          /* the server closes the connection after this */
    bool out_of_step;     /* the server goes on reading somewhere else than at the next frame */
    bool answers;         /* the store gives an answer: for recorded silence, it is missing */
    bool mask_needed;     /* it agrees only because of the mask with the index `mask` */
    size_t mask;
    struct span flat; /* what is still to be built and compared; empty: nothing */
    /* of OUTCOME_DIFFERENT, if there are two answers: */
    enum kvr_error refused; /* the writer under test refused the store's; KVR_OK: it did not */
    struct comparison comparison;
    struct span reference;
    struct span built;
};

/*
 * Executes the request. `recorded` NULL: silence. With `strict`, no explanation is looked for, and
 * nothing is built for the report if the store's answer is another one.
 */
void settle_try(struct run *run, struct connection *connection, struct pending *request,
                const struct mcbp_frame *recorded, int64_t now, bool strict,
                struct settlement *settlement);

/* As settle_try, for an answer whose form alone is known: `row` is what it has to be. */
void settle_row(struct run *run, const struct kvr_response *row, const struct mcbp_frame *recorded,
                struct settlement *settlement);

/* Whether the store answers the request, which is quiet; nothing changes. */
bool settle_has_answer(struct run *run, struct connection *connection,
                       const struct pending *request);

#endif
