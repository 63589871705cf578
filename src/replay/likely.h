/*
 * What answers show of changes that tell no CAS themselves. None of it is certain: it decides what
 * a search tries first.
 */
#ifndef KVREPLAY_REPLAY_LIKELY_H
#define KVREPLAY_REPLAY_LIKELY_H

#include "replay/overlap.h"

/* Sets operation.likely of the changes that are not placed, as far as reads show what they wrote.
 */
void likely_guess(const struct run *run, struct overlap *overlap);

/* Whether the change may leave that value where the key holds `state`. */
bool likely_leaves(const struct engine_item *state, const struct operation *operation,
                   struct span value);

#endif
