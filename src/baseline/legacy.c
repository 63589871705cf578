/*
 * What the server did before: header, framing extras, extras and key are copied to a scratch buffer
 * and written by one bufferevent_write, the value by a second one.
 */
#include "baseline/baseline.h"
#include "baseline/undo.h"
#include "writer/fill.h"
#include "writer/output.h"

#include <stdlib.h>

enum { SCRATCH_SIZE = 1024 }; /* on the stack; longer keys take memory from the heap */

/* The buffer is locked. Adds what was written to *written, also on error. */
static enum kvr_error legacy_one(struct bufferevent *bufferevent,
                                 const struct kvr_response *response, size_t *written)
{
    uint8_t stack[SCRATCH_SIZE];
    size_t size = KVR_HEADER_SIZE + response_prefix_size(response);
    uint8_t *scratch = size <= sizeof(stack) ? stack : malloc(size);
    if (scratch == NULL) {
        return KVR_NO_MEMORY;
    }
    response_encode_header(response, scratch);
    uint8_t *at = scratch + KVR_HEADER_SIZE;
    at = fill_copy(at, response->framing_extras, response->framing_extras_size);
    at = fill_copy(at, response->extras, response->extras_size);
    fill_copy(at, response->key, response->key_size);

    int result = bufferevent_write(bufferevent, scratch, size);
    if (scratch != stack) {
        free(scratch);
    }
    *written += result < 0 ? 0 : size;
    if (result == 0 && response->value_size > 0) {
        result = bufferevent_write(bufferevent, response->value, response->value_size);
        *written += result < 0 ? 0 : response->value_size;
    }
    return result < 0 ? output_error(bufferevent_get_output(bufferevent)) : KVR_OK;
}

static enum kvr_error legacy_write(void *state, struct bufferevent *bufferevent,
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
        error = legacy_one(bufferevent, &responses[i], &written);
    }
    if (error != KVR_OK && !undo_append(state, output, written)) {
        error = KVR_TORN;
    }
    evbuffer_unlock(output);
    return error;
}

const struct kvr_writer_type legacy_writer = {
    .name = "legacy",
    .summary = "two bufferevent_write per response, through a scratch buffer",
    .create = state_create,
    .destroy = state_destroy,
    .write = legacy_write,
};
