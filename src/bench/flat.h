/*
 * The limit: responses encoded into plain memory, in one piece, with the writers' own inner
 * loop. What a writer takes beyond that is the price of the buffer.
 */
#ifndef KVREPLAY_BENCH_FLAT_H
#define KVREPLAY_BENCH_FLAT_H

#include "kvresponse/kvresponse.h"

#include <stdint.h>

/* Encodes the responses, which are possible and fit. */
void flat_encode(uint8_t *out, const struct kvr_response *responses, size_t count);

/* As a writer, for sinks that send: its state is the memory, large enough for a batch; what is
 * encoded there is sent by reference, so it must have been sent when the next batch is written. */
enum kvr_error flat_write(void *state, struct bufferevent *bufferevent,
                          const struct kvr_response *responses, size_t count);

#endif
