#include "bench/flat.h"

#include "writer/fill.h"

#include <event2/bufferevent.h>

static uint8_t *encode(uint8_t *out, const struct kvr_response *responses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct kvr_response *response = &responses[i];
        response_encode_header(response, out);
        out = fill_copy(out + KVR_HEADER_SIZE, response->framing_extras,
                        response->framing_extras_size);
        out = fill_copy(out, response->extras, response->extras_size);
        out = fill_copy(out, response->key, response->key_size);
        out = fill_copy(out, response->value, response->value_size);
    }
    return out;
}

void flat_encode(uint8_t *out, const struct kvr_response *responses, size_t count)
{
    encode(out, responses, count);
    __asm__ volatile("" : : "r"(out) : "memory"); /* somebody may read it: it has to be written */
}

enum kvr_error flat_write(void *state, struct bufferevent *bufferevent,
                          const struct kvr_response *responses, size_t count)
{
    uint8_t *out = state;
    size_t size = (size_t)(encode(out, responses, count) - out);
    struct evbuffer *output = bufferevent_get_output(bufferevent);
    return evbuffer_add_reference(output, out, size, NULL, NULL) < 0 ? KVR_NO_MEMORY : KVR_OK;
}
