#include "writer/staged.h"

#include "writer/fill.h"
#include "writer/output.h"

#include <event2/buffer.h>
#include <stdlib.h>

enum {
    CHUNK_HEADER = 48,  /* sizeof(struct evbuffer_chain) of libevent 2.1 on 64 bits */
    TLS_RECORD = 16384, /* the most that one TLS record carries: RFC 8446, 5.1 */
    WORTH_A_CUT = 8 * TLS_RECORD,
};

/* What libevent allocates for a chunk of `size` bytes: evbuffer_chain_new in buffer.c. */
static size_t chunk_allocation(size_t size)
{
    size_t allocation = 1024;
    while (allocation < size + CHUNK_HEADER) {
        allocation *= 2;
    }
    return allocation;
}

/*
 * One chunk, unless rounding up would waste more than a fifth; then the largest chunk that can be
 * filled, and a block for the rest.
 *
 * TLS makes records of each chunk by itself, so a cut in the wrong place costs one: every cut but
 * one that leaves the rest of the last record smaller than the head's. Within 48 bytes of a whole
 * number of records only a cut at a record's end will do, which a large chunk can afford and a
 * small one can't: then everything goes into the block.
 */
struct staged_layout staged_layout(size_t size)
{
    if (size < STAGED_COPY_MIN || chunk_allocation(size) - size <= size / 5) {
        return (struct staged_layout){.reserved = size};
    }
    size_t allocation = chunk_allocation(size) / 2;
    size_t head = allocation - CHUNK_HEADER;
    if ((size - 1) % TLS_RECORD >= TLS_RECORD - CHUNK_HEADER) {
        head = allocation >= WORTH_A_CUT ? allocation - TLS_RECORD : 0;
    }
    return (struct staged_layout){.reserved = head, .block = size - head};
}

static void free_block(const void *bytes, size_t size, void *block)
{
    (void)bytes;
    (void)size;
    free(block);
}

static void release_value(const void *value, size_t size, void *owner)
{
    (void)value;
    (void)size;
    struct kvr_value_owner *value_owner = owner;
    value_owner->release(value_owner);
}

/* Writes the run's responses to the extents. Of the last one only what precedes its value. */
static void fill_run(struct evbuffer_iovec *extents, const struct kvr_response *responses,
                     size_t count, bool without_last_value)
{
    struct fill fill = fill_begin(extents);
    size_t whole = without_last_value ? count - 1 : count;
    for (size_t i = 0; i < whole; i++) {
        fill_response(&fill, &responses[i], response_size(&responses[i]));
    }
    if (without_last_value) {
        fill_prefix(&fill, &responses[whole]);
    }
}

/* Appends one run of `size` bytes to `own`. */
static bool stage_run(struct evbuffer *own, const struct kvr_response *responses, size_t count,
                      bool without_last_value, size_t size)
{
    struct staged_layout layout = staged_layout(size);
    struct evbuffer_iovec extents[2] = {{NULL, 0}, {NULL, 0}};
    struct evbuffer_iovec block = {NULL, layout.block};
    if (layout.block > 0 && (block.iov_base = malloc(layout.block)) == NULL) {
        return false;
    }
    bool staged = layout.reserved == 0 ||
                  evbuffer_reserve_space(own, (ev_ssize_t)layout.reserved, extents, 1) == 1;
    if (staged) {
        extents[0].iov_len = layout.reserved;
        extents[1] = block;
        fill_run(layout.reserved > 0 ? extents : &extents[1], responses, count, without_last_value);
        staged = layout.reserved == 0 || evbuffer_commit_space(own, extents, 1) == 0;
    }
    if (staged && layout.block > 0) {
        staged = evbuffer_add_reference(own, block.iov_base, block.iov_len, free_block,
                                        block.iov_base) == 0;
    }
    if (!staged) {
        free(block.iov_base); /* a reference that failed has not taken it */
    }
    return staged;
}

static bool stage_reference(struct evbuffer *own, const struct kvr_response *response)
{
    struct kvr_value_owner *owner = response->value_owner;
    owner->retain(owner);
    if (evbuffer_add_reference(own, response->value, response->value_size, release_value, owner) <
        0) {
        owner->release(owner);
        return false;
    }
    return true;
}

/* Appends the responses up to and with the next value by reference. Sets *taken to how many. */
static bool stage_next(struct evbuffer *own, const struct kvr_response *responses, size_t count,
                       size_t threshold, size_t *taken)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += response_size(&responses[i]);
        if (staged_by_reference(&responses[i], threshold)) {
            *taken = i + 1;
            return stage_run(own, responses, i + 1, true, size - responses[i].value_size) &&
                   stage_reference(own, &responses[i]);
        }
    }
    *taken = count;
    return stage_run(own, responses, count, false, size);
}

enum kvr_error staged_write(struct writer_state *state, struct evbuffer *output,
                            const struct kvr_response *responses, size_t count, size_t threshold)
{
    struct evbuffer *own = state_take_spare(state);
    if (own == NULL) {
        return KVR_NO_MEMORY;
    }
    enum kvr_error error = KVR_OK;
    for (size_t done = 0; done < count && error == KVR_OK;) {
        size_t taken;
        error = stage_next(own, responses + done, count - done, threshold, &taken) ? KVR_OK
                                                                                   : KVR_NO_MEMORY;
        done += taken;
    }
    if (error == KVR_OK && evbuffer_add_buffer(output, own) < 0) {
        error = KVR_BUFFER_REFUSED;
    }
    state_return_spare(state, own);
    return error;
}
