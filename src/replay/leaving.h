/*
 * One side sends no more: what becomes of the requests that wait.
 */
#ifndef KVREPLAY_REPLAY_LEAVING_H
#define KVREPLAY_REPLAY_LEAVING_H

#include "replay/settle.h"

void leaving_end(struct run *run, struct connection *connection, enum dissect_role role);

/* The server has told the client, in text, that it serves no more connections: it reads no request
 * of it. */
void leaving_turned_away(struct run *run, struct connection *connection);

/*
 * The server closes for a request that waits, or for bytes that are none: it does not read what
 * comes behind, for which its kernel resets the connection, with the answers that it has not sent.
 */
bool leaving_cuts_short(const struct connection *connection);

/* Settles what is left when the connection is over; the connection's memory is given back. */
void leaving_closed(struct run *run, struct connection *connection);

#endif
