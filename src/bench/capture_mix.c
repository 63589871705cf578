/*
 * The mix of a capture, or of a folder of them: the runs of frames that its servers sent, as a
 * sample of bounded size in which each run is as likely as any other.
 */
#include "base/array.h"
#include "bench/mix.h"
#include "capture/files.h"
#include "response/encode.h"
#include "response/from_frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Frames of one server with none of the client's between them. */
struct run {
    struct kvr_response *responses;
    size_t count;
    size_t room;
    size_t bytes;
};

struct sampling {
    struct run runs[MIX_BATCHES_MAX];
    size_t kept;
    uint64_t seen;
    uint64_t random;
    bool no_memory;
};

/* Gives the run a place in the sample, or none (Vitter's algorithm R). The run is empty then. */
static void run_end(struct sampling *self, struct run *run)
{
    if (run->count == 0) {
        return;
    }
    self->seen++;
    size_t place = self->kept;
    if (place == MIX_BATCHES_MAX) {
        place = (size_t)(mix_random(&self->random) % self->seen);
    } else {
        self->kept++;
    }
    if (place < MIX_BATCHES_MAX) {
        free(self->runs[place].responses);
        self->runs[place] = *run;
    } else {
        free(run->responses);
    }
    *run = (struct run){0};
}

static bool run_add(struct run *run, const struct mcbp_frame *frame)
{
    struct kvr_response *grown = array_grow(run->responses, sizeof(*grown), run->count, &run->room);
    if (grown == NULL) {
        return false;
    }
    run->responses = grown;
    struct kvr_response *response = &run->responses[run->count++];
    response_from_frame(frame, response);
    response->framing_extras = response->extras = response->key = response->value = NULL;
    run->bytes += frame->bytes.size;
    return true;
}

static void capture_mix_on_frame(void *context, struct dissect_conversation *conversation,
                                 const struct dissect_frame *frame)
{
    struct sampling *self = context;
    if (conversation->protocol != NET_TCP || frame->bad_lengths) {
        return; /* a datagram is a message of its own */
    }
    if (conversation->user == NULL) {
        conversation->user = calloc(1, sizeof(struct run));
    }
    struct run *run = conversation->user;
    if (run == NULL) {
        self->no_memory = true;
    } else if (frame->role == FROM_CLIENT) {
        run_end(self, run);
    } else {
        if (run->count == MIX_DEPTH_MAX || run->bytes >= MIX_BATCH_BYTES) {
            run_end(self, run);
        }
        self->no_memory |= !run_add(run, &frame->frame);
    }
}

static void capture_mix_on_lost(void *context, struct dissect_conversation *conversation,
                                enum dissect_role role, uint64_t missing)
{
    (void)role;
    (void)missing;
    if (conversation->user != NULL) {
        run_end(context, conversation->user);
    }
}

static void capture_mix_on_closed(void *context, struct dissect_conversation *conversation)
{
    if (conversation->user != NULL) {
        run_end(context, conversation->user);
        free(conversation->user);
        conversation->user = NULL;
    }
}

/* How many runs fit into a round of bounded size, and the responses in them. */
static size_t fitting(const struct sampling *self, size_t *responses)
{
    size_t bytes = 0;
    size_t count = 0;
    *responses = 0;
    while (count < self->kept && (count == 0 || self->runs[count].bytes <= MIX_BYTES_MAX - bytes)) {
        bytes += self->runs[count].bytes;
        *responses += self->runs[count].count;
        count++;
    }
    return count;
}

static bool mix_of_sample(struct mix *mix, const struct sampling *self)
{
    mix->batches_seen = self->seen;
    mix->batches_count = fitting(self, &mix->responses_count);
    mix->responses = calloc(mix->responses_count, sizeof(*mix->responses));
    mix->depths = calloc(mix->batches_count, sizeof(*mix->depths));
    if (mix->responses == NULL || mix->depths == NULL) {
        return false;
    }
    size_t done = 0;
    for (size_t i = 0; i < mix->batches_count; i++) {
        const struct run *run = &self->runs[i];
        memcpy(mix->responses + done, run->responses, run->count * sizeof(*run->responses));
        mix->depths[i] = run->count;
        done += run->count;
    }
    return true;
}

static enum verify_status capture_mix_fail(char **problem, enum verify_status status,
                                           const char *path, const char *reason)
{
    bool named = strncmp(reason, path, strlen(path)) == 0;
    if (asprintf(problem, "%s%s%s", named ? "" : path, named ? "" : ": ", reason) < 0) {
        *problem = NULL;
    }
    return status;
}

/* Adds one capture's runs to the sample. */
static enum verify_status sample_file(struct sampling *self, const char *path,
                                      const struct dissect_options *options, char **problem)
{
    struct capture_result *result = calloc(1, sizeof(*result));
    if (result == NULL) {
        return capture_mix_fail(problem, VERIFY_INTERNAL, path, strerror(ENOMEM));
    }
    struct dissect_consumer consumer = {.context = self,
                                        .frame = capture_mix_on_frame,
                                        .lost = capture_mix_on_lost,
                                        .closed = capture_mix_on_closed};
    dissect_capture(path, options, &consumer, result);
    enum verify_status status = result->status;
    if (status != VERIFY_IDENTICAL) {
        capture_mix_fail(problem, status, path,
                         result->problem != NULL ? result->problem : strerror(ENOMEM));
    } else if (self->no_memory) {
        status = capture_mix_fail(problem, VERIFY_INTERNAL, path, strerror(ENOMEM));
    }
    capture_result_deinit(result);
    free(result);
    return status;
}

static enum verify_status sample_files(struct sampling *self, const char *path,
                                       const struct dissect_options *options, char **problem)
{
    struct capture_files files = {0};
    enum verify_status status = VERIFY_IDENTICAL;
    if (capture_files_add(&files, path) == CAPTURE_FILES_UNREADABLE) {
        status = capture_mix_fail(problem, VERIFY_UNREADABLE, path, strerror(errno));
    }
    for (size_t i = 0; i < files.count && status == VERIFY_IDENTICAL; i++) {
        const struct capture_file *file = &files.files[i];
        status = file->problem == NULL
                     ? sample_file(self, file->path, options, problem)
                     : capture_mix_fail(problem, VERIFY_UNREADABLE, file->path, file->problem);
    }
    capture_files_deinit(&files);
    return status;
}

enum verify_status mix_init_capture(struct mix *mix, const char *path,
                                    const struct dissect_options *options, uint64_t seed,
                                    char **problem)
{
    *mix = (struct mix){0};
    *problem = NULL;
    struct sampling *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return capture_mix_fail(problem, VERIFY_INTERNAL, path, strerror(ENOMEM));
    }
    self->random = seed;
    enum verify_status status = sample_files(self, path, options, problem);
    if (status == VERIFY_IDENTICAL && self->kept == 0) {
        status = capture_mix_fail(problem, VERIFY_NO_EVIDENCE, path,
                                  "no frame that a server sent over TCP");
    } else if (status == VERIFY_IDENTICAL && !mix_of_sample(mix, self)) {
        mix_deinit(mix);
        status = capture_mix_fail(problem, VERIFY_INTERNAL, path, strerror(ENOMEM));
    }
    for (size_t i = 0; i < self->kept; i++) {
        free(self->runs[i].responses);
    }
    free(self);
    return status;
}
