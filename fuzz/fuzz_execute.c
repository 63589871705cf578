/*
 * A stream of requests to the store. 8 bytes come before it: options, the item size limit in units
 * of 16 bytes, seconds between requests, and how the stream is cut (4 bytes). A request that is
 * not quiet has one answer, one that is quiet has none unless it says something; answers are
 * frames; the stream cut anywhere gives the same answers; what is deleted is gone from the
 * accounts.
 */
#include "engine/engine.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "target.h"

#include <stdlib.h>

enum { CUTS = 4, ANSWERS_MAX = 1 << 20, REQUESTS_MAX = 512, OWN_CAS = 1, UNDO = 2 };

static const int64_t BEGIN = 1700000000;

void fuzz_begin(void)
{
}

struct play {
    struct engine *engine;
    uint8_t options;
    uint8_t seconds;
    unsigned requests;
    struct span keys[REQUESTS_MAX];
    size_t keys_count;
    uint64_t answers; /* a checksum of all that was answered */
};

UNCOUNTED static bool is_quiet(uint8_t opcode)
{
    return opcode == MCBP_GETQ || opcode == MCBP_GETKQ || opcode == MCBP_GATQ ||
           opcode == MCBP_GATKQ || (opcode >= MCBP_SETQ && opcode <= MCBP_PREPENDQ);
}

UNCOUNTED static bool is_quiet_get(uint8_t opcode)
{
    return opcode == MCBP_GETQ || opcode == MCBP_GETKQ || opcode == MCBP_GATQ ||
           opcode == MCBP_GATKQ;
}

UNCOUNTED static void add_answers(uint64_t *sum, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        *sum = (*sum ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    }
    *sum = (*sum ^ bytes.size) * UINT64_C(0x100000001b3);
}

/* One response as bytes, and these read again. */
UNCOUNTED static void check_response(const struct mcbp_header *request,
                                     const struct kvr_response *response, uint64_t *sum)
{
    static uint8_t bytes[ANSWERS_MAX];
    struct mcbp_frame frame;
    size_t size = 0;
    CHECK(kvr_encode_flat(response, bytes, sizeof(bytes), &size) == KVR_OK);
    CHECK(mcbp_frame_parse(span_of(bytes, size), &frame) == MCBP_FRAME && frame.bytes.size == size);
    CHECK(frame.header.magic == MCBP_CLIENT_RESPONSE && frame.header.opcode == request->opcode);
    CHECK(frame.header.opaque == request->opaque && frame.header.framing_extras_length == 0);
    add_answers(sum, span_of(bytes, size));
}

UNCOUNTED static void check_answer(const struct mcbp_header *request,
                                   const struct engine_answer *answer, uint64_t *sum)
{
    uint8_t opcode = request->opcode;
    CHECK((answer->verdict == ENGINE_SILENT) == (answer->count == 0));
    CHECK(answer->count <= 1 || opcode == MCBP_STAT);
    CHECK(answer->overread == 0 || answer->unread == 0);
    CHECK(answer->unread <= request->body_length);
    for (size_t i = 0; i < answer->count; i++) {
        uint16_t status = answer->responses[i].status;
        check_response(request, &answer->responses[i], sum);
        if (is_quiet(opcode)) { /* of success only a quiet get tells, of a miss it does not */
            CHECK(status != MCBP_STATUS_SUCCESS || is_quiet_get(opcode));
            CHECK(status != MCBP_STATUS_KEY_NOT_FOUND || !is_quiet_get(opcode));
        }
    }
    if (!is_quiet(opcode) && !answer->close) {
        CHECK(answer->count >= 1);
    }
}

UNCOUNTED static uint64_t execute(struct play *play, const struct mcbp_frame *frame,
                                  bool bad_lengths, struct engine_answer *answer)
{
    struct engine_request request = {
        .frame = frame,
        .bad_lengths = bad_lengths,
        .now = BEGIN + (int64_t)play->requests * play->seconds,
        .cas = play->requests + 1,
    };
    uint64_t sum = 0;
    engine_execute(play->engine, &request, answer);
    check_answer(&frame->header, answer, &sum);
    add_answers(&sum, span_of(&answer->close, sizeof(answer->close)));
    return sum;
}

static bool is_flush(uint8_t opcode)
{
    return opcode == MCBP_FLUSH || opcode == MCBP_FLUSHQ;
}

/* One request, and if so wished, taken back and executed again: the answer is the same. */
static void run_request(struct play *play, const struct mcbp_frame *frame, bool bad_lengths,
                        struct engine_answer *answer)
{
    uint64_t sum = execute(play, frame, bad_lengths, answer);
    if ((play->options & UNDO) != 0 && !is_flush(frame->header.opcode)) {
        engine_undo(play->engine);
        CHECK(execute(play, frame, bad_lengths, answer) == sum);
    }
    add_answers(&play->answers, span_of(&sum, sizeof(sum)));
    play->requests++;
    if (!bad_lengths && frame->key.size > 0) {
        play->keys[play->keys_count++] = frame->key;
    }
}

/* The next request in what has arrived; returns the bytes that it takes up, 0: there is none. */
static size_t next_request(struct play *play, struct span arrived, bool *over)
{
    static const struct mcbp_frame nothing;
    struct mcbp_frame frame = nothing;
    struct engine_answer answer;
    enum mcbp_parse parse = mcbp_frame_parse(arrived, &frame);
    if (parse == MCBP_NEED_MORE) {
        return 0;
    }
    *over = parse == MCBP_BAD_MAGIC || play->requests == REQUESTS_MAX;
    if (*over) {
        return 0;
    }
    bool bad = parse == MCBP_BAD_LENGTHS;
    if (bad) {
        frame.bytes = span_head(arrived, MCBP_HEADER_SIZE);
        frame.framing_extras = frame.extras = frame.key = frame.value = span_of(NULL, 0);
    }
    run_request(play, &frame, bad, &answer);
    *over = answer.close;
    return bad ? MCBP_HEADER_SIZE : frame.bytes.size - answer.unread;
}

/* Plays the stream as it comes through the cuts. */
static void run_stream(struct play *play, struct span stream, struct span cuts)
{
    size_t arrived = 0;
    size_t piece = 0;
    bool over = false;
    while (!over && arrived < stream.size) {
        size_t size = cuts.size == 0 ? SIZE_MAX : cuts.data[piece++ % cuts.size] + 1u;
        arrived += size < stream.size - arrived ? size : stream.size - arrived;
        size_t used;
        while (!over && (used = next_request(play, span_head(stream, arrived), &over)) > 0) {
            stream = span_skip(stream, used);
            arrived -= used;
        }
    }
}

/* Deletes every key that was ever used: nothing may be left. */
UNCOUNTED static void check_accounts(struct play *play)
{
    CHECK(engine_item_count(play->engine) <= play->keys_count);
    for (size_t i = 0; i < play->keys_count; i++) {
        struct mcbp_frame frame = {.header = {.magic = MCBP_CLIENT_REQUEST, .opcode = MCBP_DELETE},
                                   .key = play->keys[i]};
        struct engine_answer answer;
        if (frame.key.size <= 250) {
            frame.header.key_length = (uint16_t)frame.key.size;
            frame.header.body_length = frame.header.key_length;
            execute(play, &frame, false, &answer);
        }
    }
    CHECK(engine_item_count(play->engine) == 0);
}

static uint64_t run_play(const struct engine_options *options, uint8_t flags, uint8_t seconds,
                         struct span stream, struct span cuts)
{
    struct play play = {
        .engine = engine_create(options), .options = flags, .seconds = seconds, .requests = 0};
    CHECK(play.engine != NULL);
    run_stream(&play, stream, cuts);
    check_accounts(&play);
    engine_destroy(play.engine);
    return play.answers;
}

void fuzz_target(const uint8_t *data, size_t size)
{
    struct span stream = span_of(data, size);
    uint8_t flags = take_8(&stream);
    struct engine_options options = {
        .item_size_max = take_16(&stream) * (size_t)16,
        .own_cas = (flags & OWN_CAS) != 0,
    };
    uint8_t seconds = take_8(&stream);
    struct span cuts = take(&stream, CUTS);
    uint64_t cut = run_play(&options, flags, seconds, stream, cuts);
    uint64_t at_once =
        run_play(&options, flags & (uint8_t)~UNDO, seconds, stream, span_of(NULL, 0));
    CHECK(cut == at_once);
}
