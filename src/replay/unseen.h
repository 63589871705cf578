/*
 * Changes of keys by requests that are not executed: those in bytes that are missing from the
 * capture, those sent before it began, those in memcached's text protocol, those given up for lack
 * of room, and those whose answers are missing, so that what they did is not known. While such a
 * request may still run, any key may change (or, of the last kind, its own key) at any time. What
 * was known of a key before is compared all the same, since most keys have not changed; an answer
 * that does not agree is adopted.
 *
 * A key is certain again once a request that was sent afterwards has shown or replaced what it
 * holds, while no other request was waiting that may have changed it before.
 */
#ifndef KVREPLAY_REPLAY_UNSEEN_H
#define KVREPLAY_REPLAY_UNSEEN_H

#include "replay/trial.h"

void unseen_deinit(struct unseen *unseen);

/* Each frame, before all else: unseen requests have run after a while. */
void unseen_note_time(struct run *run);

/* Each request, and each answer, that is in the capture. */
void unseen_note_request(const struct run *run, struct connection *connection);
void unseen_note_answer(struct run *run, const struct mcbp_header *answer);

/* The connection has sent requests that the capture does not have; differences since the one
 * before, which that would explain, are withdrawn. */
void unseen_begin(struct run *run, struct connection *connection);
/* The same for `request`, which is not followed any more. */
void unseen_begin_with(struct run *run, struct connection *connection,
                       const struct pending *request);
/* The same for one that had begun before the capture had. */
void unseen_begin_midstream(struct run *run, struct connection *connection);
/* A client has sent the server at hand requests in the text protocol, which may change any key. */
void unseen_begin_text(struct run *run);
/* All of them have run. */
void unseen_end(struct run *run, struct connection *connection);
/* The answer to `request` tells that they have. */
void unseen_note_answered(struct run *run, struct connection *connection,
                          const struct pending *request);

/* The answer to the request may be missing; and: it is known to have run, or not. */
void unseen_request_begins(struct run *run, struct connection *connection, struct pending *request);
void unseen_request_ends(struct run *run, const struct pending *request);

/* Whether what the key holds may have been changed by unseen requests before this one has run.
 * `expiry`: or when it expires may have. */
bool unseen_may_have_changed(struct run *run, const struct pending *request, bool expiry);
/* The CAS that the answer shows of the item; 0: it shows none. */
uint64_t unseen_shown_version(const struct trial *trial);
/* No change by unseen requests explains the answer: it shows a version from before all of them, or
 * the one that `item` is, which is known. */
bool unseen_is_ruled_out(struct run *run, const struct trial *trial,
                         const struct engine_item *item);

/* What the request's key holds may have changed by now, at a time that nothing tells. */
void unseen_note_changed(struct run *run, const struct pending *request);

/* The answer is right, or what it tells of the key was `adopted`. */
void unseen_note_told(struct run *run, const struct trial *trial, bool adopted);

/* The request has shown, or `written` replaced, what its key holds, and nothing is open. */
void unseen_note_certain(struct run *run, const struct pending *request, bool written);
/* When the request was sent since which the key is certain; 0: it is only if no key is uncertain.
 */
uint64_t unseen_certain_since(const struct run *run, uint64_t key_hash);

#endif
