/*
 * A stream of requests to a Couchbase node, of a client that has logged in. 8 bytes come before it:
 * the features that it has asked for (6 bytes, one bit each), seconds between requests, and memory
 * for documents in KiB (0: no limit). A request that is not quiet has one answer unless the
 * connection ends; answers are frames with the opcode and opaque of their request; CAS and sequence
 * number of changes rise in each vbucket; errors have neither.
 */
#include "couchbase/couchbase.h"
#include "couchbase/with_meta.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/token.h"
#include "target.h"

#include <stdlib.h>

enum { FEATURES = 48, VBUCKETS = 2, REQUESTS_MAX = 256, ANSWER_MAX = 8 << 20, DATATYPES = 7 };

static const int64_t BEGIN = 1700000000;

struct play {
    struct couchbase_node *node;
    struct couchbase_session *session;
    struct couchbase_answer answer;
    int64_t now; /* seconds */
    uint64_t seqnos[VBUCKETS];
    uint64_t cas[VBUCKETS]; /* of the last change */
};

static uint8_t *encoded;

void fuzz_begin(void)
{
    encoded = malloc(ANSWER_MAX);
    CHECK(encoded != NULL);
}

/* Statuses that are no errors, or whose answers have results beside them. */
UNCOUNTED static bool may_have_cas(uint16_t status)
{
    return status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED ||
           status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE ||
           status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED;
}

UNCOUNTED static bool may_have_extras(uint16_t status)
{
    return status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED ||
           status == MCBP_STATUS_RANGE_SCAN_MORE || status == MCBP_STATUS_RANGE_SCAN_COMPLETE;
}

UNCOUNTED static void check_form(const struct mcbp_header *request,
                                 const struct kvr_response *response)
{
    struct mcbp_frame frame;
    size_t size = 0;
    CHECK(kvr_encode_flat(response, encoded, ANSWER_MAX, &size) == KVR_OK);
    CHECK(mcbp_frame_parse(span_of(encoded, size), &frame) == MCBP_FRAME);
    CHECK(frame.bytes.size == size && frame.header.opcode == request->opcode);
    CHECK(frame.header.opaque == request->opaque && frame.header.datatype <= DATATYPES);
    CHECK(frame.header.magic == MCBP_CLIENT_RESPONSE ||
          (frame.header.magic == MCBP_FLEX_CLIENT_RESPONSE && frame.framing_extras.size == 3));
    CHECK(frame.header.cas == 0 || may_have_cas(frame.header.vbucket_or_status));
    CHECK(frame.extras.size == 0 || may_have_extras(frame.header.vbucket_or_status));
}

/* A change tells its token; and its CAS, unless it brings one. */
UNCOUNTED static void check_token(struct play *play, const struct mcbp_header *request,
                                  const struct kvr_response *response)
{
    struct mcbp_token token;
    struct span extras = span_of(response->extras, response->extras_size);
    if (!mcbp_token_read(request->opcode, extras, &token)) {
        return;
    }
    uint16_t vbucket = request->vbucket_or_status;
    CHECK(vbucket < VBUCKETS && token.seqno > play->seqnos[vbucket]);
    play->seqnos[vbucket] = token.seqno;
    if (!with_meta_brings(request->opcode)) {
        CHECK(response->cas > play->cas[vbucket]);
        play->cas[vbucket] = response->cas;
    }
}

UNCOUNTED static void check_answer(struct play *play, const struct mcbp_header *request)
{
    const struct couchbase_answer *answer = &play->answer;
    bool quiet = mcbp_opcode_is_quiet(request->opcode);
    bool has_rows = request->opcode == MCBP_STAT;
    CHECK(answer->count >= 1 || quiet || answer->close);
    CHECK((answer->count <= 1 && !answer->more) || has_rows);
    for (size_t i = 0; i < answer->count; i++) {
        check_form(request, &answer->responses[i]);
        check_token(play, request, &answer->responses[i]);
    }
}

/* False: the connection is over. */
static bool execute(struct play *play, struct span bytes, size_t *used)
{
    struct mcbp_frame frame;
    *used = 0;
    if (mcbp_frame_parse(bytes, &frame) != MCBP_FRAME ||
        (frame.header.magic != MCBP_CLIENT_REQUEST &&
         frame.header.magic != MCBP_FLEX_CLIENT_REQUEST) ||
        frame.header.body_length > couchbase_session_frame_max(play->session)) {
        return false;
    }
    struct couchbase_request request = {.frame = &frame, .now = play->now * 1000000000};
    do {
        couchbase_execute(play->node, play->session, &request, &play->answer);
        check_answer(play, &frame.header);
    } while (play->answer.more);
    *used = frame.bytes.size;
    return !play->answer.close;
}

static void ask(struct play *play, uint8_t opcode, struct span key, struct span value)
{
    uint8_t bytes[MCBP_HEADER_SIZE + 2 * FEATURES] = {MCBP_CLIENT_REQUEST, opcode};
    size_t used;
    bytes[3] = (uint8_t)key.size;
    bytes[11] = (uint8_t)(key.size + value.size);
    memcpy(bytes + MCBP_HEADER_SIZE, key.data, key.size);
    memcpy(bytes + MCBP_HEADER_SIZE + key.size, value.data, value.size);
    execute(play, span_of(bytes, MCBP_HEADER_SIZE + key.size + value.size), &used);
}

static void log_in(struct play *play, struct span features)
{
    uint8_t list[2 * FEATURES];
    size_t size = 0;
    for (unsigned i = 0; i < 8 * features.size; i++) {
        if ((features.data[i / 8] >> (i % 8) & 1) != 0) {
            write_be16(list + size, (uint16_t)i);
            size += 2;
        }
    }
    ask(play, MCBP_HELLO, span_of("", 0), span_of(list, size));
    ask(play, MCBP_SASL_AUTH, span_of("PLAIN", 5), span_of("x", 1));
    ask(play, MCBP_SELECT_BUCKET, span_of("b", 1), span_of("", 0));
}

void fuzz_target(const uint8_t *data, size_t size)
{
    static const struct couchbase_collection collections[] = {{"s", "c"}};
    struct span input = span_of(data, size);
    struct span features = take(&input, FEATURES / 8);
    struct span limits = take(&input, 2);
    const struct couchbase_options options = {
        .bucket = "b",
        .vbuckets = VBUCKETS,
        .memory_max = limits.size < 2 ? 0 : (size_t)limits.data[1] << 10,
        .collections = collections,
        .collections_count = 1,
    };
    struct play play = {.node = couchbase_node_create(&options), .now = BEGIN};
    CHECK(play.node != NULL);
    play.session = couchbase_session_create(play.node);
    CHECK(play.session != NULL);
    log_in(&play, features);
    size_t used = 0;
    for (unsigned i = 0; i < REQUESTS_MAX && execute(&play, input, &used); i++) {
        input = span_skip(input, used);
        play.now += limits.size < 2 ? 0 : limits.data[0];
    }
    couchbase_session_destroy(play.session);
    couchbase_node_destroy(play.node);
}
