/* The writer of right.c as it is compiled with the headers of 0.2. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <kvresponse/plugin.h>
#include <stdlib.h>

static enum kvr_error write_all(void *state, struct bufferevent *bufferevent,
                                const struct kvr_response *responses, size_t count)
{
    struct evbuffer *output = bufferevent_get_output(bufferevent);
    enum kvr_error error = KVR_OK;
    (void)state;
    for (size_t i = 0; i < count && error == KVR_OK; i++) {
        size_t size;
        error = kvr_size(&responses[i], &size);
        if (error != KVR_OK) {
            break;
        }
        unsigned char *frame = malloc(size);
        if (frame == NULL) {
            return KVR_NO_MEMORY;
        }
        kvr_encode_flat(&responses[i], frame, size, &size);
        error = evbuffer_add(output, frame, size) < 0 ? KVR_NO_MEMORY : KVR_OK;
        free(frame);
    }
    return error;
}

static const struct kvr_writer_type writer = {
    .name = "right_0.2", .summary = "an example of a plug-in", .write = write_all};

const struct kvr_plugin kvr_plugin_v1 = KVR_PLUGIN(&writer);
