/*
 * The engine beside memcached itself: random requests go to both, and every byte of what comes back
 * has to be the same. KVREPLAY_SEED and KVREPLAY_STREAMS choose which and how many.
 */
#include "base/endian.h"
#include "engine/memcached.h"
#include "engine/stream.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    STREAMS = 2500,
    BATCHES = 8, /* at most, per stream; a stream is a connection */
};

/* One server, one engine, and what the two said about the batch at hand. */
struct comparison {
    struct memcached server;
    char version[16];
    struct engine *engine;
    bool own_cas; /* the engine's own CAS values are compared; otherwise memcached's are adopted */
    struct stream stream;
    struct bytes batch;
    struct bytes answers; /* memcached's */
    size_t position;      /* up to where they have been compared */
    struct bytes expected;
    uint64_t seed;
    unsigned streams;
    size_t compared;
    size_t skipped;   /* STAT's rows */
    size_t accidents; /* numbers that memcached refused for what lay behind them */
};

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void fail_here(const struct comparison *comparison, const struct mcbp_header *header,
                      const char *what)
{
    fprintf(stderr,
            "seed %#jx, stream %u, opcode 0x%02x, opaque %u, key of %u bytes, body of %u bytes, "
            "CAS %#jx: %s\n",
            (uintmax_t)comparison->seed, comparison->streams, header->opcode, header->opaque,
            header->key_length, header->body_length, (uintmax_t)header->cas, what);
    fail();
}

static void print_bytes(const char *who, struct span bytes)
{
    fprintf(stderr, "%s %zu bytes:", who, bytes.size);
    for (size_t i = 0; i < bytes.size && i < 120; i++) {
        fprintf(stderr, " %02x", bytes.data[i]);
    }
    fprintf(stderr, "\n");
}

/* ---------------------------------------------------------------- one answer */

/* memcached's next frame, if it answers that request. */
static bool next_answer(const struct comparison *comparison, const struct mcbp_header *request,
                        struct mcbp_frame *frame)
{
    struct span rest = span_skip(span_of(comparison->answers.data, comparison->answers.size),
                                 comparison->position);
    return mcbp_frame_parse(rest, frame) == MCBP_FRAME && frame->header.opaque == request->opaque &&
           frame->header.opcode == request->opcode;
}

static void execute(struct comparison *comparison, struct engine_request *request,
                    struct engine_answer *answer)
{
    struct mcbp_frame recorded;
    request->cas = 0;
    if (next_answer(comparison, &request->frame->header, &recorded)) {
        request->cas = recorded.header.cas;
    }
    engine_execute(comparison->engine, request, answer);
}

/*
 * The engine took the request's CAS for that of the item, which it doesn't know; memcached's answer
 * says it isn't. So back, and again with another CAS, which is forgotten afterwards.
 */
static void try_other_cas(struct comparison *comparison, struct engine_request *request,
                          struct engine_answer *answer)
{
    struct mcbp_frame recorded;
    if (!next_answer(comparison, &request->frame->header, &recorded) ||
        recorded.header.vbucket_or_status != MCBP_STATUS_KEY_EXISTS) {
        return;
    }
    engine_undo(comparison->engine);
    engine_bind_cas(comparison->engine, request->frame->key, request->frame->header.cas + 1);
    execute(comparison, request, answer);

    struct engine_item item;
    engine_look(comparison->engine, request->frame->key, request->now, &item);
    item.cas_unknown = true;
    item.cas = 0;
    assert_true(engine_seed(comparison->engine, request->frame->key, &item));
}

/* See engine_answer.number_doubtful: takes the step back if memcached has stumbled. */
static bool was_accident(struct comparison *comparison, const struct engine_request *request,
                         const struct engine_answer *answer)
{
    struct mcbp_frame recorded;
    if (!answer->number_doubtful || !next_answer(comparison, &request->frame->header, &recorded) ||
        recorded.header.vbucket_or_status != MCBP_STATUS_DELTA_BAD_VALUE) {
        return false;
    }
    engine_undo(comparison->engine);
    comparison->position += recorded.bytes.size;
    comparison->accidents++;
    return true;
}

/* The CAS of a quiet mutation is learnt from the first answer that shows it. */
static void adopt_cas(struct comparison *comparison, const struct engine_request *request,
                      const struct engine_answer *answer, struct kvr_response *first)
{
    struct mcbp_frame recorded;
    if (!answer->cas_unknown || !next_answer(comparison, &request->frame->header, &recorded)) {
        return;
    }
    assert_false(comparison->own_cas);
    first->cas = recorded.header.cas;
}

/* STAT's rows are the server's own; they end as the engine's do. */
static bool skip_rows(struct comparison *comparison, const struct engine_request *request,
                      const struct engine_answer *answer)
{
    struct mcbp_frame row;
    if (request->frame->header.opcode != MCBP_STAT || answer->responses[0].status != 0 ||
        !next_answer(comparison, &request->frame->header, &row)) {
        return false;
    }
    while (row.header.body_length != 0) {
        comparison->position += row.bytes.size;
        if (!next_answer(comparison, &request->frame->header, &row)) {
            return answer->responses[answer->count - 1].key_size != 0;
        }
    }
    comparison->position += row.bytes.size;
    comparison->skipped++;
    return answer->responses[answer->count - 1].key_size == 0;
}

static void compare(struct comparison *comparison, struct engine_request *request,
                    struct engine_answer *answer)
{
    const struct mcbp_header *header = &request->frame->header;
    struct mcbp_frame unexpected;
    if (answer->count == 0) {
        if (next_answer(comparison, header, &unexpected)) {
            fail_here(comparison, header, "memcached answers, the engine does not");
        }
        return;
    }
    if (skip_rows(comparison, request, answer)) {
        return;
    }

    comparison->expected.size = 0;
    for (size_t i = 0; i < answer->count; i++) {
        struct kvr_response response = answer->responses[i];
        if (i == 0) {
            adopt_cas(comparison, request, answer, &response);
        }
        bytes_add_response(&comparison->expected, &response);
    }
    struct span engine = span_of(comparison->expected.data, comparison->expected.size);
    struct span rest = span_skip(span_of(comparison->answers.data, comparison->answers.size),
                                 comparison->position);
    struct span memcached = span_head(rest, rest.size < engine.size ? rest.size : engine.size);
    if (!span_equal(engine, memcached)) {
        print_bytes("   engine", engine);
        print_bytes("memcached", rest);
        fail_here(comparison, header, "the answers differ");
    }
    comparison->position += engine.size;
    comparison->compared += answer->count;
    if (answer->cas_unknown) {
        engine_bind_cas(comparison->engine, request->frame->key, read_be64(memcached.data + 16));
    }
}

/* ---------------------------------------------------------------- one batch */

/* The engine reads the batch as memcached does. Returns false if it closes the connection. */
static bool execute_batch(struct comparison *comparison)
{
    struct span rest = span_of(comparison->batch.data, comparison->batch.size);
    while (rest.size != 0) {
        struct mcbp_frame frame;
        enum mcbp_parse parsed = mcbp_frame_parse(rest, &frame);
        if (parsed == MCBP_BAD_LENGTHS) {
            frame = (struct mcbp_frame){.header = frame.header};
        } else {
            assert_int_equal(parsed, MCBP_FRAME);
        }
        struct engine_request request = {
            .frame = &frame,
            .bad_lengths = parsed == MCBP_BAD_LENGTHS,
            .now = comparison->stream.now,
        };
        struct engine_answer answer;
        execute(comparison, &request, &answer);
        if (answer.cas_assumed) {
            try_other_cas(comparison, &request, &answer);
        }
        if (!was_accident(comparison, &request, &answer)) {
            compare(comparison, &request, &answer);
        }
        if (answer.close) {
            return false;
        }
        rest = span_skip(rest, frame.bytes.size + answer.overread - answer.unread);
    }
    return true;
}

/* One connection. */
static void run_stream(struct comparison *comparison)
{
    int socket = memcached_connect(&comparison->server);
    for (unsigned i = 0; i < BATCHES; i++) {
        comparison->stream.now = time(NULL);
        stream_batch(&comparison->stream, &comparison->batch, i > BATCHES / 2);
        comparison->answers.size = comparison->position = 0;
        bool open =
            memcached_exchange(socket, span_of(comparison->batch.data, comparison->batch.size),
                               &comparison->answers, comparison->stream.opaque);
        bool expected_open = execute_batch(comparison);
        if (comparison->position != comparison->answers.size) {
            print_bytes("memcached",
                        span_skip(span_of(comparison->answers.data, comparison->answers.size),
                                  comparison->position));
            fail_msg("seed %#jx, stream %u: more answers than the engine has",
                     (uintmax_t)comparison->seed, comparison->streams);
        }
        if (open != expected_open) {
            fail_msg("seed %#jx, stream %u: the connection is %s", (uintmax_t)comparison->seed,
                     comparison->streams, open ? "still open" : "closed");
        }
        if (!open) {
            break;
        }
    }
    close(socket);
    comparison->streams++;
}

/* ---------------------------------------------------------------- the tests */

struct setting {
    const char *item_size_max;     /* memcached's -I */
    const char *extended[2];       /* its -o, up to 1.6.18 and later */
    struct engine_options options; /* the same, for the engine */
    unsigned large;
};

/*
 * Without memcached's background threads: one of them keeps items that were read twice referenced
 * for a while, and an item referenced is not padded when it is counted down (see engine_request).
 */
#define QUIET_LRU "no_lru_maintainer,no_lru_crawler"

static const struct setting DEFAULTS = {
    "1m", {QUIET_LRU, QUIET_LRU}, {.item_size_max = 1 << 20}, 400};
static const struct setting SMALL = {
    "16k",
    {QUIET_LRU ",slab_chunk_max=8192", QUIET_LRU ",slab_chunk_max=8"},
    {.item_size_max = 16384, .item_chunk_max = 8192},
    12};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct comparison));
    return *state == NULL ? -1 : 0;
}

/* Also after a failure, so that no memcached is left behind. */
static int tear_down(void **state)
{
    struct comparison *comparison = *state;
    memcached_stop(&comparison->server);
    engine_destroy(comparison->engine);
    bytes_free(&comparison->batch);
    bytes_free(&comparison->answers);
    bytes_free(&comparison->expected);
    free(comparison);
    return 0;
}

static void run(struct comparison *comparison, const struct setting *setting, bool own_cas)
{
    comparison->seed =
        environment("KVREPLAY_SEED", (uint64_t)time(NULL) << 20 | (unsigned)getpid());
    printf("KVREPLAY_SEED=%#jx\n", (uintmax_t)comparison->seed);
    fflush(stdout);
    unsigned release = memcached_release();
    memcached_start(&comparison->server, setting->item_size_max,
                    setting->extended[release > MEMCACHED_DEBIAN_12]);
    struct engine_options options = setting->options;
    snprintf(comparison->version, sizeof(comparison->version), "1.6.%u", release);
    options.version = comparison->version;
    options.own_cas = comparison->own_cas = own_cas;
    options.started = comparison->server.started;
    comparison->engine = engine_create(&options);
    assert_non_null(comparison->engine);
    comparison->stream = (struct stream){
        .random = comparison->seed,
        .engine = comparison->engine,
        .item_size_max = options.item_size_max,
        .large = setting->large,
        .later_release = release > MEMCACHED_DEBIAN_12,
    };
    uint64_t streams = environment("KVREPLAY_STREAMS", STREAMS);
    while (comparison->streams < streams) {
        run_stream(comparison);
    }
    printf("%u connections, %u requests, %zu answers the same, %zu lists of statistics, "
           "%zu numbers refused by accident\n",
           comparison->streams, comparison->stream.opaque, comparison->compared,
           comparison->skipped, comparison->accidents);
}

static void the_engine_answers_as_memcached_with_cas_values_adopted(void **state)
{
    run(*state, &DEFAULTS, false);
}

static void the_engine_answers_as_memcached_down_to_its_cas_values(void **state)
{
    if (memcached_release() > MEMCACHED_DEBIAN_12) {
        print_message("this memcached numbers changes otherwise than the engine\n");
        skip();
    }
    run(*state, &DEFAULTS, true);
}

static void the_engine_answers_as_memcached_with_small_items_and_chunks(void **state)
{
    run(*state, &SMALL, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_engine_answers_as_memcached_with_cas_values_adopted,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_engine_answers_as_memcached_down_to_its_cas_values,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_engine_answers_as_memcached_with_small_items_and_chunks,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
