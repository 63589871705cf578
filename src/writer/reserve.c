/*
 * One reservation per response. The total is known before a byte is written, so the buffer hands
 * out the rest of its last chunk and one new chunk for what remains, and both are committed at
 * once.
 */
#include "writer/fill.h"
#include "writer/output.h"
#include "writer/undo.h"
#include "writer/writer.h"

/*
 * libevent refuses the commit of a valid reservation when earlier ones were abandoned. The frame is
 * then built in a buffer of our own and handed over, which needs no memory and can't be refused.
 */
static enum kvr_error reserve_elsewhere(struct evbuffer *output,
                                        const struct kvr_response *response, size_t size)
{
    struct evbuffer *own = evbuffer_new();
    if (own == NULL) {
        return KVR_NO_MEMORY;
    }
    enum kvr_error error = KVR_NO_MEMORY;
    struct evbuffer_iovec extent;
    if (evbuffer_reserve_space(own, (ev_ssize_t)size, &extent, 1) == 1) {
        struct fill fill = fill_begin(&extent);
        fill_response(&fill, response, size);
        extent.iov_len = size;
        evbuffer_commit_space(own, &extent, 1);
        error = evbuffer_add_buffer(output, own) < 0 ? KVR_BUFFER_REFUSED : KVR_OK;
    }
    evbuffer_free(own);
    return error;
}

/* The buffer is locked. */
static enum kvr_error reserve_one(struct evbuffer *output, const struct kvr_response *response,
                                  size_t size)
{
    struct evbuffer_iovec extents[2];
    if (evbuffer_reserve_space(output, (ev_ssize_t)size, extents, 2) < 1) {
        return output_error(output);
    }
    struct fill fill = fill_begin(extents);
    fill_response(&fill, response, size);
    if (evbuffer_commit_space(output, extents, fill_trim(extents, size)) < 0) {
        return reserve_elsewhere(output, response, size);
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
    struct evbuffer *output = bufferevent_get_output(bufferevent);
    evbuffer_lock(output);
    size_t written = 0;
    for (size_t i = 0; i < count && error == KVR_OK; i++) {
        size_t size = response_size(&responses[i]);
        error = reserve_one(output, &responses[i], size);
        written += error == KVR_OK ? size : 0;
    }
    if (error != KVR_OK && !undo_append(state, output, written)) {
        error = KVR_TORN;
    }
    evbuffer_unlock(output);
    return error;
}
