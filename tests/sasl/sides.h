/*
 * Both sides of logging in, for the tests.
 */
#ifndef KVREPLAY_TESTS_SASL_SIDES_H
#define KVREPLAY_TESTS_SASL_SIDES_H

#include "sasl/client.h"
#include "sasl/server.h"

static inline struct span text(const char *string)
{
    return span_of(string, strlen(string));
}

static inline struct span name_of(enum sasl_mechanism mechanism)
{
    return text(sasl_mechanism_name(mechanism));
}

/* What each side has come to. */
struct outcome {
    enum sasl_status server;
    enum sasl_status client; /* SASL_CONTINUE: it has not been told of a success */
};

/* Lets them talk until one of them has an end. The caller destroys both. */
static inline struct outcome talk(struct sasl_client *client, struct sasl_server *server,
                                  enum sasl_mechanism mechanism)
{
    struct span message;
    struct span reply;
    struct outcome outcome = {.client = sasl_client_start(client, &message)};
    if (outcome.client != SASL_CONTINUE) {
        outcome.server = SASL_FAILED;
        return outcome;
    }
    outcome.server = sasl_server_start(server, name_of(mechanism), message, &reply);
    while (outcome.server == SASL_CONTINUE && outcome.client == SASL_CONTINUE) {
        outcome.client = sasl_client_step(client, reply, &message);
        if (outcome.client == SASL_CONTINUE) {
            outcome.server = sasl_server_step(server, message, &reply);
        }
    }
    if (outcome.server == SASL_OK) {
        outcome.client = sasl_client_finish(client, reply);
    }
    return outcome;
}

#endif
