#include "check/builder.h"

bool builder_init(struct builder *self, const struct kvr_writer_type *writer,
                  struct plugin_process *process, uint64_t *seed)
{
    *self = (struct builder){.writer = writer, .process = process, .seed = seed};
    if (process != NULL) {
        return true;
    }
    self->sink = memory_sink_create();
    if (writer->create != NULL) {
        self->state = writer->create();
    }
    return self->sink != NULL;
}

void builder_deinit(struct builder *self)
{
    if (self->state != NULL && self->writer->destroy != NULL) {
        self->writer->destroy(self->state);
    }
    if (self->sink != NULL) {
        memory_sink_destroy(self->sink);
    }
}

static enum plugin_outcome build_in_process(struct builder *self, const struct builder_input *input,
                                            enum kvr_error *error)
{
    struct plugin_call call = {
        .frames = input->frames,
        .count = input->count,
        .hostile = self->seed != NULL,
        .seed = self->seed == NULL ? 0 : *self->seed,
    };
    enum plugin_outcome outcome = plugin_process_write(self->process, &call, &self->result);
    if (outcome == PLUGIN_DONE) {
        *error = self->result.error;
    }
    if (self->seed != NULL) {
        *self->seed = call.seed;
    }
    return outcome;
}

enum plugin_outcome builder_build(struct builder *self, const struct builder_input *input,
                                  enum kvr_error *error)
{
    if (self->process != NULL) {
        return build_in_process(self, input, error);
    }
    if (self->seed != NULL) {
        memory_sink_begin_hostile(self->sink, self->seed);
    } else {
        memory_sink_begin(self->sink);
    }
    *error = self->writer->write(self->state, memory_sink_bufferevent(self->sink), input->responses,
                                 input->count);
    return PLUGIN_DONE;
}

bool builder_equals(const struct builder *self, struct span expected)
{
    return self->process != NULL ? span_equal(self->result.built, expected)
                                 : memory_sink_equals(self->sink, expected);
}

size_t builder_size(const struct builder *self)
{
    return self->process != NULL ? self->result.built.size : memory_sink_size(self->sink);
}

size_t builder_copy(const struct builder *self, uint8_t *out, size_t room)
{
    if (self->process == NULL) {
        return memory_sink_copy(self->sink, out, room);
    }
    size_t size = self->result.built.size < room ? self->result.built.size : room;
    if (size > 0) {
        memcpy(out, self->result.built.data, size);
    }
    return size;
}
