/*
 * A client's side of logging in. What `start` gives goes out with SASL_AUTH; the body of each
 * AUTH_CONTINUE goes into `step`, whose message goes out with SASL_STEP; the body of SUCCESS goes
 * into `finish`. An answer with another status is a refusal, and the end.
 */
#ifndef KVREPLAY_SASL_CLIENT_H
#define KVREPLAY_SASL_CLIENT_H

#include "sasl/mechanism.h"

struct sasl_client;

/* They can be a name and a password: neither is empty, too long, or has a NUL in it. */
bool sasl_client_accepts(struct span name, struct span password);

/* Copies both, and wipes them when it is destroyed. NULL: no memory, or they are not
 * accepted. */
struct sasl_client *sasl_client_create(enum sasl_mechanism mechanism, struct span name,
                                       struct span password);
void sasl_client_destroy(struct sasl_client *client);

/* SASL_CONTINUE, with the first message, or SASL_FAILED. *message is valid until the next call;
 * PLAIN's has the password in it. */
enum sasl_status sasl_client_start(struct sasl_client *client, struct span *message);

/* SASL_CONTINUE, with the next message. SASL_MALFORMED: also where the server wants too few or too
 * many iterations (scram.h). It takes as long as those iterations. */
enum sasl_status sasl_client_step(struct sasl_client *client, struct span challenge,
                                  struct span *message);

/*
 * SASL_OK: SCRAM's server has proved that it knows the password; PLAIN's can't. SASL_REFUSED: its
 * signature is wrong. SASL_UNVERIFIED: SCRAM's first message was answered with success and nothing
 * else, as a server does that has no users; nothing of the password was shown to it.
 */
enum sasl_status sasl_client_finish(struct sasl_client *client, struct span message);

#endif
