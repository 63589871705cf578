/*
 * Settling: what becomes of one request and the answer it got, or the silence.
 */
#ifndef KVREPLAY_REPLAY_SETTLE_H
#define KVREPLAY_REPLAY_SETTLE_H

#include "replay/settlement.h"

/*
 * Executes the request. `recorded` NULL: silence. With `strict`, no explanation is looked for, and
 * nothing is built for the report if the store's answer is another one.
 */
void settle_try(struct run *run, struct connection *connection, struct pending *request,
                const struct mcbp_frame *recorded, int64_t now, bool strict,
                struct settlement *settlement);

/* Whether that is what the store answers, with all that it shows known before; nothing changes. */
bool settle_is_answer(struct run *run, struct connection *connection, const struct pending *request,
                      const struct mcbp_frame *recorded);

/* Whether the store answers the request, which is quiet; nothing changes. */
bool settle_has_answer(struct run *run, struct connection *connection,
                       const struct pending *request);

#endif
