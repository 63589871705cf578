/*
 * Executing a trial (trial.h): what the store answers, and whether that is what was recorded.
 */
#ifndef KVREPLAY_REPLAY_EXECUTION_H
#define KVREPLAY_REPLAY_EXECUTION_H

#include "replay/trial.h"

/* Executes the request at the time `now`, Unix seconds. engine_undo takes its effect back. */
void execution_run(struct run *run, struct trial *trial, int64_t now);

/* Copies the answer, so that it outlives changes of the store; valid until the next one is kept. */
void execution_keep(struct run *run, struct trial *trial);

/* After a trial that agrees: what its answer has told for certain is no guess any more. */
void execution_note(struct run *run, const struct trial *trial);

/* Whether there is an item depends on when the server's clock ticks. */
bool execution_depends_on_clock(struct run *run, const struct pending *request, int64_t now);

#endif
