/*
 * Requests begin to wait for their answers, and end to. What all parts of verify keep of them is
 * kept in step.
 */
#ifndef KVREPLAY_REPLAY_AWAITING_H
#define KVREPLAY_REPLAY_AWAITING_H

#include "replay/settle.h"

void awaiting_add(struct run *run, struct connection *connection,
                  const struct dissect_frame *request);

/*
 * A SET's value is still on its way. If memcached has no memory for it, it drops the item by now.
 * So what others ask about the key meanwhile overlaps with the SET, once the server has had none.
 */
void awaiting_begin(struct run *run, struct connection *connection,
                    const struct dissect_frame *request);
/* The request is there, or will not come. */
void awaiting_end_beginning(struct run *run, struct connection *connection);

/* Takes the request at `index` out of the connection's queue; its memory goes over to *request. */
void awaiting_take(struct run *run, struct connection *connection, size_t index,
                   struct pending *request);

/* Puts one back where it was taken from, before anything else has changed the queue. */
void awaiting_put_back(struct run *run, struct connection *connection, size_t index,
                       const struct pending *request);

/* The request leaves all keys as they are, whether or not the server has executed it. */
bool awaiting_only_reads(const struct connection *connection, const struct pending *request);

/* Requests may be missing from the capture; `missing`: bytes that they may lie in. */
void awaiting_doubt(struct run *run, struct connection *connection, uint64_t missing);

#endif
