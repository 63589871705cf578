#include "baseline/undo.h"

#include "writer/output.h"

#include <event2/buffer.h>
#include <string.h>

/*
 * Moves the first `keep` bytes of `from` to `to`, which is empty. Whole chunks only: a chunk that
 * is kept in part has the part moved to its end, and is drained up to there.
 */
static void move_head(struct evbuffer *from, struct evbuffer *to, size_t keep)
{
    while (keep > 0) {
        struct evbuffer_iovec chunk;
        evbuffer_peek(from, 1, NULL, &chunk, 1);
        if (chunk.iov_len > keep) {
            uint8_t *bytes = chunk.iov_base;
            memmove(bytes + chunk.iov_len - keep, bytes, keep);
            evbuffer_drain(from, chunk.iov_len - keep);
            chunk.iov_len = keep;
        }
        evbuffer_remove_buffer(from, to, chunk.iov_len);
        keep -= chunk.iov_len;
    }
}

bool undo_append(struct writer_state *state, struct evbuffer *output, size_t size)
{
    if (size == 0) {
        return true;
    }
    size_t length = evbuffer_get_length(output);
    if (length < size || output_error(output) == KVR_BUFFER_REFUSED) {
        return false;
    }
    struct evbuffer *spare = state_take_spare(state);
    if (spare == NULL) {
        return false;
    }
    bool frozen = output_thaw_start(output);
    evbuffer_add_buffer(spare, output);
    move_head(spare, output, length - size);
    output_freeze_start_if(output, frozen);
    state_return_spare(state, spare);
    return true;
}
