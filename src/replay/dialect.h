/*
 * Which dialect a connection speaks.
 */
#ifndef KVREPLAY_REPLAY_DIALECT_H
#define KVREPLAY_REPLAY_DIALECT_H

#include "dissect/dissect.h"
#include "replay/run.h"

/*
 * To be called for each frame, before anything else is made of it. A HELLO that has succeeded shows
 * Couchbase's dialect; so does what only its clients and servers send, where the beginning is not
 * in the capture. Clients may show it at any time. A server, which is what is checked, may only
 * with its first DIALECT_ANSWERS answers: later, it is wrong.
 */
void dialect_note(struct run *run, struct connection *connection,
                  const struct dissect_frame *frame);

enum { DIALECT_ANSWERS = 4 };

/* Whether only Couchbase's clients send such requests, or its servers such answers. */
bool dialect_is_couchbases_request(const struct mcbp_header *header);
bool dialect_is_couchbases_answer(const struct mcbp_header *header);

#endif
