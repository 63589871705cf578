/*
 * The servers in a capture, a model (model.h) for each.
 */
#ifndef KVREPLAY_REPLAY_SERVERS_H
#define KVREPLAY_REPLAY_SERVERS_H

#include "replay/run.h"

/*
 * Beyond this many servers, the one that has been without connections for longest is forgotten: if
 * it comes again, it is one that nothing is known of.
 */
enum { MODELS_MAX = 1024 };

void servers_init(struct models *models);

/* Puts the connection, whose conversation is set, into the list of its server's model, which is
 * created if need be. False: no memory. */
bool servers_attach(struct run *run, struct connection *connection);

/* Takes the connection out again. */
void servers_detach(struct run *run, struct connection *connection);

/* The model of the server at that endpoint becomes run->model. False: there is none. */
bool servers_select_endpoint(struct run *run, const struct net_endpoint *server);

/* Makes the connection's server the one that run->model names, which everything executes on. */
void servers_select(struct run *run, const struct connection *connection);

/* Judges what is kept of overlapping requests, when the capture is over. */
void servers_finish(struct run *run);

/* Frees all models; no connection is attached any more. */
void servers_deinit(struct run *run);

#endif
