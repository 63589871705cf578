/*
 * What a writer takes, counted.
 */
#include "bench/counters.h"
#include "bench/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes that a bufferevent hands to its socket in one turn: the default of libevent 2.1. */
enum { WRITE_MAX = 16384 };

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
        if (stuck == RUNNER_STUCK_TURNS) {
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
        enum kvr_error error = runner_write(runner, batch);
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
