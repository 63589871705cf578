/*
 * The plain way: one evbuffer_add per part.
 */
#include "baseline/baseline.h"
#include "baseline/undo.h"
#include "response/encode.h"
#include "writer/output.h"

static bool append_part(struct evbuffer *output, const void *bytes, size_t size, size_t *written)
{
    if (size > 0 && evbuffer_add(output, bytes, size) < 0) {
        return false;
    }
    *written += size;
    return true;
}

/* The buffer is locked. Adds what was written to *written, also on error. */
static bool append_one(struct evbuffer *output, const struct kvr_response *response,
                       size_t *written)
{
    uint8_t header[KVR_HEADER_SIZE];
    response_encode_header(response, header);
    return append_part(output, header, sizeof(header), written) &&
           append_part(output, response->framing_extras, response->framing_extras_size, written) &&
           append_part(output, response->extras, response->extras_size, written) &&
           append_part(output, response->key, response->key_size, written) &&
           append_part(output, response->value, response->value_size, written);
}

static enum kvr_error append_write(void *state, struct bufferevent *bufferevent,
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
        if (!append_one(output, &responses[i], &written)) {
            error = output_error(output);
        }
    }
    if (error != KVR_OK && !undo_append(state, output, written)) {
        error = KVR_TORN;
    }
    evbuffer_unlock(output);
    return error;
}

const struct kvr_writer_type append_writer = {
    .name = "append",
    .summary = "evbuffer_add per part",
    .create = state_create,
    .destroy = state_destroy,
    .write = append_write,
};
