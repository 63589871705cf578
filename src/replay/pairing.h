/*
 * Which of a connection's waiting requests an answer belongs to, as far as opcode, opaque and key
 * tell. Nothing is executed here, and nothing changes.
 */
#ifndef KVREPLAY_REPLAY_PAIRING_H
#define KVREPLAY_REPLAY_PAIRING_H

#include "replay/run.h"

/* Opcode and opaque are the request's, and so is the key if the answer has one. */
bool pairing_fits(const struct dissect_frame *response, const struct pending *request);

/* The answers to come are to the requests that they fit: no client that uses opaques again has lost
 * some of either. */
bool pairing_is_certain(const struct connection *connection, const struct pending *request);

/* An answer to the request looks like one to a later request: no other waits between them whose
 * answer would have come before the later one's. */
bool pairing_has_another(const struct connection *connection, const struct pending *request);

/* The first request at or behind `from` that the answer fits. */
bool pairing_find(const struct connection *connection, const struct dissect_frame *response,
                  size_t from, size_t *index);

/* One of opcode and opaque may be what is wrong with the answer to the oldest request that must be
 * answered, or to a quiet one before it. */
bool pairing_find_similar(const struct connection *connection, const struct dissect_frame *response,
                          size_t *index);

/* Over UDP the request id says which request is answered; one of opcode and opaque may be wrong. */
bool pairing_find_of_datagram(const struct connection *connection,
                              const struct dissect_frame *response, size_t *index);

#endif
