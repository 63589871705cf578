/*
 * What a recorded answer says of the key as it was before the request.
 */
#ifndef KVREPLAY_REPLAY_ADOPT_H
#define KVREPLAY_REPLAY_ADOPT_H

#include "replay/trial.h"

enum { ADOPT_NUMBER_SIZE = 32 };

/*
 * Of a key that nothing certain is known of, as `before` says: sets *item to something that
 * explains the trial's recorded answer (or silence). False: no state of the key does, or what is
 * known is certain. Where the answer does not tell what the item holds, it is doubtful. Its value
 * may lie in `number`.
 */
bool adopt_state(const struct run *run, const struct trial *trial, const struct engine_item *before,
                 struct engine_item *item, uint8_t number[ADOPT_NUMBER_SIZE]);

#endif
