/*
 * What the writers keep from call to call: a spare buffer and their options.
 *
 * The spare buffer is where a writer builds what it hands over whole, and what it takes bytes back
 * through: having it at hand saves an allocation, and works when memory has run out. A state may be
 * shared by threads; one that finds the spare in use makes a buffer of its own.
 */
#ifndef KVREPLAY_WRITER_STATE_H
#define KVREPLAY_WRITER_STATE_H

#include "kvresponse/plugin.h"

#include <stdatomic.h>
#include <stddef.h>

struct evbuffer;

struct writer_state {
    _Atomic(struct evbuffer *) spare; /* empty; NULL while a thread uses it */
    /* A guess for sizing the next reservation, nothing else: how much room the last one left in its
     * buffer. It is wrong when others have used the buffer since, and the two may not match. */
    _Atomic(const struct evbuffer *) last_output;
    _Atomic size_t last_room;
    size_t reference_threshold;
};

/* The functions of struct kvr_writer_type. NULL if memory can't be had: all writers work without.
 */
void *state_create(void);
void state_destroy(void *state);
void state_configure(void *state, const struct kvr_options *options);

/* `state` may be NULL in all of these. */
static inline size_t state_reference_threshold(const struct writer_state *state)
{
    return state == NULL ? KVR_REFERENCE_THRESHOLD : state->reference_threshold;
}

/* The room left at the end of `output`, as far as remembered; SIZE_MAX if it is not. */
static inline size_t state_last_room(const struct writer_state *state,
                                     const struct evbuffer *output)
{
    if (state == NULL ||
        atomic_load_explicit(&state->last_output, memory_order_relaxed) != output) {
        return SIZE_MAX;
    }
    return atomic_load_explicit(&state->last_room, memory_order_relaxed);
}

static inline void state_remember_room(struct writer_state *state, const struct evbuffer *output,
                                       size_t room)
{
    if (state != NULL) {
        atomic_store_explicit(&state->last_output, output, memory_order_relaxed);
        atomic_store_explicit(&state->last_room, room, memory_order_relaxed);
    }
}

/* An empty buffer, not thread-safe. NULL if memory can't be had. */
struct evbuffer *state_take_spare(struct writer_state *state);
/* Whatever is still in `spare` is freed. */
void state_return_spare(struct writer_state *state, struct evbuffer *spare);

#endif
