#include "bench/runner.h"

#include "bench/counters.h"
#include "bench/flat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

/* Bytes that a bufferevent hands to its socket in one turn: the default of libevent 2.1. */
enum { WRITE_MAX = 16384, STUCK_TURNS = 100 };

static bool make_state(struct runner *runner, const struct bench_options *options)
{
    const struct kvr_writer *writer = runner->writer->writer;
    if (writer == NULL) {
        runner->write = flat_write;
        runner->state = runner->flat;
        return true;
    }
    runner->write = writer->write;
    runner->state = writer->create == NULL ? NULL : writer->create();
    if (writer->configure != NULL) {
        struct kvr_options configuration = {.reference_threshold = options->reference_threshold};
        writer->configure(runner->state, &configuration);
    }
    return true;
}

bool runner_init(struct runner *runner, const struct bench_writer *writer, enum bench_sink sink,
                 const struct mix *mix, const struct bench_options *options)
{
    *runner = (struct runner){.writer = writer, .which = sink};
    if (!load_init(&runner->load, mix, writer->by_reference, options->seed)) {
        return false;
    }
    runner->flat = malloc(runner->load.longest);
    if (runner->flat == NULL || !sink_init(&runner->sink, sink)) {
        free(runner->flat);
        load_deinit(&runner->load);
        return false;
    }
    return make_state(runner, options);
}

void runner_deinit(struct runner *runner)
{
    const struct kvr_writer *writer = runner->writer->writer;
    sink_deinit(&runner->sink);
    if (writer != NULL && writer->destroy != NULL) {
        writer->destroy(runner->state);
    }
    free(runner->flat);
    load_deinit(&runner->load);
}

/* One batch, in one call or in one for each response. */
static inline enum kvr_error write_batch(struct runner *runner, const struct load_batch *batch)
{
    struct bufferevent *bufferevent = runner->sink.bufferevent;
    if (!runner->writer->single) {
        return runner->write(runner->state, bufferevent, batch->responses, batch->count);
    }
    enum kvr_error error = KVR_OK;
    for (size_t i = 0; i < batch->count && error == KVR_OK; i++) {
        error = runner->write(runner->state, bufferevent, &batch->responses[i], 1);
    }
    return error;
}

/* ----------------------------------------------------------------------------- are they right */

/* The batch by the encoder that all writers have to equal. */
static bool encode_reference(uint8_t *out, const struct load_batch *batch)
{
    size_t done = 0;
    for (size_t i = 0; i < batch->count; i++) {
        size_t size;
        if (kvr_encode_flat(&batch->responses[i], out + done, batch->bytes - done, &size) !=
            KVR_OK) {
            return false;
        }
        done += size;
    }
    return done == batch->bytes;
}

static bool compare(const struct load_batch *batch, const uint8_t *expected, const uint8_t *arrived,
                    size_t size, char message[BENCH_MESSAGE_SIZE])
{
    size_t same = 0;
    while (same < size && same < batch->bytes && arrived[same] == expected[same]) {
        same++;
    }
    if (same == size && size == batch->bytes) {
        return true;
    }
    snprintf(message, BENCH_MESSAGE_SIZE,
             "wrote wrong bytes: %s%zu bytes for %zu responses of %zu bytes, the first %zu right",
             size > batch->bytes ? "more than " : "", size > batch->bytes ? batch->bytes : size,
             batch->count, batch->bytes, same);
    return false;
}

/* `arrived` has room for a byte more than the batch, so that one too many is seen. */
static bool verify_batch(struct runner *runner, const struct load_batch *batch, uint8_t *expected,
                         uint8_t *arrived, char message[BENCH_MESSAGE_SIZE])
{
    enum kvr_error error = write_batch(runner, batch);
    if (error != KVR_OK) {
        snprintf(message, BENCH_MESSAGE_SIZE, "refused %zu responses of %zu bytes: %s",
                 batch->count, batch->bytes, kvr_error_text(error));
        return false;
    }
    size_t size = sink_transfer(&runner->sink, arrived, batch->bytes + 1);
    return encode_reference(expected, batch) && compare(batch, expected, arrived, size, message);
}

static bool verify_all(struct runner *runner, uint8_t *expected, uint8_t *arrived,
                       char message[BENCH_MESSAGE_SIZE])
{
    bool right = true;
    for (size_t i = 0; right && i < runner->load.batches_count; i++) {
        right = verify_batch(runner, &runner->load.batches[i], expected, arrived, message);
    }
    size_t references = load_references(&runner->load);
    if (right && references > 0) {
        snprintf(message, BENCH_MESSAGE_SIZE, "kept %zu references to values that it has sent",
                 references);
        right = false;
    }
    return right;
}

/* Not from the heap: a large block that was freed there once changes how it goes on. */
static uint8_t *take_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

bool runner_verify(struct runner *runner, char message[BENCH_MESSAGE_SIZE])
{
    /* Beside the runner's own `flat`: what the flat writer has encoded there is compared, too. */
    size_t size = 2 * runner->load.longest + 1;
    uint8_t *expected = take_pages(size);
    if (expected == NULL) {
        snprintf(message, BENCH_MESSAGE_SIZE, "found no memory");
        return false;
    }
    bool right = verify_all(runner, expected, expected + runner->load.longest, message);
    munmap(expected, size);
    return right;
}

/* -------------------------------------------------------------------------- what do they take */

static size_t chunks(struct evbuffer *output)
{
    int count = evbuffer_peek(output, -1, NULL, NULL, 0);
    struct evbuffer_iovec *extents = calloc(count < 1 ? 1 : (size_t)count, sizeof(*extents));
    size_t used = 0;
    if (extents != NULL) {
        evbuffer_peek(output, -1, NULL, extents, count);
    }
    for (int i = 0; extents != NULL && i < count; i++) {
        used += extents[i].iov_len > 0;
    }
    free(extents);
    return used;
}

/* Sends with all the room there can be, so that what is counted does not depend on the moment. */
static bool send_in_turns(struct sink *sink)
{
    for (int stuck = 0; evbuffer_get_length(sink->output) > 0;) {
        size_t before = evbuffer_get_length(sink->output);
        sink->kind->turn(sink);
        stuck =
            evbuffer_get_length(sink->output) < before || sink_receive(sink) > 0 ? 0 : stuck + 1;
        if (stuck == STUCK_TURNS) {
            return false;
        }
    }
    sink_receive(sink);
    return true;
}

static bool count_batches(struct runner *runner, struct counters *counters, size_t *chunks_sum)
{
    struct sink *sink = &runner->sink;
    bool whole = true;
    for (size_t i = 0; whole && i < runner->load.batches_count; i++) {
        const struct load_batch *batch = &runner->load.batches[i];
        counters_begin(counters);
        enum kvr_error error = write_batch(runner, batch);
        counters_end();
        *chunks_sum += chunks(sink->output);
        whole = error == KVR_OK && send_in_turns(sink);
    }
    return whole;
}

static size_t rounded_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit;
}

/* The least that is possible: all of a batch in one reservation, allocation and chunk of its size.
 */
static void set_least(const struct load *load, double values[BENCH_COLUMNS])
{
    double batches = (double)load->batches_count;
    size_t writes = 0;
    size_t records = 0;
    for (size_t i = 0; i < load->batches_count; i++) {
        writes += rounded_up(load->batches[i].bytes, WRITE_MAX);
        records += rounded_up(load->batches[i].bytes, TLS_RECORD_MAX);
    }
    values[BENCH_RESERVATIONS] = values[BENCH_ALLOCATIONS] = values[BENCH_CHUNKS] = batches;
    values[BENCH_BYTES] = (double)load->bytes;
    values[BENCH_WRITEV] = (double)writes;
    values[BENCH_RECORDS] = (double)records;
}

static bool set_counted(struct runner *runner, double values[BENCH_COLUMNS],
                        char message[BENCH_MESSAGE_SIZE])
{
    struct sink *sink = &runner->sink;
    struct counters counters = {0};
    size_t chunks_sum = 0;
    sink_receive(sink);
    uint64_t records = sink->records.count;
    sink->writes = 0;
    sink->kind->count_writes(sink, true);
    bool whole = count_batches(runner, &counters, &chunks_sum);
    sink->kind->count_writes(sink, false);
    if (!whole) {
        snprintf(message, BENCH_MESSAGE_SIZE, "wrote once, but not a second time");
    }
    values[BENCH_RESERVATIONS] = (double)counters.reservations;
    values[BENCH_ALLOCATIONS] = (double)counters.allocations;
    values[BENCH_BYTES] = (double)counters.bytes;
    values[BENCH_CHUNKS] = (double)chunks_sum;
    values[BENCH_WRITEV] = (double)sink->writes;
    values[BENCH_RECORDS] = (double)(sink->records.count - records);
    return whole;
}

bool runner_count(struct runner *runner, double values[BENCH_COLUMNS],
                  char message[BENCH_MESSAGE_SIZE])
{
    const struct load *load = &runner->load;
    bool whole = true;
    if (runner->writer->writer == NULL) {
        set_least(load, values);
    } else {
        whole = set_counted(runner, values, message);
    }
    for (int i = 0; i < BENCH_COLUMNS; i++) {
        values[i] /= (double)(i == BENCH_BYTES ? load->bytes : load->responses_count);
        if (i == BENCH_CPU || !bench_column_names[i].sinks[runner->which]) {
            values[i] = NAN;
        }
    }
    return whole;
}

/* --------------------------------------------------------------------- how long does it take */

static uint64_t cpu_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t time_flat(struct runner *runner, size_t rounds)
{
    const struct load *load = &runner->load;
    uint64_t start = cpu_now();
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < load->batches_count; i++) {
            flat_encode(runner->flat, load->batches[i].responses, load->batches[i].count);
        }
    }
    return cpu_now() - start;
}

static uint64_t time_memory(struct runner *runner, size_t rounds)
{
    const struct load *load = &runner->load;
    struct sink *sink = &runner->sink;
    enum kvr_error error = KVR_OK;
    uint64_t start = cpu_now();
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < load->batches_count; i++) {
            const struct load_batch *batch = &load->batches[i];
            error |= write_batch(runner, batch);
            evbuffer_drain(sink->output, SIZE_MAX);
        }
    }
    uint64_t spent = cpu_now() - start;
    return error == KVR_OK ? spent : UINT64_MAX;
}

/* The clock stands still while the far end receives: it does so when there is no more room. */
static uint64_t time_sending(struct runner *runner, size_t rounds)
{
    const struct load *load = &runner->load;
    struct sink *sink = &runner->sink;
    enum kvr_error error = KVR_OK;
    uint64_t spent = 0;
    uint64_t start = cpu_now();
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < load->batches_count; i++) {
            const struct load_batch *batch = &load->batches[i];
            error |= write_batch(runner, batch);
            for (int stuck = 0; !sink_send(sink) && stuck < STUCK_TURNS;) {
                spent += cpu_now() - start;
                stuck = sink_receive(sink) > 0 ? 0 : stuck + 1;
                start = cpu_now();
            }
        }
    }
    spent += cpu_now() - start;
    sink_receive(sink);
    return error == KVR_OK && evbuffer_get_length(sink->output) == 0 ? spent : UINT64_MAX;
}

uint64_t runner_time(struct runner *runner, size_t rounds)
{
    if (runner->which != BENCH_MEMORY) {
        return time_sending(runner, rounds);
    }
    return runner->writer->writer == NULL ? time_flat(runner, rounds) : time_memory(runner, rounds);
}

size_t runner_calibrate(struct runner *runner, uint64_t nanoseconds)
{
    size_t rounds = 1;
    uint64_t spent;
    while ((spent = runner_time(runner, rounds)) < nanoseconds / 4) {
        rounds *= 2;
    }
    double wanted = (double)rounds * (double)nanoseconds / (double)spent;
    return wanted < 1 ? 1 : (size_t)wanted;
}
