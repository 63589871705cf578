/*
 * Your own writer for kvreplay's --writer: a shared object that defines
 *
 *     static const struct kvr_writer_type mine = {.name = "mine", .write = my_write};
 *     const struct kvr_plugin kvr_plugin_v1 = KVR_PLUGIN(&mine);
 *
 * The writer's functions are called from one thread at a time. What the responses point to is
 * readable during the call only. value_owner may be ignored. The shared object brings its own
 * libevent symbols or uses the program's; it may call the functions of kvresponse.h if it links
 * libkvresponse.
 *
 * `kvreplay verify` and `kvreplay bench` load and call it in processes of their own, where standard
 * output goes to standard error; verify's is started again after an end, with a new state, and may
 * use 1 GiB of memory. `kvreplay serve` loads it into itself, for good.
 *
 * Programs that only write responses need kvresponse.h alone.
 */
#ifndef KVRESPONSE_PLUGIN_H
#define KVRESPONSE_PLUGIN_H

#include <kvresponse/kvresponse.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/*
 * The options of a writer. kvreplay makes them, and a writer reads them: a later version of this
 * header may have more members, at the end.
 */
struct kvr_options {
    size_t reference_threshold; /* as kvr_options_set_reference_threshold has it */
};

/*
 * Appends `count` responses, in order, to the output of `bufferevent`, or nothing; see kvr_write.
 * `state` is what the writer's `create` returned.
 *
 * A writer that adds to the output in several steps runs callbacks after each. They may not add to
 * the output, drain it or freeze it: their bytes would end up inside a frame. KVR_TORN says that
 * such a writer has failed between two steps and could not take back what it had written.
 */
typedef enum kvr_error (*kvr_write_function)(void *state, struct bufferevent *bufferevent,
                                             const struct kvr_response *responses, size_t count);

struct kvr_writer_type {
    const char *name;
    const char *summary;     /* one line, for lists; may be NULL */
    void *(*create)(void);   /* NULL: the writer keeps no state. May return NULL when out of memory:
                                `write` is called with that */
    void (*destroy)(void *); /* NULL if create is. Not while a write is under way */
    kvr_write_function write;
    /* Before the first write. NULL: there is nothing to configure. */
    void (*configure)(void *state, const struct kvr_options *options);
};

/*
 * The version of what this header and struct kvr_response say; it grows whenever anything is added
 * to them. kvreplay takes plug-ins of its own version and of earlier ones. 0.1 of kvresponse had
 * 0, which is the same.
 */
enum { KVR_PLUGIN_ABI = 1 };

struct kvr_plugin {
    uint32_t size;          /* sizeof(struct kvr_plugin) */
    uint32_t response_size; /* sizeof(struct kvr_response), as the plug-in was compiled with */
    uint32_t type_size;     /* sizeof(struct kvr_writer_type) */
    uint32_t abi;           /* KVR_PLUGIN_ABI, as the plug-in was compiled with */
    const struct kvr_writer_type *type;
};

#define KVR_PLUGIN(type)                                                                           \
    {                                                                                              \
        sizeof(struct kvr_plugin), sizeof(struct kvr_response), sizeof(struct kvr_writer_type),    \
            KVR_PLUGIN_ABI, type                                                                   \
    }

/* Defined by the plug-in. Its name changes when the meaning of anything above does. */
extern const struct kvr_plugin kvr_plugin_v1;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
