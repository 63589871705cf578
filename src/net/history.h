/*
 * The bytes that streams delivered last, in a ring that all of a flow's streams share: what is sent
 * again can be compared with what was sent first. How far that goes back depends on the traffic.
 */
#ifndef KVREPLAY_NET_HISTORY_H
#define KVREPLAY_NET_HISTORY_H

#include "base/span.h"

struct history {
    uint8_t *bytes;
    uint64_t end; /* of what was written, wraps not counted */
};

/* False: no memory. */
bool history_init(struct history *history);
void history_deinit(struct history *history);

/* Remembers bytes at `offset` of a stream, of long ones the beginning. *last is the stream's own: 0
 * at first. */
void history_add(struct history *history, uint64_t *last, uint64_t offset, struct span bytes);

/* How many bytes lie in pieces that are known to have been others. `last` as set by history_add. */
uint64_t history_differing(const struct history *history, uint64_t last, uint64_t offset,
                           struct span bytes);

#endif
