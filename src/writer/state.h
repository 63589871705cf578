/*
 * What the writers keep from call to call: a spare buffer and their options.
 *
 * The spare buffer is where a writer builds what it hands over whole, and what it takes bytes back
 * through: having it at hand saves an allocation, and works when memory has run out. A state may be
 * shared by threads; one that finds the spare in use makes a buffer of its own.
 */
#ifndef KVREPLAY_WRITER_STATE_H
#define KVREPLAY_WRITER_STATE_H

#include <stdatomic.h>
#include <stddef.h>

#include "response/kvresponse.h"

struct evbuffer;

struct writer_state {
    _Atomic(struct evbuffer *) spare; /* empty; NULL while a thread uses it */
    size_t reference_threshold;
};

/* The functions of struct kvr_writer. NULL if memory can't be had: all writers work without. */
void *state_create(void);
void state_destroy(void *state);
void state_configure(void *state, const struct kvr_options *options);

/* `state` may be NULL in all of these. */
size_t state_reference_threshold(const struct writer_state *state);
/* An empty buffer, not thread-safe. NULL if memory can't be had. */
struct evbuffer *state_take_spare(struct writer_state *state);
/* Whatever is still in `spare` is freed. */
void state_return_spare(struct writer_state *state, struct evbuffer *spare);

#endif
