/*
 * A settlement: what became of one request and its answer.
 */
#ifndef KVREPLAY_REPLAY_SETTLEMENT_H
#define KVREPLAY_REPLAY_SETTLEMENT_H

#include "replay/trial.h"

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
    bool desynchronised;  /* the server goes on reading somewhere else than at the next frame */
    bool provisional;     /* of OUTCOME_DIFFERENT: see provisional.h */
    bool early;           /* then: see provisional_difference.early */
    uint64_t shown;       /* then: see provisional_difference.cas */
    bool memory;          /* then: see provisional_difference.memory */
    bool dropped;         /* the same, but the item may be gone */
    bool answers;         /* the store gives an answer: for recorded silence, it is missing */
    bool mask_needed;     /* it agrees only because of the mask with the index `mask` */
    size_t mask;
    struct cas_ruling ruling; /* why the recorded CAS can't be right */
    struct span flat;         /* what is still to be built and compared; empty: nothing */
    /* of OUTCOME_DIFFERENT, if there are two answers: */
    struct construct_failure failure; /* of the writer under test, to build the store's */
    struct comparison comparison;
    struct span reference;
    struct span built;
};

/*
 * Whether the recorded answer is that response, under the masks; then the settlement's mask is set.
 * The flat encoder's bytes stand for the response here.
 */
bool settlement_compare(struct run *run, const struct kvr_response *response,
                        const struct mcbp_frame *recorded, struct settlement *settlement);

/*
 * The store's answer, in `flat`, is not the recorded one: builds it for the report. With another
 * reference than the capture, how it is built is compared all the same.
 */
void settlement_show(struct run *run, struct span flat, const struct mcbp_frame *recorded,
                     struct settlement *settlement);

/* For an answer whose form alone is known: `row` is what it has to be. */
void settlement_of_row(struct run *run, const struct kvr_response *row,
                       const struct mcbp_frame *recorded, struct settlement *settlement);

#endif
