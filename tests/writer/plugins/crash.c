/* Crashes on the second response with a value that it is given. */
#include <kvresponse.h>
#include <signal.h>

static enum kvr_error write_all(void *state, struct bufferevent *bufferevent,
                                const struct kvr_response *responses, size_t count)
{
    static int values;
    const struct kvr_writer *append = kvr_writer_find("append");
    for (size_t i = 0; i < count; i++) {
        values += responses[i].value_size > 0;
        if (values == 2) {
            raise(SIGSEGV);
        }
    }
    return append->write(state, bufferevent, responses, count);
}

static const struct kvr_writer writer = {
    .name = "crash", .summary = "crashes on the second value", .write = write_all};

const struct kvr_plugin kvr_plugin_v1 = KVR_PLUGIN(&writer);
