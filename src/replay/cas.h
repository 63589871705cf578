/*
 * What is certain of the CAS in an answer, though the store does not give it: a server has one
 * counter, and every change of an item gets the next value of it.
 *
 *   - on one connection the values that changes get rise strictly, and no two changes get the same
 *   - of two changes of a key, the one that was asked for after the other's answer has the higher
 *   - a value that a change of another key got is none of this key's
 *   - 0 is given always (memcached -C) or never
 *
 * memcached takes the value before or after it locks the key, depending on the version, so that
 * overlapping changes of a key may get theirs in either order.
 */
#ifndef KVREPLAY_REPLAY_CAS_H
#define KVREPLAY_REPLAY_CAS_H

#include "replay/trial.h"

/* The answer is that to a change that has got a CAS of its own. */
bool cas_makes_version(const struct trial *trial);

/* The server gives no CAS values, as far as is known with this answer. */
bool cas_is_never_given(const struct run *run, const struct trial *trial);

/* It is known that the server gives no CAS values. */
bool cas_is_off(const struct run *run);

/* Nothing has told yet whether the server gives CAS values. */
bool cas_is_open(const struct run *run);

/* That is what an answer, or silence, has told of which it was the explanation. */
void cas_note_variant(struct run *run, enum variant variant);

/* The request names no CAS, or one to a server that may give none. `recorded` NULL: silence. */
bool cas_takes_any(const struct run *run, struct connection *connection,
                   const struct pending *request, const struct mcbp_frame *recorded);

/* Judges the CAS that a change got; for other answers nothing is ruled out. */
struct cas_ruling cas_judge_change(struct run *run, const struct trial *trial);

/* The answer has a CAS where the server gives none, or none where it gives them. */
bool cas_is_against_evidence(struct run *run, const struct trial *trial);

/* Judges the CAS of an item whose CAS the store does not know. */
struct cas_ruling cas_judge_look(struct run *run, const struct trial *trial);

/* The trial's answer has been accepted. `told`: the store has learned the item's CAS from it. */
void cas_note(struct run *run, const struct trial *trial, bool told);

/* The answer to that request was not accepted; `ruling` may have been the reason. */
void cas_note_difference(struct run *run, struct connection *connection,
                         const struct pending *request, const struct cas_ruling *ruling,
                         uint64_t recorded);

#endif
