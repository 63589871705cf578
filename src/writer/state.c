#include "writer/state.h"

#include <event2/buffer.h>
#include <stdlib.h>

void *state_create(void)
{
    struct writer_state *state = malloc(sizeof(*state));
    if (state != NULL) {
        atomic_init(&state->spare, evbuffer_new());
        atomic_init(&state->last_output, NULL);
        atomic_init(&state->last_room, 0);
        state->reference_threshold = KVR_REFERENCE_THRESHOLD;
    }
    return state;
}

void state_destroy(void *state)
{
    struct writer_state *writer_state = state;
    struct evbuffer *spare = writer_state == NULL ? NULL : atomic_load(&writer_state->spare);
    if (spare != NULL) {
        evbuffer_free(spare);
    }
    free(state);
}

void state_configure(void *state, const struct kvr_options *options)
{
    struct writer_state *writer_state = state;
    if (writer_state != NULL) {
        writer_state->reference_threshold = options->reference_threshold == 0
                                                ? KVR_REFERENCE_THRESHOLD
                                                : options->reference_threshold;
    }
}

struct evbuffer *state_take_spare(struct writer_state *state)
{
    struct evbuffer *spare = state == NULL ? NULL : atomic_exchange(&state->spare, NULL);
    return spare != NULL ? spare : evbuffer_new();
}

void state_return_spare(struct writer_state *state, struct evbuffer *spare)
{
    evbuffer_drain(spare, evbuffer_get_length(spare));
    struct evbuffer *none = NULL;
    if (state == NULL || !atomic_compare_exchange_strong(&state->spare, &none, spare)) {
        evbuffer_free(spare);
    }
}
