/*
 * The mix of a capture: the runs of frames that its servers sent, as a sample of bounded size in
 * which each run is as likely as any other.
 */
#include "bench/mix.h"
#include "response/encode.h"
#include "response/from_frame.h"

#include <stdlib.h>

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
    if (run->count == run->room) {
        size_t room = run->room == 0 ? 1 : 2 * run->room;
        struct kvr_response *grown = reallocarray(run->responses, room, sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        run->responses = grown;
        run->room = room;
    }
    struct kvr_response *response = &run->responses[run->count++];
    response_from_frame(frame, response);
    response->framing_extras = response->extras = response->key = response->value = NULL;
    run->bytes += frame->bytes.size;
    return true;
}

static void on_frame(void *context, struct dissect_conversation *conversation,
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

static void on_lost(void *context, struct dissect_conversation *conversation,
                    enum dissect_role role)
{
    (void)role;
    if (conversation->user != NULL) {
        run_end(context, conversation->user);
    }
}

static void on_closed(void *context, struct dissect_conversation *conversation)
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

/* Takes over what dissecting came to, or finds that the sample is no use. */
static enum verify_status conclude(struct mix *mix, const struct sampling *self,
                                   struct capture_result *result, char **problem)
{
    enum verify_status status = result->status;
    const char *found = result->problem;
    if (status == VERIFY_IDENTICAL && self->no_memory) {
        status = VERIFY_INTERNAL;
        found = "out of memory";
    } else if (status == VERIFY_IDENTICAL && self->kept == 0) {
        status = VERIFY_NO_EVIDENCE;
        found = "no server sent a frame over TCP in it";
    } else if (status == VERIFY_IDENTICAL && !mix_of_sample(mix, self)) {
        status = VERIFY_INTERNAL;
        found = "out of memory";
    }
    if (status != VERIFY_IDENTICAL) {
        *problem = strdup(found);
    }
    return status;
}

enum verify_status mix_init_capture(struct mix *mix, const char *path,
                                    const struct dissect_options *options, uint64_t seed,
                                    char **problem)
{
    *mix = (struct mix){0};
    *problem = NULL;
    struct sampling *self = calloc(1, sizeof(*self));
    struct capture_result *result = calloc(1, sizeof(*result));
    enum verify_status status = VERIFY_INTERNAL;
    if (self != NULL && result != NULL) {
        struct dissect_consumer consumer = {
            .context = self, .frame = on_frame, .lost = on_lost, .closed = on_closed};
        self->random = seed;
        dissect_capture(path, options, &consumer, result);
        status = conclude(mix, self, result, problem);
        for (size_t i = 0; i < self->kept; i++) {
            free(self->runs[i].responses);
        }
        free(result->problem);
    }
    free(result);
    free(self);
    return status;
}
