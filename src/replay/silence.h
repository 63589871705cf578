/*
 * Requests that were not answered: whether silence is the right answer to them.
 */
#ifndef KVREPLAY_REPLAY_SILENCE_H
#define KVREPLAY_REPLAY_SILENCE_H

#include "replay/settle.h"

/* Nothing more will be said of a request that does not wait any more; it is quiet. */
void silence_settle(struct run *run, struct connection *connection, struct pending *request);

/* Reports it if the store answers. */
void silence_conclude(struct run *run, const struct connection *connection,
                      const struct pending *request, const struct settlement *settlement);

/* An answer to the request at `index` has come. Quiet ones before it are silent for good; others
 * have been overtaken, and wait on for servers that answer out of order. Returns its index then. */
size_t silence_pass_over(struct run *run, struct connection *connection, size_t index, int64_t now);

/* Nobody can tell what has become of the request at `index`: its answer is among lost bytes. A read
 * changes nothing; a change may have run or not. */
void silence_give_up(struct run *run, struct connection *connection, size_t index);

/* The server has to answer the request, which is not quiet, and no answer is lost. */
bool silence_is_wrong(const struct connection *connection, const struct pending *request);

/* Its answer, which a later request's has overtaken, has not come at all. */
bool silence_is_overtaken(const struct connection *connection, const struct pending *request);

#endif
