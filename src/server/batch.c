#include "server/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool batch_init(struct batch *batch)
{
    *batch = (struct batch){
        .responses = calloc(BATCH_RESPONSES, sizeof(*batch->responses)),
        .copies = malloc(BATCH_COPIES),
    };
    return batch->responses != NULL && batch->copies != NULL;
}

void batch_deinit(struct batch *batch)
{
    batch_clear(batch);
    free(batch->responses);
    free(batch->copies);
}

bool batch_is_full(const struct batch *batch)
{
    return batch->count > BATCH_RESPONSES - BATCH_RESPONSES_ANSWER ||
           batch->copied > BATCH_COPIES - BATCH_COPIES_ANSWER || batch->bytes >= BATCH_BYTES_FULL;
}

static const void *batch_copy(struct batch *batch, const void *bytes, size_t size)
{
    if (size == 0) {
        return NULL;
    }
    assert(size <= BATCH_COPIES - batch->copied);
    void *copied = memcpy(batch->copies + batch->copied, bytes, size);
    batch->copied += size;
    return copied;
}

static void add(struct batch *batch, const struct kvr_response *response)
{
    struct kvr_response *own = &batch->responses[batch->count++];
    *own = *response;
    own->framing_extras =
        batch_copy(batch, response->framing_extras, response->framing_extras_size);
    own->extras = batch_copy(batch, response->extras, response->extras_size);
    own->key = batch_copy(batch, response->key, response->key_size);
    if (response->value_owner != NULL) {
        response->value_owner->retain(response->value_owner);
    } else {
        own->value = batch_copy(batch, response->value, response->value_size);
    }
    batch->bytes += KVR_HEADER_SIZE + own->framing_extras_size + own->extras_size + own->key_size +
                    own->value_size;
}

void batch_add(struct batch *batch, const struct kvr_response *responses, size_t count)
{
    assert(!batch_is_full(batch) && count <= BATCH_RESPONSES_ANSWER);
    for (size_t i = 0; i < count; i++) {
        add(batch, &responses[i]);
    }
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct kvr_value_owner *owner = batch->responses[i].value_owner;
        if (owner != NULL) {
            owner->release(owner);
        }
    }
    batch->count = batch->copied = batch->bytes = 0;
}
