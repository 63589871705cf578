#include "replay/construct.h"

#include "response/from_frame.h"
#include "writer/guard.h"
#include "writer/memory_sink.h"

#include <stdlib.h>

enum {
    BATCH_MAX = 64,         /* responses */
    BATCH_ROOM = 64 * 1024, /* bytes; one response may be larger */
};

static const struct mask_list no_masks;

/* A writer at work: its state, and where it writes to. */
struct builder {
    const struct kvr_writer *writer;
    void *state;
    struct memory_sink *sink;
    bool guarded;
    int signal; /* that it has died of; it is not called again */
};

struct scratch {
    uint8_t *bytes;
    size_t room;
};

struct construct {
    struct construct_options options;
    struct construct_listener listener;
    struct builder tested;
    bool dead;            /* the response that the tested writer died of has been told of */
    struct builder other; /* REFERENCE_WRITER only */
    struct scratch flat;
    struct scratch built_copy;
    struct scratch other_copy;
    /* The batch: what has to come out, one response behind the other, and what each is. */
    struct scratch expected;
    size_t expected_size;
    size_t count;
    size_t ends[BATCH_MAX]; /* of each response in expected */
    struct kvr_response responses[BATCH_MAX];
    struct construct_label labels[BATCH_MAX];
};

/* False: no memory; nothing has changed. What it held is kept. */
static bool scratch_grow(struct scratch *scratch, size_t size)
{
    if (size <= scratch->room) {
        return true;
    }
    size_t room = size < BATCH_ROOM ? BATCH_ROOM : size;
    uint8_t *bytes = realloc(scratch->bytes, room);
    if (bytes == NULL) {
        return false;
    }
    scratch->bytes = bytes;
    scratch->room = room;
    return true;
}

static bool builder_init(struct builder *builder, const struct kvr_writer *writer, bool guarded)
{
    builder->writer = writer;
    builder->guarded = guarded;
    builder->sink = memory_sink_create();
    if (writer->create != NULL) {
        builder->state = writer->create();
    }
    return builder->sink != NULL && (!guarded || guard_begin());
}

static void builder_deinit(struct builder *builder)
{
    if (builder->guarded) {
        guard_end();
    }
    if (builder->signal != 0) {
        return; /* nothing is known of what it held when it died */
    }
    if (builder->state != NULL && builder->writer->destroy != NULL) {
        builder->writer->destroy(builder->state);
    }
    if (builder->sink != NULL) {
        memory_sink_destroy(builder->sink);
    }
}

struct construct *construct_create(const struct construct_options *options,
                                   const struct construct_listener *listener)
{
    struct construct *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    self->options = *options;
    self->listener = *listener;
    if (!scratch_grow(&self->expected, BATCH_ROOM) ||
        !builder_init(&self->tested, options->writer, options->guarded) ||
        (options->reference == REFERENCE_WRITER &&
         !builder_init(&self->other, options->reference_writer, false))) {
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
    free(self->expected.bytes);
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

/* ------------------------------------------------------------------------------------- building */

static enum kvr_error build(struct construct *self, struct builder *builder,
                            const struct kvr_response *responses, size_t count)
{
    struct bufferevent *bufferevent = memory_sink_bufferevent(builder->sink);
    enum kvr_error error = KVR_OK;
    if (builder->signal != 0) {
        return KVR_OK; /* told of as a fault of each response */
    }
    if (self->options.hostile) {
        memory_sink_begin_hostile(builder->sink, &self->options.seed);
    } else {
        memory_sink_begin(builder->sink);
    }
    if (!builder->guarded) {
        return builder->writer->write(builder->state, bufferevent, responses, count);
    }
    builder->signal =
        guard_write(builder->writer, builder->state, bufferevent, responses, count, &error);
    return error;
}

/* Everything that was built, in one piece. Empty if there is no memory for it. */
static struct span copy_built(const struct builder *builder, struct scratch *scratch)
{
    if (builder->signal != 0) {
        return span_of(NULL, 0);
    }
    size_t size = memory_sink_size(builder->sink);
    if (size == 0 || !scratch_grow(scratch, size)) {
        return span_of(NULL, 0);
    }
    return span_of(scratch->bytes, memory_sink_copy(builder->sink, scratch->bytes, size));
}

enum kvr_error construct_one(struct construct *self, const struct kvr_response *response,
                             struct span *built)
{
    construct_flush(self);
    enum kvr_error error = build(self, &self->tested, response, 1);
    *built = error == KVR_OK ? copy_built(&self->tested, &self->built_copy) : span_of(NULL, 0);
    return error;
}

/* ------------------------------------------------------------------------------------ the batch */

struct construct_label *construct_add(struct construct *self, struct span bytes)
{
    if (self->count == BATCH_MAX || bytes.size > self->expected.room - self->expected_size) {
        construct_flush(self);
    }
    uint8_t *before = self->expected.bytes;
    if (!scratch_grow(&self->expected, bytes.size)) { /* only ever grows when it is empty */
        return NULL;
    }
    assert(before == self->expected.bytes || self->count == 0);
    (void)before;
    uint8_t *copy = self->expected.bytes + self->expected_size;
    struct mcbp_frame frame;
    memcpy(copy, bytes.data, bytes.size);
    mcbp_frame_parse(span_of(copy, bytes.size), &frame);
    response_from_frame(&frame, &self->responses[self->count]);
    self->expected_size += bytes.size;
    self->ends[self->count] = self->expected_size;
    return &self->labels[self->count++];
}

static size_t begin_of(const struct construct *self, size_t index)
{
    return index == 0 ? 0 : self->ends[index - 1];
}

/* What has to come out from response `first` on. */
static struct span reference_from(struct construct *self, size_t first)
{
    if (self->options.reference != REFERENCE_WRITER) {
        size_t begin = begin_of(self, first);
        return span_of(self->expected.bytes + begin, self->expected_size - begin);
    }
    if (build(self, &self->other, &self->responses[first], self->count - first) != KVR_OK) {
        return span_of(NULL, 0);
    }
    return copy_built(&self->other, &self->other_copy);
}

static void tell(struct construct *self, size_t index, const struct construct_fault *fault)
{
    size_t begin = begin_of(self, index);
    self->listener.built(self->listener.context, &self->labels[index],
                         span_of(self->expected.bytes + begin, self->ends[index] - begin), fault);
}

/* Which response, from `first` on, holds the first byte that differs; the last one if only bytes
 * behind all of them do. */
static size_t find_faulty(const struct construct *self, size_t first, struct span reference,
                          struct span built)
{
    size_t at = begin_of(self, first) + compare_first_difference(reference, built);
    size_t index = first;
    while (index + 1 < self->count && self->ends[index] <= at) {
        index++;
    }
    return index;
}

/* The part of what was built that stands where response `index` has to. */
static struct span part_of(const struct construct *self, size_t first, size_t index,
                           struct span bytes)
{
    if (bytes.size == 0) {
        return bytes;
    }
    size_t begin = begin_of(self, index) - begin_of(self, first);
    size_t end = self->ends[index] - begin_of(self, first);
    begin = begin < bytes.size ? begin : bytes.size;
    end = index + 1 == self->count || end > bytes.size ? bytes.size : end;
    return span_of(bytes.data + begin, end - begin);
}

/* Builds one response alone. True: it is as it has to be; else tells of its fault. */
static bool check_alone(struct construct *self, size_t index, struct span reference)
{
    struct construct_fault fault = {.reference = reference,
                                    .after_death = self->tested.signal != 0 && self->dead};
    struct scratch copy = {0};
    fault.error = build(self, &self->tested, &self->responses[index], 1);
    fault.built = copy_built(&self->tested, &copy);
    fault.signal = self->tested.signal;
    bool right = fault.error == KVR_OK && fault.signal == 0 && span_equal(fault.built, reference);
    self->dead = fault.signal != 0;
    if (!right) {
        compare_frames(reference, fault.built, &no_masks, &fault.comparison);
        tell(self, index, &fault);
    }
    free(copy.bytes);
    return right;
}

/*
 * Something is wrong with the responses from `first` on. A fault shows best in the first response
 * that is wrong alone; some show in company only, and are told of where they show. Returns how many
 * have been told of.
 */
static size_t tell_faulty(struct construct *self, size_t first, struct span reference,
                          struct span built)
{
    size_t shown = find_faulty(self, first, reference, built);
    for (size_t i = first; i <= shown; i++) {
        if (!check_alone(self, i, part_of(self, first, i, reference))) {
            return i + 1 - first;
        }
        if (i < shown) {
            tell(self, i, NULL);
        }
    }
    struct construct_fault fault = {
        .reference = part_of(self, first, shown, reference),
        .built = part_of(self, first, shown, built),
    };
    compare_frames(fault.reference, fault.built, &no_masks, &fault.comparison);
    tell(self, shown, &fault);
    return shown + 1 - first;
}

/* Builds all from `first` on and tells of them up to the first that is wrong. Returns how many. */
static size_t build_from(struct construct *self, size_t first)
{
    size_t count = self->count - first;
    struct span reference = reference_from(self, first);
    enum kvr_error error = build(self, &self->tested, &self->responses[first], count);
    if (error == KVR_OK && self->tested.signal == 0 && reference.size > 0 &&
        memory_sink_equals(self->tested.sink, reference)) {
        for (size_t i = first; i < self->count; i++) {
            tell(self, i, NULL);
        }
        return count;
    }
    struct span built =
        error == KVR_OK ? copy_built(&self->tested, &self->built_copy) : span_of(NULL, 0);
    return tell_faulty(self, first, reference, built);
}

void construct_flush(struct construct *self)
{
    for (size_t first = 0; first < self->count;) {
        first += build_from(self, first);
    }
    self->count = 0;
    self->expected_size = 0;
}
