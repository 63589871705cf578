/*
 * A writer at work on descriptions: one of this program's, called here, or a plug-in, called in a
 * process of its own.
 */
#ifndef KVREPLAY_CHECK_BUILDER_H
#define KVREPLAY_CHECK_BUILDER_H

#include "writer/memory_sink.h"
#include "writer/plugin_process.h"

struct builder {
    const struct kvr_writer_type *writer;
    struct plugin_process *process; /* NULL: the writer is called here ... */
    void *state;                    /* ... with this, */
    struct memory_sink *sink;       /* and writes to this */
    uint64_t *seed;                 /* of hostile buffers; NULL: they are none */
    struct plugin_result result;    /* of the process */
};

/* What is to be built: whole frames one behind the other, and their descriptions. */
struct builder_input {
    struct span frames;
    const struct kvr_response *responses;
    size_t count;
};

/* False: no memory. `process` may be NULL, and belongs to the caller; so does *seed, see above. */
bool builder_init(struct builder *builder, const struct kvr_writer_type *writer,
                  struct plugin_process *process, uint64_t *seed);
void builder_deinit(struct builder *builder);

/* One call of the writer. PLUGIN_DONE: *error is what it returned, and there is something to
 * compare. Only a process has any other result. */
enum plugin_outcome builder_build(struct builder *builder, const struct builder_input *input,
                                  enum kvr_error *error);

/* Of the last call, if it came to PLUGIN_DONE: its bytes are exactly `expected`; how many they are;
 * the first `room` of them are copied to `out`, and their number is returned. */
bool builder_equals(const struct builder *builder, struct span expected);
size_t builder_size(const struct builder *builder);
size_t builder_copy(const struct builder *builder, uint8_t *out, size_t room);

#endif
