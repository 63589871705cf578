/*
 * A server that is restarted within a capture holds nothing any more, and gives CAS values from the
 * beginning again.
 *
 * It is taken for restarted if all its connections had ended, and the first change after that gets
 * a CAS that was given before and is not above the number of changes that were asked for since.
 * Until that comes, answers that differ from the store's are differences, which are withdrawn with
 * it.
 */
#ifndef KVREPLAY_REPLAY_RESTART_H
#define KVREPLAY_REPLAY_RESTART_H

#include "replay/trial.h"

/* The first connection after all others have ended. */
void restart_begin(const struct run *run, const struct connection *connection);

/* A request of that opcode has been sent. */
void restart_note_request(struct run *run, uint8_t opcode);

/* A difference may be none, if the server turns out to have been restarted. */
bool restart_is_possible(const struct run *run);

/* The answer to be executed has come for certain: does what is to be done if it shows a restart. */
void restart_look(struct run *run, const struct trial *trial);

#endif
