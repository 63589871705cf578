#include "replay/construct.h"

#include "writer/memory_sink.h"

#include <stdlib.h>

enum { BUILT_ROOM_MIN = 4096 };

/* A writer at work: its state, and where it writes to. */
struct builder {
    const struct kvr_writer *writer;
    void *state;
    struct memory_sink *sink;
};

struct scratch {
    uint8_t *bytes;
    size_t room;
};

struct construct {
    enum construct_reference mode;
    struct builder tested;
    struct builder other; /* REFERENCE_WRITER only */
    struct scratch flat;
    struct scratch built_copy;
    struct scratch other_copy;
    struct span built;
    struct span reference;
    enum kvr_error error;
};

static bool scratch_grow(struct scratch *scratch, size_t size)
{
    if (size <= scratch->room) {
        return true;
    }
    size_t room = size < BUILT_ROOM_MIN ? BUILT_ROOM_MIN : size;
    free(scratch->bytes); /* what it held is not needed any more */
    scratch->bytes = malloc(room);
    scratch->room = scratch->bytes == NULL ? 0 : room;
    return scratch->bytes != NULL;
}

static bool builder_init(struct builder *builder, const struct kvr_writer *writer)
{
    builder->writer = writer;
    builder->sink = memory_sink_create();
    if (writer->create != NULL) {
        builder->state = writer->create();
    }
    return builder->sink != NULL && (writer->create == NULL || builder->state != NULL);
}

static void builder_deinit(struct builder *builder)
{
    if (builder->state != NULL && builder->writer->destroy != NULL) {
        builder->writer->destroy(builder->state);
    }
    if (builder->sink != NULL) {
        memory_sink_destroy(builder->sink);
    }
}

static enum kvr_error build(struct builder *builder, const struct kvr_response *response)
{
    memory_sink_begin(builder->sink);
    return builder->writer->write(builder->state, memory_sink_bufferevent(builder->sink), response,
                                  1);
}

/* Everything that was built, in one piece. Empty if there is no memory for it. */
static struct span copy_built(const struct builder *builder, struct scratch *scratch)
{
    size_t size = memory_sink_size(builder->sink);
    if (!scratch_grow(scratch, size)) {
        return span_of(NULL, 0);
    }
    return span_of(scratch->bytes, memory_sink_copy(builder->sink, scratch->bytes, size));
}

struct construct *construct_create(const struct construct_options *options)
{
    struct construct *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    self->mode = options->reference;
    if (!builder_init(&self->tested, options->writer) ||
        (self->mode == REFERENCE_WRITER &&
         !builder_init(&self->other, options->reference_writer))) {
        construct_destroy(self);
        return NULL;
    }
    return self;
}

void construct_destroy(struct construct *self)
{
    builder_deinit(&self->tested);
    builder_deinit(&self->other);
    free(self->flat.bytes);
    free(self->built_copy.bytes);
    free(self->other_copy.bytes);
    free(self);
}

struct span construct_flat(struct construct *self, const struct kvr_response *response,
                           enum kvr_error *error)
{
    size_t size;
    *error = kvr_size(response, &size);
    if (*error == KVR_OK && !scratch_grow(&self->flat, size)) {
        *error = KVR_NO_MEMORY;
    }
    if (*error == KVR_OK) {
        *error = kvr_encode_flat(response, self->flat.bytes, self->flat.room, &size);
    }
    return *error == KVR_OK ? span_of(self->flat.bytes, size) : span_of(NULL, 0);
}

static bool find_reference(struct construct *self, const struct kvr_response *response,
                           struct span recorded)
{
    enum kvr_error error = KVR_OK;
    switch (self->mode) {
    case REFERENCE_CAPTURE:
        self->reference = recorded;
        break;
    case REFERENCE_FLAT:
        self->reference = construct_flat(self, response, &error);
        break;
    case REFERENCE_WRITER:
        error = build(&self->other, response);
        self->reference = copy_built(&self->other, &self->other_copy);
        break;
    }
    self->error = error;
    return error == KVR_OK;
}

enum constructed construct_check(struct construct *self, const struct kvr_response *response,
                                 struct span recorded, const struct mask_list *masks,
                                 struct comparison *comparison)
{
    if (!find_reference(self, response, recorded)) {
        return CONSTRUCT_REFUSED;
    }
    self->error = build(&self->tested, response);
    if (self->error != KVR_OK) {
        return CONSTRUCT_REFUSED;
    }
    if (memory_sink_equals(self->tested.sink, self->reference)) {
        return CONSTRUCT_EQUAL;
    }
    self->built = copy_built(&self->tested, &self->built_copy);
    switch (compare_frames(self->reference, self->built, masks, comparison)) {
    case COMPARED_EQUAL_MASKED:
        return CONSTRUCT_MASKED;
    case COMPARED_EQUAL: /* the sink said otherwise */
    case COMPARED_DIFFERENT:
        break;
    }
    return CONSTRUCT_DIFFERENT;
}

struct span construct_built(const struct construct *self)
{
    return self->built;
}

struct span construct_reference(const struct construct *self)
{
    return self->reference;
}

enum kvr_error construct_error(const struct construct *self)
{
    return self->error;
}
