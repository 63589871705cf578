/*
 * What a recorded answer says of the key as it was before the request.
 */
#ifndef KVREPLAY_REPLAY_ADOPT_H
#define KVREPLAY_REPLAY_ADOPT_H

#include "replay/trial.h"

/*
 * Sets *item to something that explains the trial's recorded answer (or silence). False: no state
 * of the key does. Where the answer does not tell what the item holds, it is doubtful.
 */
bool adopt_state(const struct trial *trial, struct engine_item *item, uint8_t number[32]);

#endif
