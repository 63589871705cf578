/*
 * Responses built in a buffer of the writer's own and handed over whole.
 *
 * Nothing of them is in the output before all of them are: the handover moves chunks, needs no
 * memory and is refused only by a frozen buffer. The output's lock is held for the handover alone,
 * so other threads don't wait for the copying.
 */
#ifndef KVREPLAY_WRITER_STAGED_H
#define KVREPLAY_WRITER_STAGED_H

#include "writer/state.h"

#include <stdbool.h>

/* From this many bytes on, a reservation's rounding to a power of two is worth avoiding: half of it
 * may be waste. */
enum { STAGED_COPY_MIN = 16 * 1024 };

/*
 * Appends the responses, which have passed batch_size. Values of `threshold` bytes and more that
 * have an owner are not copied but referred to.
 */
enum kvr_error staged_write(struct writer_state *state, struct evbuffer *output,
                            const struct kvr_response *responses, size_t count, size_t threshold);

static inline bool staged_by_reference(const struct kvr_response *response, size_t threshold)
{
    return response->value_owner != NULL && response->value_size > 0 &&
           response->value_size >= threshold;
}

/* How the bytes of one run (of responses without a reference between them) are laid out. */
struct staged_layout {
    size_t reserved; /* in a chunk that libevent makes; first */
    size_t block;    /* in a block of exactly this size, chained behind; 0: none */
};

struct staged_layout staged_layout(size_t size);

#endif
