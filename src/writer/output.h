/*
 * What the writers need to know of the buffer they append to, and what they need to know of a batch
 * before they do.
 */
#ifndef KVREPLAY_WRITER_OUTPUT_H
#define KVREPLAY_WRITER_OUTPUT_H

#include "response/encode.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdbool.h>

/* The most that one reservation may ask for: EVBUFFER_CHAIN_MAX less a chunk's header (48 bytes on
 * 64 bits, buffer.c of libevent 2.1.12), with some to spare. */
#define OUTPUT_RESERVE_MAX ((size_t)PTRDIFF_MAX - 1024)

/*
 * Checks every response and sets *total to the bytes of all of them. KVR_BATCH_TOO_LONG if that is
 * more than `limit`.
 */
enum kvr_error batch_size(const struct kvr_response *responses, size_t count, size_t limit,
                          size_t *total);

/* Why libevent has just refused to take bytes: frozen at its end, or out of memory. */
enum kvr_error output_error(struct evbuffer *output);

/*
 * A bufferevent keeps its output frozen at the start: nothing may be drained from it. Lifts that
 * for a buffer that is not empty, and says whether there was anything to lift; the caller, which
 * has the lock, then freezes it again.
 */
bool output_thaw_start(struct evbuffer *output);
void output_freeze_start_if(struct evbuffer *output, bool was_frozen);

#endif
