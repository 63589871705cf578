#include "writer/reserve.h"

#include "writer/fill.h"
#include "writer/output.h"
#include "writer/staged.h"
#include "writer/writer.h"

enum {
    /* The room in the chunks that evbuffer_add arrives at by doubling: EVBUFFER_CHAIN_MAX_AUTO_SIZE
     * (4096) less the chunk's header. */
    GROWN_CHUNK = 4048,
    /* A frame without a value is one part: up to this size it is encoded on the stack. */
    ONE_PART_MAX = 512,
};

/*
 * Reserves `size` bytes, so that single responses don't end up with a small chunk each.
 *
 * libevent makes a new chunk just large enough for what the last one can't hold; evbuffer_add makes
 * it twice as large as the one before, up to 4 KiB, and at least as large as what is added. To do
 * as well, a new chunk that comes out small is replaced by a grown one with a second reservation.
 * The state remembers how much room the last call left, so that mostly the first one is right.
 *
 * There is no telling a new chunk from the rest of an old one if only one extent comes back. Asking
 * for one byte more than is needed keeps the last chunk from ever being full to the brim, so that a
 * new one is always the second extent.
 */
static int reserve(struct writer_state *state, struct evbuffer *output, size_t size,
                   struct evbuffer_iovec extents[2])
{
    size_t grown = size > GROWN_CHUNK ? size : GROWN_CHUNK;
    size_t room = state_last_room(state, output);
    size_t ask = size + 1;
    /* A buffer that was drained meanwhile needs no more than this response. For a large one both
     * come to the same chunk, so it isn't worth asking. */
    if (room < ask && (size >= GROWN_CHUNK || evbuffer_get_length(output) > 0)) {
        ask = room + grown;
    }
    int count = evbuffer_reserve_space(output, (ev_ssize_t)ask, extents, 2);
    if (count == 2 && extents[1].iov_len < grown) {
        ask = extents[0].iov_len + grown;
        count = evbuffer_reserve_space(output, (ev_ssize_t)ask, extents, 2);
    }
    return count;
}

enum kvr_error reserve_run(struct writer_state *state, struct evbuffer *output,
                           const struct kvr_response *responses, size_t count, size_t size)
{
    struct evbuffer_iovec extents[2];
    int extents_count = reserve(state, output, size, extents);
    if (extents_count < 1) {
        return output_error(output);
    }
    size_t room = extents[0].iov_len + (extents_count == 2 ? extents[1].iov_len : 0);
    struct fill fill = fill_begin(extents);
    for (size_t i = 0; i < count; i++) {
        fill_response(&fill, &responses[i], response_size(&responses[i]));
    }
    if (evbuffer_commit_space(output, extents, fill_trim(extents, size)) < 0) {
        /* libevent may refuse a valid reservation when earlier ones were abandoned. */
        return staged_write(state, output, responses, count, SIZE_MAX);
    }
    state_remember_room(state, output, room - size);
    return KVR_OK;
}

/* A frame of one part needs no reservation: one evbuffer_add is all or nothing by itself. */
static enum kvr_error add_one_part(struct evbuffer *output, const struct kvr_response *response,
                                   size_t size)
{
    uint8_t frame[ONE_PART_MAX];
    struct evbuffer_iovec extent = {frame, sizeof(frame)};
    struct fill fill = fill_begin(&extent);
    fill_response(&fill, response, size);
    return evbuffer_add(output, frame, size) < 0 ? output_error(output) : KVR_OK;
}

static enum kvr_error reserve_one(struct writer_state *state, struct evbuffer *output,
                                  const struct kvr_response *response)
{
    size_t threshold = state_reference_threshold(state);
    size_t size = response_size(response);
    if (response->value_size == 0 && size <= ONE_PART_MAX) {
        return add_one_part(output, response, size);
    }
    if (staged_by_reference(response, threshold)) {
        return staged_write(state, output, response, 1, threshold);
    }
    evbuffer_lock(output);
    enum kvr_error error = reserve_run(state, output, response, 1, size);
    evbuffer_unlock(output);
    return error;
}

static enum kvr_error reserve_write(void *state, struct bufferevent *bufferevent,
                                    const struct kvr_response *responses, size_t count)
{
    if (count != 1) {
        return batch_write(state, bufferevent, responses, count);
    }
    enum kvr_error error = response_check(responses);
    return error == KVR_OK ? reserve_one(state, bufferevent_get_output(bufferevent), responses)
                           : error;
}

const struct kvr_writer_type reserve_writer = {
    .name = "reserve",
    .summary = "for single responses: size first, at most two extents, one commit",
    .create = state_create,
    .destroy = state_destroy,
    .write = reserve_write,
    .configure = state_configure,
};
