/*
 * How long a writer takes.
 */
#include "base/clock.h"
#include "bench/flat.h"
#include "bench/runner.h"

static uint64_t cpu_now(void)
{
    return (uint64_t)clock_now(CLOCK_THREAD_CPUTIME_ID);
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
            error |= runner_write(runner, batch);
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
            error |= runner_write(runner, batch);
            for (int stuck = 0; !sink_send(sink) && stuck < RUNNER_STUCK_TURNS;) {
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
