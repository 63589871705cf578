/* Shared objects that the loader has to refuse, each for another reason. */
#include <kvresponse/plugin.h>
#include <stddef.h>

#if defined(NO_SYMBOL)
const int not_a_plugin = 1;
#else
static enum kvr_error write_all(void *state, struct bufferevent *bufferevent,
                                const struct kvr_response *responses, size_t count)
{
    (void)state;
    (void)bufferevent;
    (void)responses;
    (void)count;
    return KVR_OK;
}

static void *create(void)
{
    return NULL;
}

static void destroy(void *state)
{
    (void)state;
}

static const struct kvr_writer_type writer = {
#if defined(ODD_NAME)
    .name = "un\033[31musable",
#elif !defined(NO_NAME)
    .name = "unusable",
#endif
#if !defined(NO_DESTROY)
    .destroy = destroy,
#endif
    .create = create,
#if !defined(NO_WRITE)
    .write = write_all,
#endif
    .summary = "can't be used",
};

#if defined(OTHER_HEADER)
#define LESS 8
#define ABI  KVR_PLUGIN_ABI
#elif defined(NEWER_HEADER)
#define LESS -8
#define ABI  KVR_PLUGIN_ABI + 1
#else
#define LESS 0
#define ABI  KVR_PLUGIN_ABI
#endif
const struct kvr_plugin kvr_plugin_v1 = {sizeof(struct kvr_plugin),
                                         sizeof(struct kvr_response) - LESS,
                                         sizeof(struct kvr_writer_type), ABI, &writer};

/* Whichever of these is not used above. */
const void *const kvr_unused[] = {(const void *)write_all, (const void *)create,
                                  (const void *)destroy};
#endif
