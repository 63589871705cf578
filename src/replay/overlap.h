/*
 * Overlaps: requests of several connections about one key that overlap in time.
 *
 * A server may have run them in another order than it answered them in. Their answers are kept
 * until all that could have run before them are answered, too; then an order of execution is
 * searched in which all come to what was recorded (linearize.h), and they are executed in that
 * order (reorder.h). Answers to requests that overlap with no change of their key are checked at
 * once.
 */
#ifndef KVREPLAY_REPLAY_OVERLAP_H
#define KVREPLAY_REPLAY_OVERLAP_H

#include "replay/run.h"

/* For telling keys apart quickly; what it finds equal is compared. */
uint64_t overlap_key_hash(struct span key);

/* Has to be called for each request that begins or ends to wait. */
void overlap_begins_to_wait(struct run *run, const struct connection *connection,
                            const struct pending *request);
void overlap_ends_to_wait(struct run *run, const struct pending *request);

/* Who waits for answers about keys with that hash. */
const struct contention *overlap_contention(struct run *run, uint64_t key_hash);

/* Nobody waits for an answer about the request's key, and nothing is kept of it. */
bool overlap_is_undisturbed(struct run *run, const struct pending *request);

/* Somebody waits for an answer about that key, or to a FLUSH. */
bool overlap_is_waited_for(struct run *run, const struct overlap *overlap);

/* Others change its key, or may have: what it holds now tells nothing about the request. */
bool overlap_is_contended(struct run *run, const struct pending *request);

/* Judges what is kept of that key, or of all, with what is known by now. */
void overlap_finish(struct run *run, struct span key, uint64_t key_hash);
void overlap_finish_all(struct run *run);

/* What is kept of that key, or NULL. */
struct overlap *overlap_find(struct run *run, struct span key, uint64_t key_hash);

/* For defer.c and reorder.c: */
void overlap_put_in(struct run *run, struct overlap *overlap);
struct span overlap_key(const struct overlap *overlap);
/* Appends to its connection's strand. False: no memory. */
bool overlap_add(struct run *run, struct overlap *overlap, struct operation *operation);
void overlap_set_head(struct strand *strand);
void overlap_set_bytes(struct run *run, struct overlap *overlap, size_t bytes);
/* Takes the operation, which is the first of its strand, out of it, and frees it. */
void overlap_remove(struct run *run, struct overlap *overlap, struct operation *operation);
/* Frees it with all that is left in it. */
void overlap_drop(struct run *run, struct overlap *overlap);

/* Finishes all and gives all memory of the model at hand back. */
void overlap_deinit(struct run *run);

#endif
