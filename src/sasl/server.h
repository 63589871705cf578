/*
 * A server's side of logging in: one of these for each connection, with a mechanism's name and
 * message from SASL_AUTH, and a message from each SASL_STEP. What they answer in Couchbase:
 *
 *   SASL_CONTINUE       AUTH_CONTINUE, with the reply as the body
 *   SASL_OK             SUCCESS, with the reply as the body, which may be empty
 *   SASL_REFUSED        AUTH_ERROR, without a body
 *   SASL_NO_MECHANISM   AUTH_ERROR
 *   SASL_MALFORMED, SASL_OUT_OF_ORDER   EINVAL
 *   SASL_FAILED         AUTH_ERROR, or what the server does without memory
 *
 * As there, an exchange that has begun goes on until it has an end: to start another one meanwhile
 * is out of order, and so is a step without a start. After an end one may start again.
 */
#ifndef KVREPLAY_SASL_SERVER_H
#define KVREPLAY_SASL_SERVER_H

#include "sasl/users.h"

struct sasl_server;

/* `users` has to outlive this. NULL: whoever asks is let in at once, with an empty reply, whatever
 * the mechanism and the message. Returns NULL: no memory. */
struct sasl_server *sasl_server_create(const struct sasl_users *users);
void sasl_server_destroy(struct sasl_server *server);

/* *reply is valid until the next call; it is empty but for SASL_CONTINUE and SASL_OK. */
enum sasl_status sasl_server_start(struct sasl_server *server, struct span mechanism,
                                   struct span message, struct span *reply);
enum sasl_status sasl_server_step(struct sasl_server *server, struct span message,
                                  struct span *reply);

/* Who has logged in, until the next start; empty: nobody, or anybody may. */
struct span sasl_server_user(const struct sasl_server *server);

#endif
