#include "check/construct.h"

#include "check/builder.h"
#include "response/from_frame.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH_MAX = 64,         /* responses */
    BATCH_ROOM = 64 * 1024, /* bytes; one response may be larger */
};

static const struct mask_list no_masks;

struct scratch {
    uint8_t *bytes;
    size_t room;
};

struct construct {
    struct construct_options options;
    struct construct_listener listener;
    struct builder tested;
    struct builder other; /* REFERENCE_WRITER only */
    bool incomplete;
    bool interrupted;
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

struct construct *construct_create(const struct construct_options *options,
                                   const struct construct_listener *listener)
{
    struct construct *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    self->options = *options;
    self->listener = *listener;
    uint64_t *seed = options->hostile ? &self->options.seed : NULL;
    if (!scratch_grow(&self->expected, BATCH_ROOM) ||
        !builder_init(&self->tested, options->writer, options->process, seed) ||
        (options->reference == REFERENCE_WRITER &&
         !builder_init(&self->other, options->reference_writer, NULL, seed))) {
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

/* Calls the tested writer. False: nothing can be said of this response, nor of others. */
static bool construct_build(struct construct *self, const struct builder_input *input,
                            struct construct_failure *failure)
{
    *failure = (struct construct_failure){.error = KVR_OK};
    switch (builder_build(&self->tested, input, &failure->error)) {
    case PLUGIN_DONE:
        return true;
    case PLUGIN_ENDED:
        failure->end = plugin_process_end_text(self->tested.process);
        return true;
    case PLUGIN_GIVEN_UP:
        failure->given_up = true;
        return true;
    case PLUGIN_INTERRUPTED:
        self->interrupted = true;
        return false;
    case PLUGIN_FAILED:
        break;
    }
    self->incomplete = true;
    return false;
}

bool construct_has_failed(const struct construct_failure *failure)
{
    return failure->error != KVR_OK || failure->end != NULL || failure->given_up;
}

void construct_describe_failure(const struct construct_failure *failure,
                                char text[DIFFERENCE_DETAIL_SIZE])
{
    if (failure->error != KVR_OK) {
        snprintf(text, DIFFERENCE_DETAIL_SIZE, "the writer refused the response: %s",
                 kvr_error_text(failure->error));
    } else if (failure->given_up) {
        snprintf(text, DIFFERENCE_DETAIL_SIZE, "the writer has been given up");
    } else if (failure->together > 0) {
        snprintf(text, DIFFERENCE_DETAIL_SIZE, "the writer failed with %zu responses at once: %s",
                 failure->together, failure->end);
    } else {
        snprintf(text, DIFFERENCE_DETAIL_SIZE, "the writer failed: %s", failure->end);
    }
}

/* Everything that was built, in one piece. Empty if there is no memory for it. */
static struct span copy_built(const struct builder *builder, struct scratch *scratch)
{
    size_t size = builder_size(builder);
    if (size == 0 || !scratch_grow(scratch, size)) {
        return span_of(NULL, 0);
    }
    return span_of(scratch->bytes, builder_copy(builder, scratch->bytes, size));
}

static void construct_describe(struct span bytes, struct kvr_response *response)
{
    struct mcbp_frame frame;
    mcbp_frame_parse(bytes, &frame);
    response_from_frame(&frame, response);
}

void construct_one(struct construct *self, struct span bytes, struct span *built,
                   struct construct_failure *failure)
{
    struct kvr_response response;
    construct_describe(bytes, &response);
    struct builder_input input = {.frames = bytes, .responses = &response, .count = 1};
    construct_flush(self);
    if (!construct_build(self, &input, failure) || failure->given_up) {
        *failure = (struct construct_failure){.error = KVR_OK};
        *built = bytes;
        return;
    }
    *built = construct_has_failed(failure) ? span_of(NULL, 0)
                                           : copy_built(&self->tested, &self->built_copy);
}

/* ------------------------------------------------------------------------------------ the batch */

struct construct_label *construct_add(struct construct *self, const struct mcbp_frame *frame)
{
    struct span bytes = frame->bytes;
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
    memcpy(copy, bytes.data, bytes.size);
    struct mcbp_frame copied = mcbp_frame_in_copy(frame, copy);
    response_from_frame(&copied, &self->responses[self->count]);
    self->expected_size += bytes.size;
    self->ends[self->count] = self->expected_size;
    struct construct_label *label = &self->labels[self->count++];
    label->header = frame->header;
    return label;
}

static size_t begin_of(const struct construct *self, size_t index)
{
    return index == 0 ? 0 : self->ends[index - 1];
}

/* `count` responses of the batch, from `first` on. */
static struct builder_input input_of(const struct construct *self, size_t first, size_t count)
{
    size_t begin = begin_of(self, first);
    return (struct builder_input){
        .frames = span_of(self->expected.bytes + begin, self->ends[first + count - 1] - begin),
        .responses = &self->responses[first],
        .count = count,
    };
}

/* What has to come out from response `first` on. */
static struct span reference_from(struct construct *self, const struct builder_input *input)
{
    enum kvr_error error = KVR_OK;
    if (self->options.reference != REFERENCE_WRITER) {
        return input->frames;
    }
    builder_build(&self->other, input, &error);
    return error == KVR_OK ? copy_built(&self->other, &self->other_copy) : span_of(NULL, 0);
}

static void tell(struct construct *self, size_t index, const struct construct_fault *fault)
{
    self->listener.built(self->listener.context, &self->labels[index], fault);
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

/* Tells of a response of which nothing was built. */
static void tell_failure(struct construct *self, size_t index,
                         const struct construct_failure *failure, struct span reference)
{
    struct construct_fault fault = {.failure = *failure, .reference = reference};
    tell(self, index, &fault);
}

/* Builds one response alone. True: it is as it has to be, and not reported; else it is, or there is
 * nothing to report. */
static bool check_alone(struct construct *self, size_t index, struct span reference)
{
    struct builder_input input = input_of(self, index, 1);
    struct construct_fault fault = {.reference = reference};
    if (!construct_build(self, &input, &fault.failure)) {
        return false;
    }
    if (construct_has_failed(&fault.failure)) {
        tell_failure(self, index, &fault.failure, reference);
        return false;
    }
    struct scratch copy = {0};
    fault.built = copy_built(&self->tested, &copy);
    bool right = span_equal(fault.built, reference);
    if (!right) {
        compare_frames(reference, fault.built, &no_masks, &fault.comparison);
        tell(self, index, &fault);
    }
    free(copy.bytes);
    return right;
}

/*
 * Something is wrong with the responses from `first` on, at the latest with `shown`. A fault shows
 * best in the first response that is wrong alone; what shows in company only is `last`, of
 * response `shown`. Returns how many have been reported.
 */
static size_t tell_faulty(struct construct *self, size_t first, size_t shown, struct span reference,
                          const struct construct_fault *last)
{
    for (size_t i = first; i <= shown; i++) {
        if (!check_alone(self, i, part_of(self, first, i, reference))) {
            return i + 1 - first;
        }
        if (i < shown) {
            tell(self, i, NULL);
        }
    }
    tell(self, shown, last);
    return shown + 1 - first;
}

/* The writer wrote something else. */
static size_t tell_different(struct construct *self, size_t first, struct span reference)
{
    struct span built = copy_built(&self->tested, &self->built_copy);
    size_t shown = find_faulty(self, first, reference, built);
    struct construct_fault last = {
        .reference = part_of(self, first, shown, reference),
        .built = part_of(self, first, shown, built),
    };
    compare_frames(last.reference, last.built, &no_masks, &last.comparison);
    return tell_faulty(self, first, shown, reference, &last);
}

/* The writer wrote nothing: it refused, or its process ended, and there is no knowing where. */
static size_t tell_failed(struct construct *self, size_t first, struct span reference,
                          const struct construct_failure *failure)
{
    size_t count = self->count - first;
    if (failure->given_up) {
        for (size_t i = first; i < self->count; i++) {
            tell_failure(self, i, failure, part_of(self, first, i, reference));
        }
        return count;
    }
    if (count == 1) {
        tell_failure(self, first, failure, reference);
        return 1;
    }
    char end[CHILD_END_TEXT_SIZE];
    struct construct_fault last = {.failure = *failure,
                                   .reference = part_of(self, first, self->count - 1, reference)};
    if (failure->end != NULL) { /* which the next call may overwrite */
        snprintf(end, sizeof(end), "%s", failure->end);
        last.failure.end = end;
    }
    last.failure.together = count;
    return tell_faulty(self, first, self->count - 1, reference, &last);
}

/* Builds all from `first` on and reports them up to the first that is wrong. Returns how many are
 * done with. */
static size_t build_from(struct construct *self, size_t first)
{
    struct builder_input input = input_of(self, first, self->count - first);
    struct span reference = reference_from(self, &input);
    struct construct_failure failure;
    if (!construct_build(self, &input, &failure)) {
        return input.count;
    }
    if (construct_has_failed(&failure)) {
        return tell_failed(self, first, reference, &failure);
    }
    if (reference.size == 0 || !builder_equals(&self->tested, reference)) {
        return tell_different(self, first, reference);
    }
    for (size_t i = first; i < self->count; i++) {
        tell(self, i, NULL);
    }
    return input.count;
}

void construct_flush(struct construct *self)
{
    for (size_t first = 0; first < self->count;) {
        first += build_from(self, first);
    }
    self->count = 0;
    self->expected_size = 0;
}

bool construct_is_incomplete(const struct construct *self)
{
    return self->incomplete;
}

bool construct_is_interrupted(const struct construct *self)
{
    return self->interrupted;
}

bool construct_finish(struct construct *self, char problem[DIFFERENCE_DETAIL_SIZE])
{
    struct plugin_process *process = self->tested.process;
    if (process == NULL) {
        return false;
    }
    construct_flush(self);
    if (plugin_process_finish(process) == PLUGIN_ENDED) {
        snprintf(problem, DIFFERENCE_DETAIL_SIZE, "the writer failed when it was destroyed: %s",
                 plugin_process_end_text(process));
        return true;
    }
    return false;
}
