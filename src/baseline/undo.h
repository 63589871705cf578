/*
 * Taking back what was just appended, for writers that append in more than one step.
 *
 * libevent has no call that shortens a buffer at its end, so the whole content goes through a
 * second buffer, chunk by chunk and without an allocation.
 */
#ifndef KVREPLAY_BASELINE_UNDO_H
#define KVREPLAY_BASELINE_UNDO_H

#include "writer/state.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Removes the last `size` bytes of `output`, which the caller has appended by copying since it took
 * the buffer's lock. False if that can't be done: a callback has passed the bytes on already or
 * frozen the buffer's end, or the state's spare buffer is in use (or `state` NULL) and no other can
 * be had. The buffer is unchanged then.
 */
bool undo_append(struct writer_state *state, struct evbuffer *output, size_t size);

#endif
