#include "writer/undo.h"

#include <event2/buffer.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "writer/output.h"

struct undo {
    _Atomic(struct evbuffer *) spare; /* NULL while a thread uses it */
};

void *undo_create(void)
{
    struct undo *state = malloc(sizeof(*state));
    struct evbuffer *spare = evbuffer_new();
    if (state == NULL || spare == NULL) {
        free(state);
        if (spare != NULL) {
            evbuffer_free(spare);
        }
        return NULL;
    }
    atomic_init(&state->spare, spare);
    return state;
}

void undo_destroy(void *state)
{
    struct undo *undo = state;
    if (undo != NULL) {
        evbuffer_free(atomic_load(&undo->spare));
        free(undo);
    }
}

static struct evbuffer *spare_take(struct undo *state)
{
    struct evbuffer *spare = state == NULL ? NULL : atomic_exchange(&state->spare, NULL);
    return spare != NULL ? spare : evbuffer_new();
}

/* `spare` is empty. It becomes the state's, unless that has got another one meanwhile. */
static void spare_give_back(struct undo *state, struct evbuffer *spare)
{
    struct evbuffer *none = NULL;
    if (state == NULL || !atomic_compare_exchange_strong(&state->spare, &none, spare)) {
        evbuffer_free(spare);
    }
}

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

bool undo_append(struct undo *state, struct evbuffer *output, size_t size)
{
    if (size == 0) {
        return true;
    }
    size_t length = evbuffer_get_length(output);
    struct evbuffer *spare = length < size ? NULL : spare_take(state);
    if (spare == NULL) {
        return false;
    }
    bool frozen = output_thaw_start(output);
    evbuffer_add_buffer(spare, output);
    move_head(spare, output, length - size);
    evbuffer_drain(spare, evbuffer_get_length(spare));
    output_freeze_start_if(output, frozen);
    spare_give_back(state, spare);
    return true;
}
