/*
 * Operations (history.h): made of a request and its answer, and freed. What the search for an order
 * of execution asks of one again and again is read from the frames once.
 */
#ifndef KVREPLAY_REPLAY_OPERATION_H
#define KVREPLAY_REPLAY_OPERATION_H

#include "replay/run.h"

/* A connection's answer told the CAS of a change: a new stretch begins. False: no memory. */
bool stretch_end(struct run *run, struct stretch **stretch, uint64_t cas);
/* NULL is allowed. */
void stretch_release(struct run *run, struct stretch *stretch);

/* The request is a FLUSH or FLUSHQ, which is about every key, and not refused for its form. */
bool operation_is_flush(const struct pending *request);

/*
 * Copies the request and the answer (`response` NULL: silence, or no answer at all). `any_cas`:
 * see cas_takes_any. NULL: no memory.
 */
struct operation *operation_create(struct run *run, struct connection *connection,
                                   const struct pending *request,
                                   const struct dissect_frame *response, uint64_t answered,
                                   bool any_cas);
void operation_destroy(struct run *run, struct operation *operation);

/* Each was asked for before the other was answered. */
bool operations_overlap(const struct operation *a, const struct operation *b);

/* What it takes of memory, bytes. */
size_t operation_size(const struct operation *operation);

#endif
