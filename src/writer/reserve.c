#include "writer/reserve.h"

#include "writer/fill.h"
#include "writer/output.h"
#include "writer/staged.h"
#include "writer/undo.h"
#include "writer/writer.h"

/* The room in the chunks that evbuffer_add arrives at by doubling: EVBUFFER_CHAIN_MAX_AUTO_SIZE
 * (4096) less the chunk's header. */
enum { GROWN_CHUNK = 4048 };

/*
 * Reserves `size` bytes, so that single responses don't end up with a small chunk each.
 *
 * libevent makes a new chunk just large enough for what the last one can't hold. evbuffer_add makes
 * it twice as large as the one before, up to 4 KiB. To do as well, a second reservation replaces a
 * new chunk that has come out small by a grown one: once per chunk, not once per response. There is
 * no telling a new chunk from the rest of an old one if only one extent comes back; asking for one
 * byte more than is needed keeps the last chunk from ever being full to the brim, so that a new one
 * is always the second extent.
 */
static int reserve(struct evbuffer *output, size_t size, struct evbuffer_iovec extents[2])
{
    size_t grown = size > GROWN_CHUNK ? size : GROWN_CHUNK;
    int count = evbuffer_reserve_space(output, (ev_ssize_t)size + 1, extents, 2);
    if (count == 2 && extents[1].iov_len < grown) {
        size_t more = extents[0].iov_len + grown;
        count = evbuffer_reserve_space(output, (ev_ssize_t)more, extents, 2);
    }
    return count;
}

enum kvr_error reserve_run(struct writer_state *state, struct evbuffer *output,
                           const struct kvr_response *responses, size_t count, size_t size)
{
    struct evbuffer_iovec extents[2];
    if (reserve(output, size, extents) < 1) {
        return output_error(output);
    }
    struct fill fill = fill_begin(extents);
    for (size_t i = 0; i < count; i++) {
        fill_response(&fill, &responses[i], response_size(&responses[i]));
    }
    if (evbuffer_commit_space(output, extents, fill_trim(extents, size)) < 0) {
        /* libevent may refuse a valid reservation when earlier ones were abandoned. */
        return staged_write(state, output, responses, count, SIZE_MAX);
    }
    return KVR_OK;
}

enum kvr_error reserve_write(void *state, struct bufferevent *bufferevent,
                             const struct kvr_response *responses, size_t count)
{
    size_t total;
    enum kvr_error error = batch_size(responses, count, OUTPUT_RESERVE_MAX, &total);
    if (error != KVR_OK) {
        return error;
    }
    size_t threshold = state_reference_threshold(state);
    struct evbuffer *output = bufferevent_get_output(bufferevent);
    evbuffer_lock(output);
    size_t written = 0;
    for (size_t i = 0; i < count && error == KVR_OK; i++) {
        size_t size = response_size(&responses[i]);
        error = staged_by_reference(&responses[i], threshold)
                    ? staged_write(state, output, &responses[i], 1, threshold)
                    : reserve_run(state, output, &responses[i], 1, size);
        written += error == KVR_OK ? size : 0;
    }
    if (error != KVR_OK && !undo_append(state, output, written)) {
        error = KVR_TORN;
    }
    evbuffer_unlock(output);
    return error;
}
