/*
 * A capture through anonymise. What it refuses it refuses with a reason. Otherwise the output is as
 * long, verify comes to the same verdict and the same counts, its frames are those of the input
 * with nothing in them that is not on the list of what is kept (kept.h), and in no packet does
 * anything survive but frames and headers. The list is read, and packets and frames are found, by
 * others than anonymise: verify's own walk, and kept.c.
 */
#include "anonymise/anonymise.h"
#include "capture/capture.h"
#include "kept.h"
#include "memory_file.h"
#include "net/decode.h"
#include "replay/verify.h"
#include "target.h"

#include <stdlib.h>

enum { FRAGMENT_BYTES_MAX = 1 << 20 };

static struct memory_file before_file, after_file;
static struct verify_result before_result, after_result; /* made once */

void fuzz_begin(void)
{
    CHECK(verify_result_init(&before_result, 1, 0, 0));
    CHECK(verify_result_init(&after_result, 1, 0, 0));
}

/* ------------------------------------------------------------------------------- the verdict */

static void forget(struct verify_result *result)
{
    capture_result_deinit(&result->captures[0]);
    result->captures[0] = (struct capture_result){0};
    result->captures_count = 0;
}

static void judge(const char *path, struct verify_result *result)
{
    struct verify_options options;
    verify_options_init(&options);
    options.dissect.held_bytes_max = 1 << 20;
    verify_capture(path, &options, result);
}

UNCOUNTED static void check_verdict(const struct capture_result *before,
                                    const struct capture_result *after, bool executed_alike)
{
    CHECK(before->packets == after->packets && before->connections == after->connections);
    CHECK(before->client_frames == after->client_frames);
    CHECK(before->server_frames == after->server_frames);
    CHECK(before->ledger.total == after->ledger.total);
    CHECK(before->ledger.lost == after->ledger.lost);
    CHECK(before->ledger.duplicate == after->ledger.duplicate);
    CHECK(before->ledger.contradicting == after->ledger.contradicting);
    CHECK(before->rebuilt.compared == after->rebuilt.compared);
    CHECK(before->rebuilt.different == after->rebuilt.different);
    CHECK(before->executed.malformed == after->executed.malformed);
    CHECK(!executed_alike || before->status == after->status);
}

/* -------------------------------------------------------------------------------- the frames */

struct frames {
    struct mcbp_frame *frames; /* in copies of their bytes */
    size_t count;
    size_t room;
    /* Some are of Couchbase's dialect, in a conversation without its beginning: with other keys in
     * the same vbuckets it can't be told whether keys begin with a collection. */
    bool collections_unknown;
};

static bool is_couchbases(const struct mcbp_header *header)
{
    enum { FIRST_OPCODE = 0x80 };
    bool request = !mcbp_magic_is_response(header->magic);
    return mcbp_magic_is_flex(header->magic) || header->magic == MCBP_SERVER_REQUEST ||
           header->magic == MCBP_SERVER_RESPONSE || header->opcode >= FIRST_OPCODE ||
           header->extras_length == 16 ||
           (request && (header->datatype != 0 || header->vbucket_or_status != 0));
}

static void keep_frame(void *context, struct dissect_conversation *conversation,
                       const struct dissect_frame *frame)
{
    struct frames *self = context;
    self->collections_unknown |= !conversation->from_start && is_couchbases(&frame->frame.header);
    if (self->count == self->room) {
        self->room = self->room == 0 ? 64 : 2 * self->room;
        self->frames = reallocarray(self->frames, self->room, sizeof(*self->frames));
        CHECK(self->frames != NULL);
    }
    size_t size = frame->frame.bytes.size;
    uint8_t *copy = malloc(size);
    CHECK(copy != NULL);
    memcpy(copy, frame->frame.bytes.data, size);
    self->frames[self->count] = mcbp_frame_in_copy(&frame->frame, copy);
    self->count++;
}

static struct frames frames_of(const char *path)
{
    struct frames frames = {0};
    struct dissect_options options;
    struct dissect_consumer consumer = {.context = &frames, .frame = keep_frame};
    struct capture_result *result = calloc(1, sizeof(*result));
    CHECK(result != NULL);
    dissect_options_init(&options);
    dissect_capture(path, &options, &consumer, result);
    capture_result_deinit(result);
    free(result);
    return frames;
}

static void frames_deinit(struct frames *frames)
{
    for (size_t i = 0; i < frames->count; i++) {
        free((void *)(uintptr_t)frames->frames[i].bytes.data);
    }
    free(frames->frames);
}

UNCOUNTED static void check_frames(const struct frames *before, const struct frames *after)
{
    CHECK(before->count == after->count);
    for (size_t i = 0; i < before->count; i++) {
        const struct mcbp_frame *a = &before->frames[i];
        const struct mcbp_frame *b = &after->frames[i];
        CHECK(a->bytes.size == b->bytes.size);
        CHECK(memcmp(a->bytes.data, b->bytes.data, MCBP_HEADER_SIZE) == 0);
        CHECK(kept_is_anonymous(a, b));
    }
}

/* ------------------------------------------------------------------------------- the packets */

struct reader {
    struct capture *capture;
    struct net_decoder *decoder;
    struct net_packet packet;
    struct net_segment segment;
    enum capture_next next;
};

static struct reader reader_open(const char *path)
{
    struct reader self = {0};
    struct capture_options options = {.filter = NULL};
    struct net_decoder_options decoder = {.fragment_bytes_max = FRAGMENT_BYTES_MAX};
    char message[CAPTURE_MESSAGE_SIZE];
    CHECK(capture_open(path, &options, &self.capture, message) == CAPTURE_OPEN);
    self.decoder = net_decoder_create(&decoder);
    CHECK(self.decoder != NULL);
    return self;
}

/* Whether the next packet holds a segment or datagram, or completes one. */
static bool reader_next(struct reader *self)
{
    uint32_t cut;
    self->next = capture_next(self->capture, &self->packet);
    return self->next == CAPTURE_PACKET &&
           net_decode(self->decoder, &self->packet, &self->segment, &cut) == NET_SEGMENT;
}

static void reader_close(struct reader *self)
{
    net_decoder_destroy(self->decoder);
    capture_close(self->capture);
}

/* Whether any frame holds the bytes; those of the output are as good as those of the input. */
UNCOUNTED static bool are_framed(const struct frames *frames, struct span bytes)
{
    for (size_t i = 0; i < frames->count; i++) {
        struct span whole = frames->frames[i].bytes;
        if (memmem(whole.data, whole.size, bytes.data, bytes.size) != NULL) {
            return true;
        }
    }
    return false;
}

/* Where a header may be: of a frame that is not whole, at the beginning of the payload (which may
 * be the end of one) or behind any byte that one begins with. */
UNCOUNTED static bool may_be_header(struct span payload, size_t from)
{
    if (from < MCBP_HEADER_SIZE + SURVIVOR_MIN) {
        return true;
    }
    for (size_t i = from - MCBP_HEADER_SIZE; i < from + SURVIVOR_MIN; i++) {
        if (mcbp_magic_is_known(payload.data[i])) {
            return true;
        }
    }
    return false;
}

/* Survivors of which neither explains why. */
UNCOUNTED static uint64_t count_strange(struct span before, struct span after,
                                        const struct frames *frames)
{
    uint64_t strange = 0;
    CHECK(before.size == after.size);
    for (size_t i = 0; i + SURVIVOR_MIN <= before.size; i++) {
        struct span one = span_of(before.data + i, SURVIVOR_MIN);
        if (kept_survives(one, span_of(after.data + i, SURVIVOR_MIN))) {
            strange += !may_be_header(before, i) && !are_framed(frames, one);
        }
    }
    return strange;
}

/* A header may come in several packets, and what comes again may differ: then no more is strange
 * than anonymise says it has kept outside of frames. */
UNCOUNTED static void check_packets(const char *before_path, const char *after_path,
                                    const struct frames *frames, uint64_t kept)
{
    uint64_t strange = 0;
    struct reader before = reader_open(before_path);
    struct reader after = reader_open(after_path);
    do {
        bool segment = reader_next(&before);
        CHECK(reader_next(&after) == segment && before.next == after.next);
        if (segment) {
            CHECK(before.segment.protocol == after.segment.protocol);
            CHECK(before.segment.sequence == after.segment.sequence);
            strange += count_strange(before.segment.payload, after.segment.payload, frames);
        }
    } while (before.next == CAPTURE_PACKET);
    CHECK(strange <= kept);
    reader_close(&before);
    reader_close(&after);
}

/* ------------------------------------------------------------------------------------------- */

static void check_output(const char *before_path, struct span output, uint64_t kept,
                         bool same_verdict)
{
    const char *after_path = memory_file_open(&after_file, output);
    struct frames before = frames_of(before_path);
    struct frames after = frames_of(after_path);
    check_frames(&before, &after);
    check_packets(before_path, after_path, &after, kept);
    bool executed_alike = !before.collections_unknown;
    frames_deinit(&before);
    frames_deinit(&after);
    judge(before_path, &before_result);
    judge(after_path, &after_result);
    if (same_verdict) {
        check_verdict(&before_result.captures[0], &after_result.captures[0], executed_alike);
    }
    forget(&before_result);
    forget(&after_result);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    static const uint8_t secret[] = "as random as anything that is given out with the sources";
    struct span file = span_of(data, size);
    struct anonymise_options options = {
        .input = memory_file_open(&before_file, file),
        .secret = span_of(secret, sizeof(secret)),
        .replace_counters = size % 4 == 3,
    };
    struct anonymise_result result;
    char message[ANONYMISE_MESSAGE_SIZE] = "";
    uint8_t *output = calloc(1, size > 0 ? size : 1);
    CHECK(output != NULL);
    enum verify_status status = anonymise_in_memory(&options, file, output, &result, message);
    CHECK(status == VERIFY_IDENTICAL || status == VERIFY_UNREADABLE);
    if (status == VERIFY_IDENTICAL) {
        check_output(options.input, span_of(output, size), result.ledger.harmless,
                     !options.replace_counters);
    } else {
        CHECK(strlen(message) > 0);
    }
    free(output);
}
