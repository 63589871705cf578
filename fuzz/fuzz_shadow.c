/*
 * The shadow of a Couchbase server, beside a server that is right: a node of src/couchbase. Clients
 * on three connections ask, some requests wait while others are asked, they are executed in any
 * order that their connections allow, and the shadow is told of each answer. No answer is wrong,
 * and one that is identical is so byte by byte. 8 bytes come before the requests: features that
 * all connections have asked for (6 bytes, one bit each), seconds between
 * requests of which none waits, and whether the
 * shadow knows that there were no documents before (bit 0). Of a request's opaque, bits 0 and 1 are
 * its connection, bit 2 lets it wait, and bits 3 to 5 say which of those that wait runs first.
 */
#include "couchbase/couchbase.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "shadow/shadow.h"
#include "target.h"

#include <stdlib.h>

enum { FEATURES = 48, VBUCKETS = 2, CONNECTIONS = 3, REQUESTS_MAX = 128, WAITING_MAX = 6 };
enum { ANSWER_MAX = 1 << 20, OFFSET_OPAQUE = 12 };

static const int64_t BEGIN = INT64_C(1700000000), SECOND = 1000000000;

struct connection {
    struct couchbase_session *session;
    struct shadow_client *client;
    bool closed;
};

struct waiting {
    struct connection *connection;
    struct mcbp_frame frame;
    struct shadow_asked asked;
    int64_t asked_at;
    bool overlaps;
};

struct play {
    struct couchbase_node *node;
    struct shadow *shadow;
    struct connection connections[CONNECTIONS];
    struct waiting waiting[WAITING_MAX];
    size_t count;
    int64_t now;
};

static uint8_t *built, *sent;

void fuzz_begin(void)
{
    built = malloc(ANSWER_MAX);
    sent = malloc(ANSWER_MAX);
    CHECK(built != NULL && sent != NULL);
}

/* ------------------------------------------------------------------------ the oracle */

/* False: it has no room here. */
static bool encode(const struct kvr_response *response, uint8_t *bytes, size_t *size)
{
    return kvr_encode_flat(response, bytes, ANSWER_MAX, size) == KVR_OK;
}

static bool agrees(void *context, const struct kvr_response *response,
                   const struct mcbp_frame *answer)
{
    size_t size;
    (void)context;
    return encode(response, built, &size) && size == answer->bytes.size &&
           memcmp(built, answer->bytes.data, OFFSET_OPAQUE) == 0 &&
           memcmp(built + OFFSET_OPAQUE + 4, answer->bytes.data + OFFSET_OPAQUE + 4,
                  size - OFFSET_OPAQUE - 4) == 0;
}

UNCOUNTED static void check_verdict(const struct shadow_verdict *verdict,
                                    const struct mcbp_frame *answer)
{
    CHECK(verdict->outcome != SHADOW_DIFFERENT);
    CHECK(verdict->outcome != SHADOW_NO_MEMORY);
    if (verdict->outcome == SHADOW_IDENTICAL && answer != NULL && !verdict->recompressed) {
        CHECK(verdict->answers && agrees(NULL, &verdict->response, answer));
    }
}

/* Without random numbers all scans have the same UUID. */
static bool is_scan(const struct mcbp_frame *request, const struct mcbp_frame *answer)
{
    return request->header.opcode == MCBP_RANGE_SCAN_CREATE && answer != NULL &&
           answer->header.vbucket_or_status == MCBP_STATUS_SUCCESS;
}

/* `answer` NULL: silence. `last`: no more come to the request. */
static void judge(struct play *play, struct waiting *request, const struct mcbp_frame *answer,
                  bool last)
{
    const struct shadow_comparer comparer = {.agrees = agrees};
    struct shadow_verdict verdict;
    struct shadow_client *client = request->connection->client;
    const struct shadow_exchange exchange = {
        .request = &request->frame,
        .answer = answer,
        .asked = &request->asked,
        .asked_at = request->asked_at,
        .answered_at = play->now,
    };
    if (answer != NULL) {
        shadow_client_note(play->shadow, client, &request->frame, answer);
    }
    if (last) {
        shadow_ask_end(&request->asked);
        CHECK(shadow_note_numbers(play->shadow, client, &exchange, &verdict));
        if (request->overlaps) {
            shadow_note_overlap(&request->asked);
        }
    }
    if (is_scan(&request->frame, answer)) {
        return;
    }
    shadow_judge(play->shadow, client, &exchange, &comparer, SHADOW_LENIENT, &verdict);
    check_verdict(&verdict, answer);
}

/* ------------------------------------------------------------------------ the server */

static void tell(struct play *play, struct waiting *request, const struct kvr_response *response,
                 bool last)
{
    struct mcbp_frame frame;
    size_t size;
    CHECK(encode(response, sent, &size));
    CHECK(mcbp_frame_parse(span_of(sent, size), &frame) == MCBP_FRAME);
    judge(play, request, &frame, last);
}

static void execute(struct play *play, struct waiting *request)
{
    struct connection *connection = request->connection;
    const struct couchbase_request asked = {.frame = &request->frame, .now = play->now};
    struct couchbase_answer answer;
    bool silent = true;
    do {
        couchbase_execute(play->node, connection->session, &asked, &answer);
        for (size_t i = 0; i < answer.count; i++) {
            tell(play, request, &answer.responses[i], i + 1 == answer.count && !answer.more);
            silent = false;
        }
    } while (answer.more);
    if (silent) {
        judge(play, request, NULL, true);
    }
    connection->closed |= answer.close;
}

/* ------------------------------------------------------------------------ requests that wait */

static void note_overlap(struct play *play, struct waiting *request)
{
    for (size_t i = 0; i < play->count; i++) {
        struct waiting *other = &play->waiting[i];
        if (other->asked.document != NULL && other->asked.document == request->asked.document) {
            other->overlaps = request->overlaps = true;
        }
    }
}

/* Whether the one at `index` may overtake all of its connection that are before it. */
static bool may_run(const struct play *play, size_t index)
{
    const struct waiting *request = &play->waiting[index];
    for (size_t i = 0; i < index; i++) {
        if (play->waiting[i].connection == request->connection) {
            return false;
        }
    }
    return true;
}

/* The first that may run of those from `from` on, or from the first one on. */
static void run_one(struct play *play, size_t from)
{
    size_t index = from % play->count;
    while (!may_run(play, index)) {
        index = (index + 1) % play->count;
    }
    struct waiting request = play->waiting[index];
    play->count--;
    memmove(&play->waiting[index], &play->waiting[index + 1],
            (play->count - index) * sizeof(request));
    if (!request.connection->closed) {
        execute(play, &request);
    } else {
        shadow_ask_end(&request.asked);
    }
}

static void ask(struct play *play, struct connection *connection, const struct mcbp_frame *frame)
{
    struct waiting request = {.connection = connection, .frame = *frame, .asked_at = play->now};
    CHECK(shadow_ask(play->shadow, connection->client, frame, &request.asked));
    note_overlap(play, &request);
    play->waiting[play->count++] = request;
}

/* ------------------------------------------------------------------------ begin */

static void say(struct play *play, struct connection *connection, uint8_t opcode, struct span key,
                struct span value)
{
    uint8_t bytes[MCBP_HEADER_SIZE + 2 * FEATURES] = {MCBP_CLIENT_REQUEST, opcode};
    struct mcbp_frame frame;
    bytes[3] = (uint8_t)key.size;
    bytes[11] = (uint8_t)(key.size + value.size);
    memcpy(bytes + MCBP_HEADER_SIZE, key.data, key.size);
    memcpy(bytes + MCBP_HEADER_SIZE + key.size, value.data, value.size);
    struct span whole = span_of(bytes, MCBP_HEADER_SIZE + key.size + value.size);
    CHECK(mcbp_frame_parse(whole, &frame) == MCBP_FRAME);
    ask(play, connection, &frame);
    run_one(play, 0);
}

static void begin(struct play *play, struct connection *connection, struct span features)
{
    uint8_t list[2 * FEATURES];
    size_t size = 0;
    for (unsigned i = 0; i < 8 * features.size; i++) {
        if ((features.data[i / 8] >> (i % 8) & 1) != 0) {
            write_be16(list + size, (uint16_t)i);
            size += 2;
        }
    }
    connection->session = couchbase_session_create(play->node);
    CHECK(connection->session != NULL);
    connection->client = shadow_client_create(play->shadow, true);
    CHECK(connection->client != NULL);
    say(play, connection, MCBP_HELLO, span_of("", 0), span_of(list, size));
    say(play, connection, MCBP_SASL_AUTH, span_of("PLAIN", 5), span_of("x", 1));
    say(play, connection, MCBP_SELECT_BUCKET, span_of("b", 1), span_of("", 0));
}

/* False: it is no request, or closes the connection before it is executed. */
static bool next(struct play *play, struct span *input)
{
    struct mcbp_frame frame;
    bool is_request = mcbp_frame_parse(*input, &frame) == MCBP_FRAME &&
                      (frame.header.magic == MCBP_CLIENT_REQUEST ||
                       frame.header.magic == MCBP_FLEX_CLIENT_REQUEST);
    uint32_t opaque = is_request ? frame.header.opaque : 0;
    struct connection *connection = &play->connections[(opaque & 3) % CONNECTIONS];
    if (!is_request || frame.bytes.size > ANSWER_MAX / 2 ||
        frame.header.body_length > couchbase_session_frame_max(connection->session)) {
        return false;
    }
    if (!connection->closed) {
        ask(play, connection, &frame);
    }
    bool waits = (opaque & 4) != 0 && play->count < WAITING_MAX;
    while (play->count > 0 && !waits) {
        run_one(play, opaque >> 3 & 7);
    }
    *input = span_skip(*input, frame.bytes.size);
    return true;
}

void fuzz_target(const uint8_t *data, size_t size)
{
    static const struct couchbase_collection collections[] = {{"s", "c"}};
    const struct couchbase_options options = {
        .bucket = "b", .vbuckets = VBUCKETS, .collections = collections, .collections_count = 1};
    struct span input = span_of(data, size);
    struct span features = take(&input, FEATURES / 8);
    int64_t pause = take_8(&input);
    uint8_t flags = take_8(&input);
    struct play play = {.node = couchbase_node_create(&options),
                        .shadow = shadow_create((flags & 1) != 0),
                        .now = BEGIN * SECOND};
    CHECK(play.node != NULL && play.shadow != NULL);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        begin(&play, &play.connections[i], features);
    }
    for (unsigned i = 0; i < REQUESTS_MAX && next(&play, &input); i++) {
        play.now += (play.count == 0 ? pause * SECOND : 0) + 1000;
    }
    while (play.count > 0) {
        run_one(&play, 0);
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        shadow_client_destroy(play.connections[i].client);
        couchbase_session_destroy(play.connections[i].session);
    }
    shadow_destroy(play.shadow);
    couchbase_node_destroy(play.node);
}
