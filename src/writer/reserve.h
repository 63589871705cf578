/*
 * Responses written into the output itself, by one reservation and one commit.
 */
#ifndef KVREPLAY_WRITER_RESERVE_H
#define KVREPLAY_WRITER_RESERVE_H

#include "writer/state.h"

/*
 * Appends `count` responses of `size` bytes together, which have passed batch_size and are at least
 * one, as one reservation. All values are copied. The caller has locked the buffer.
 */
enum kvr_error reserve_run(struct writer_state *state, struct evbuffer *output,
                           const struct kvr_response *responses, size_t count, size_t size);

#endif
