/*
 * Taking back what was just appended, for writers that append in more than one step.
 *
 * libevent has no call that shortens a buffer at its end, so the whole content goes through a
 * second buffer, chunk by chunk and without an allocation.
 */
#ifndef KVREPLAY_WRITER_UNDO_H
#define KVREPLAY_WRITER_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "writer/state.h"

/*
 * Removes the last `size` bytes of `output`, which the caller has appended by copying since it took
 * the buffer's lock. False if that can't be done: a filter has passed the bytes on already, or the
 * state's spare buffer is in use (or `state` NULL) and no other can be had. The buffer is unchanged
 * then.
 */
bool undo_append(struct writer_state *state, struct evbuffer *output, size_t size);

#endif
