/*
 * serve beside memcached itself: the same random requests go to both over sockets, and every byte
 * of what comes back has to be the same, but for the text of VERSION and the rows of STAT; and for
 * CAS values, of which there are none in requests then, where the memcached numbers otherwise.
 * KVREPLAY_SEED and KVREPLAY_STREAMS choose which and how many.
 */
#include "engine/memcached.h"
#include "engine/stream.h"
#include "mcbp/opcode.h"
#include "serving.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    STREAMS = 1200,
    BATCHES = 8, /* at most, per stream; a stream is a connection */
};

struct comparison {
    struct memcached memcached;
    struct serving serving;
    struct engine *engine; /* knows what both know: the requests are made with it */
    struct stream stream;
    struct bytes batch;
    struct bytes answers[2]; /* memcached's, serve's */
    struct bytes compared[2];
    uint64_t seed;
    unsigned streams;
    size_t bytes;
};

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

/* ---------------------------------------------------------------- what is sent */

/*
 * Lets the engine follow. A number of which it can't be known whether memcached takes it for one
 * (see engine_answer) is not asked for: the batch ends before that request.
 */
static void follow(struct comparison *comparison)
{
    size_t done = 0;
    while (done < comparison->batch.size) {
        struct span rest = span_skip(span_of(comparison->batch.data, comparison->batch.size), done);
        struct mcbp_frame frame;
        struct engine_request request = {.frame = &frame, .now = comparison->stream.now};
        request.bad_lengths = mcbp_frame_parse(rest, &frame) == MCBP_BAD_LENGTHS;
        if (request.bad_lengths) {
            frame = (struct mcbp_frame){.header = frame.header};
        }
        struct engine_answer answer;
        engine_execute(comparison->engine, &request, &answer);
        if (answer.close) {
            return;
        }
        if (answer.number_doubtful) {
            struct request noop = {.opcode = MCBP_NOOP, .opaque = comparison->stream.opaque};
            engine_undo(comparison->engine);
            comparison->batch.size = done;
            bytes_add_request(&comparison->batch, &noop);
            return;
        }
        done += frame.bytes.size + answer.overread - answer.unread;
    }
}

/* ---------------------------------------------------------------- what comes back */

/* Copies what has to be the same. */
static void mask(const struct bytes *answers, bool without_cas, struct bytes *masked)
{
    enum { OFFSET_CAS = 16 };
    struct span rest = span_of(answers->data, answers->size);
    struct mcbp_frame frame;
    masked->size = 0;
    for (; mcbp_frame_parse(rest, &frame) == MCBP_FRAME; rest = span_skip(rest, frame.bytes.size)) {
        if (frame.header.opcode == MCBP_STAT && frame.key.size != 0) {
            continue;
        }
        if (frame.header.opcode == MCBP_VERSION && frame.header.vbucket_or_status == 0) {
            bytes_add(masked, &frame.header.opaque, sizeof(frame.header.opaque));
        } else {
            bytes_add(masked, frame.bytes.data, frame.bytes.size);
        }
        if (without_cas && frame.header.cas != 0) {
            memset(masked->data + masked->size - frame.bytes.size + OFFSET_CAS, 0xff, 8);
        }
    }
    bytes_add(masked, rest.data, rest.size);
}

static void print_frames(const char *who, const struct bytes *bytes)
{
    struct span rest = span_of(bytes->data, bytes->size);
    struct mcbp_frame frame;
    char text[MCBP_OPCODE_TEXT_SIZE];
    fprintf(stderr, "%s:\n", who);
    for (; mcbp_frame_parse(rest, &frame) == MCBP_FRAME; rest = span_skip(rest, frame.bytes.size)) {
        fprintf(stderr, "  %s opaque %u status %u body %u cas %ju\n",
                mcbp_opcode_text(frame.header.magic, frame.header.opcode, text),
                frame.header.opaque, frame.header.vbucket_or_status, frame.header.body_length,
                (uintmax_t)frame.header.cas);
    }
}

static void compare(struct comparison *comparison, const bool open[2])
{
    struct bytes *compared = comparison->compared;
    for (int i = 0; i < 2; i++) {
        mask(&comparison->answers[i], comparison->stream.without_cas, &compared[i]);
    }
    comparison->bytes += compared[0].size;
    if (open[0] == open[1] && span_equal(span_of(compared[0].data, compared[0].size),
                                         span_of(compared[1].data, compared[1].size))) {
        return;
    }
    print_frames("requests", &comparison->batch);
    print_frames("memcached", &comparison->answers[0]);
    print_frames("serve", &comparison->answers[1]);
    fail_msg("seed %#jx, stream %u: the answers differ; connections open: %d, %d",
             (uintmax_t)comparison->seed, comparison->streams, open[0], open[1]);
}

/* One connection. */
static void run_stream(struct comparison *comparison)
{
    int sockets[2] = {memcached_connect(&comparison->memcached),
                      client_connect(&comparison->serving)};
    bool open[2] = {true, true};
    fcntl(sockets[1], F_SETFL, O_NONBLOCK);
    for (unsigned batch = 0; batch < BATCHES && open[0]; batch++) {
        comparison->stream.now = time(NULL);
        stream_batch(&comparison->stream, &comparison->batch, batch > BATCHES / 2);
        follow(comparison);
        for (int i = 0; i < 2; i++) {
            comparison->answers[i].size = 0;
            open[i] = memcached_exchange(sockets[i],
                                         span_of(comparison->batch.data, comparison->batch.size),
                                         &comparison->answers[i], comparison->stream.opaque);
        }
        compare(comparison, open);
    }
    close(sockets[0]);
    close(sockets[1]);
    comparison->streams++;
}

/* ---------------------------------------------------------------- the tests */

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct comparison));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct comparison *comparison = *state;
    memcached_stop(&comparison->memcached);
    serving_kill(&comparison->serving);
    engine_destroy(comparison->engine);
    bytes_free(&comparison->batch);
    for (int i = 0; i < 2; i++) {
        bytes_free(&comparison->answers[i]);
        bytes_free(&comparison->compared[i]);
    }
    free(comparison);
    return 0;
}

/* Without memcached's background threads: see the engine's own comparison. */
#define QUIET_LRU "no_lru_maintainer,no_lru_crawler"

static void run(struct comparison *comparison, const char *item_size_max, const char *options,
                size_t bytes)
{
    comparison->seed =
        environment("KVREPLAY_SEED", (uint64_t)time(NULL) << 20 | (unsigned)getpid());
    printf("KVREPLAY_SEED=%#jx\n", (uintmax_t)comparison->seed);
    fflush(stdout);
    bool later = memcached_release() > MEMCACHED_DEBIAN_12;
    memcached_start(&comparison->memcached, item_size_max, QUIET_LRU);
    serving_start(&comparison->serving, options);
    struct engine_options engine = {
        .item_size_max = bytes, .own_cas = true, .started = comparison->memcached.started};
    comparison->engine = engine_create(&engine);
    assert_non_null(comparison->engine);
    comparison->stream = (struct stream){
        .random = comparison->seed,
        .engine = comparison->engine,
        .item_size_max = bytes,
        .large = 400,
        .later_release = later,
        .without_cas = later,
    };
    uint64_t streams = environment("KVREPLAY_STREAMS", STREAMS);
    while (comparison->streams < streams) {
        run_stream(comparison);
    }
    serving_stop(&comparison->serving);
    printf("%u connections, %u requests, %zu bytes of answers the same\n", comparison->streams,
           comparison->stream.opaque, comparison->bytes);
}

static void serve_answers_as_memcached(void **state)
{
    run(*state, "1m", "-t 2", 1 << 20);
}

static void serve_answers_as_memcached_with_another_writer(void **state)
{
    run(*state, "1m", "-t 2 --writer legacy", 1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(serve_answers_as_memcached, set_up, tear_down),
        cmocka_unit_test_setup_teardown(serve_answers_as_memcached_with_another_writer, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
