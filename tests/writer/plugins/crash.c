/* Crashes on the second response with a value that it is given. */
#include <kvresponse/plugin.h>
#include <signal.h>

static void *create(void)
{
    return kvr_writer_new("batch", NULL);
}

static void destroy(void *state)
{
    kvr_writer_free(state);
}

static enum kvr_error write_all(void *state, struct bufferevent *bufferevent,
                                const struct kvr_response *responses, size_t count)
{
    static int values;
    for (size_t i = 0; i < count; i++) {
        values += responses[i].value_size > 0;
        if (values == 2) {
            raise(SIGSEGV);
        }
    }
    return kvr_write(state, bufferevent, responses, count);
}

static const struct kvr_writer_type writer = {.name = "crash",
                                              .summary = "crashes on the second value",
                                              .create = create,
                                              .destroy = destroy,
                                              .write = write_all};

const struct kvr_plugin kvr_plugin_v1 = KVR_PLUGIN(&writer);
