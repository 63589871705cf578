/*
 * Races within memcached 1.6 itself, whose answers no order of execution gives. All need another
 * connection's request at the same time.
 *
 *   - INCREMENT and DECREMENT with an initial value look the key up, and then add it. If another
 *     request has stored it in between, the answer is NOT_STORED.
 *   - GET finds an item, and then reads its CAS. INCREMENT and DECREMENT leave an item that is
 *     being read as it is and make a new one, but give the old one the new one's CAS: the answer
 *     has the old value and the next CAS.
 *   - INCREMENT and DECREMENT make an item, and then read its CAS for the answer (1.6.18 does). If
 *     another one has counted it in between, both answers have that one's CAS.
 *   - INCREMENT and whatever else changes an item looks it up, and then numbers it. FLUSH takes
 * what has a lower number than its own, and locks nothing: in between, it does not take the item,
 *     which nobody else has seen without that change.
 *   - Releases after 1.6.18, as of 1.6.38 at the latest, number what stores before they lock the
 *     item: of two changes that overlap, the one with the lower CAS may be the later one.
 */
#ifndef KVREPLAY_REPLAY_RACE_H
#define KVREPLAY_REPLAY_RACE_H

#include "replay/trial.h"

/* Whether that answer may come from the first race, and whether a request may have stored the key
 * in between. */
bool race_may_lose_add(uint8_t opcode, const struct mcbp_frame *answer);
bool race_is_stored_by(uint8_t opcode);

/* Whether that answer may come from the second one, and whether the CAS may be that of a request.
 */
bool race_may_show_next_cas(uint8_t opcode, const struct mcbp_frame *answer);
bool race_gives_next_cas(uint8_t opcode);

/* Whether the answer is that of a counter which has made its item, and may come from the third. */
bool race_may_tell_next_cas(const struct mcbp_frame *request, const struct mcbp_frame *answer);

/* Whether FLUSH may leave what that request makes, by the fourth one. */
bool race_may_outlive(uint8_t opcode);

/* Whether the change may be the latter of the fifth. */
bool race_is_numbered_early(uint8_t opcode);

/* Instead of the request: looks the key up, and answers NOT_STORED if it is not there. */
void race_execute_lost_add(struct run *run, struct trial *trial,
                           const struct engine_request *request);

/* An answer that such a race explains is counted. */
void race_count(struct run *run, enum variant variant);

#endif
