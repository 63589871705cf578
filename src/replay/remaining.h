/* What is not placed yet, and what of it may be next. */
#ifndef KVREPLAY_REPLAY_REMAINING_H
#define KVREPLAY_REPLAY_REMAINING_H

#include "replay/placing.h"

struct remaining {
    uint64_t answered;  /* the first answer among them */
    size_t first;       /* the strand with it */
    uint64_t answered2; /* the first in the other strands */
    uint64_t lowest;    /* the lowest CAS that an answer tells, */
    uint64_t lowest2;   /* and the next of the lowest of the other strands */
    uint64_t below;     /* the lowest that something has run before */
    uint64_t ceiling;   /* no version above it can be next */
};

struct remaining remaining_look(const struct overlap *overlap);

/* The same; where a search goes on to versions that were numbered early, the ceiling is higher. */
struct remaining remaining_look_on(const struct search *search);

/* Nothing that is not placed has to come before the strand's head. */
bool remaining_may_be_next(const struct overlap *overlap, size_t index,
                           const struct remaining *remaining);

/* The change, not placed yet, that has left what the operation shows, which runs behind it then;
 * NULL: there is none. */
struct operation *remaining_maker(const struct overlap *overlap, const struct operation *operation);

/* A server without CAS values may have the item no more, since a FLUSH came in the same second. */
bool remaining_may_be_taken_by_second(const struct search *search);

/* Whether the item is there depends on the time. */
bool remaining_fades(const struct search *search);

/* All that is there is known. */
bool remaining_is_known(const struct engine_item *state);

/* Whether there is an item is as the operation needs it, as far as that is known. */
bool remaining_may_agree(const struct search *search, const struct operation *operation);

/* A version with that CAS may be made next, or later, after others with higher ones; see race.h. */
bool remaining_straggles(const struct search *search, uint64_t cas);

/* What the order of what is placed rules out for changes that are numbered early. */
uint64_t remaining_early_hash(const struct search *search, uint64_t hash,
                              uint64_t (*mix)(uint64_t hash, uint64_t word));

/* Its CAS is in order. */
bool remaining_cas_fits(const struct search *search, const struct operation *operation,
                        const struct remaining *remaining);

/* The numbers of the other changes on its connection allow it here. */
bool remaining_is_in_stretch(const struct search *search, const struct operation *operation,
                             const struct remaining *remaining);

#endif
