/*
 * All responses of a call as one: sized first, then one reservation and one commit. Large batches
 * and values by reference are built aside and handed over; small ones go into the output itself,
 * where the last chunk may have room for them.
 */
#include "writer/output.h"
#include "writer/reserve.h"
#include "writer/staged.h"
#include "writer/writer.h"

static bool any_by_reference(const struct kvr_response *responses, size_t count, size_t threshold)
{
    for (size_t i = 0; i < count; i++) {
        if (staged_by_reference(&responses[i], threshold)) {
            return true;
        }
    }
    return false;
}

enum kvr_error batch_write(void *state, struct bufferevent *bufferevent,
                           const struct kvr_response *responses, size_t count)
{
    size_t total;
    enum kvr_error error = batch_size(responses, count, OUTPUT_RESERVE_MAX, &total);
    if (error != KVR_OK || count == 0) {
        return error;
    }
    size_t threshold = state_reference_threshold(state);
    struct evbuffer *output = bufferevent_get_output(bufferevent);
    if (total >= STAGED_COPY_MIN || any_by_reference(responses, count, threshold)) {
        return staged_write(state, output, responses, count, threshold);
    }
    evbuffer_lock(output);
    error = reserve_run(state, output, responses, count, total);
    evbuffer_unlock(output);
    return error;
}

const struct kvr_writer_type batch_writer = {
    .name = "batch",
    .summary = "one reservation and one commit for all responses at hand",
    .create = state_create,
    .destroy = state_destroy,
    .write = batch_write,
    .configure = state_configure,
};
