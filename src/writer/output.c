#include "writer/output.h"

enum kvr_error batch_size(const struct kvr_response *responses, size_t count, size_t limit,
                          size_t *total)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        enum kvr_error error = response_check(&responses[i]);
        if (error != KVR_OK) {
            return error;
        }
        size_t size = response_size(&responses[i]);
        if (size > limit - sum) {
            return KVR_BATCH_TOO_LONG;
        }
        sum += size;
    }
    *total = sum;
    return KVR_OK;
}

enum kvr_error output_error(struct evbuffer *output)
{
    /* A commit of no extents changes nothing and is refused only by a frozen buffer. */
    return evbuffer_commit_space(output, NULL, 0) < 0 ? KVR_BUFFER_REFUSED : KVR_NO_MEMORY;
}

bool output_thaw_start(struct evbuffer *output)
{
    /* Only a frozen buffer refuses to drain nothing. */
    bool frozen = evbuffer_drain(output, 0) < 0;
    if (frozen) {
        evbuffer_unfreeze(output, 1);
    }
    return frozen;
}

void output_freeze_start_if(struct evbuffer *output, bool was_frozen)
{
    if (was_frozen) {
        evbuffer_freeze(output, 1);
    }
}
