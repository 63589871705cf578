#include "bench/bench.h"

#include "base/interrupt.h"
#include "bench/statistics.h"
#include "bench/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One cell under way. */
struct cell_run {
    const struct bench_options *options;
    struct bench_cell *cell;
    struct worker *workers; /* by writer */
    double *samples;        /* `repeat` of each writer */
    char *message;
};

/* Completes a message that begins with what a writer did. */
static enum bench_status blame(const struct cell_run *run, const struct worker *worker,
                               enum bench_status status)
{
    if (status != BENCH_DONE) {
        char what[BENCH_MESSAGE_SIZE];
        memcpy(what, run->message, sizeof(what));
        snprintf(run->message, BENCH_MESSAGE_SIZE, "%.60s into %s: %.300s", worker->writer->name,
                 bench_sink_names[run->cell->sink].name, what);
    }
    return status;
}

/* One after the other: two at a time would disturb each other. */
static enum bench_status start_workers(struct cell_run *run, const struct mix *mix)
{
    const struct bench_options *options = run->options;
    enum bench_status status = BENCH_DONE;
    for (size_t i = 0; i < options->writers_count && status == BENCH_DONE; i++) {
        struct worker *worker = &run->workers[i];
        status = BENCH_FAILED;
        if (worker_start(worker, &options->writers[i], run->cell->sink, mix, options,
                         run->message)) {
            status = worker_prepare(worker, run->cell->figures[i].values, run->message);
        }
        blame(run, worker, status);
    }
    return status;
}

static enum bench_status take_samples(struct cell_run *run)
{
    size_t writers = run->options->writers_count;
    unsigned repeat = run->options->repeat;
    enum bench_status status = BENCH_DONE;
    for (unsigned round = 0; round < repeat && status == BENCH_DONE; round++) {
        if (interrupted()) {
            snprintf(run->message, BENCH_MESSAGE_SIZE, "interrupted");
            return BENCH_INTERRUPTED;
        }
        for (size_t turn = 0; turn < writers && status == BENCH_DONE; turn++) {
            size_t i = (round + turn) % writers;
            status =
                worker_sample(&run->workers[i], &run->samples[i * repeat + round], run->message);
            blame(run, &run->workers[i], status);
        }
    }
    return status;
}

static void bench_conclude(struct cell_run *run)
{
    unsigned repeat = run->options->repeat;
    for (size_t i = 0; i < run->options->writers_count; i++) {
        double *samples = run->samples + i * repeat;
        struct bench_figures *figures = &run->cell->figures[i];
        statistics_sort(samples, repeat);
        figures->values[BENCH_CPU] = statistics_quantile(samples, repeat, 0.5);
        figures->cpu_p10 = statistics_quantile(samples, repeat, 0.1);
        figures->cpu_p90 = statistics_quantile(samples, repeat, 0.9);
    }
}

static enum bench_status run_workers(struct cell_run *run, const struct mix *mix)
{
    for (size_t i = 0; i < run->options->writers_count; i++) {
        run->workers[i] = (struct worker){.process = -1, .socket = -1};
    }
    enum bench_status status = start_workers(run, mix);
    if (status == BENCH_DONE) {
        status = take_samples(run);
    }
    for (size_t i = 0; i < run->options->writers_count; i++) {
        char problem[BENCH_MESSAGE_SIZE];
        if (!worker_end(&run->workers[i], problem) && status == BENCH_DONE) {
            memcpy(run->message, problem, sizeof(problem));
            status = blame(run, &run->workers[i],
                           run->workers[i].writer->plugin != NULL ? BENCH_WRONG : BENCH_FAILED);
        }
    }
    return status;
}

static void bench_describe(struct bench_cell *cell, const struct mix *mix)
{
    cell->batches = mix->batches_count;
    cell->responses = mix->responses_count;
    for (size_t i = 0; i < mix->responses_count; i++) {
        size_t size = 0;
        kvr_size(&mix->responses[i], &size);
        cell->bytes += size;
    }
}

static enum bench_status run_cell(const struct bench_options *options, struct bench_cell *cell,
                                  const struct mix *mix, char message[BENCH_MESSAGE_SIZE])
{
    size_t writers = options->writers_count;
    struct cell_run run = {
        .options = options,
        .cell = cell,
        .workers = calloc(writers, sizeof(*run.workers)),
        .samples = calloc(writers * options->repeat, sizeof(*run.samples)),
        .message = message,
    };
    cell->figures = calloc(writers, sizeof(*cell->figures));
    enum bench_status status = BENCH_FAILED;
    if (run.workers != NULL && run.samples != NULL && cell->figures != NULL) {
        bench_describe(cell, mix);
        status = run_workers(&run, mix);
    } else {
        snprintf(message, BENCH_MESSAGE_SIZE, "out of memory");
    }
    if (status == BENCH_DONE) {
        bench_conclude(&run);
    }
    free(run.workers);
    free(run.samples);
    return status;
}

/* The next cell, of a mix or of one size and depth. */
static enum bench_status run_next(const struct bench_options *options, struct bench_result *result,
                                  const struct bench_cell *which, char message[BENCH_MESSAGE_SIZE])
{
    struct bench_cell *cell = &result->cells[result->cells_count];
    struct mix uniform;
    *cell = *which;
    if (options->mix == NULL && !mix_init_uniform(&uniform, which->value_size, which->depth)) {
        snprintf(message, BENCH_MESSAGE_SIZE, "out of memory");
        return BENCH_FAILED;
    }
    enum bench_status status =
        run_cell(options, cell, options->mix != NULL ? options->mix : &uniform, message);
    if (options->mix == NULL) {
        mix_deinit(&uniform);
    }
    if (status == BENCH_DONE) {
        result->cells_count++;
    } else {
        free(cell->figures);
    }
    return status;
}

/* All cells there are to be, without figures: sink by sink, size by size. Returns how many. */
static size_t list_cells(const struct bench_options *options, struct bench_cell *cells)
{
    size_t sizes = options->mix != NULL ? 1 : options->sizes_count;
    size_t depths = options->mix != NULL ? 1 : options->depths_count;
    size_t count = 0;
    for (int sink = 0; sink < BENCH_SINKS; sink++) {
        for (size_t i = 0; options->sinks[sink] && i < sizes * depths; i++) {
            struct bench_cell cell = {.sink = (enum bench_sink)sink};
            if (options->mix == NULL) {
                cell.value_size = options->sizes[i / depths];
                cell.depth = options->depths[i % depths];
            }
            cells[count++] = cell;
        }
    }
    return count;
}

enum bench_status bench_run(const struct bench_options *options, struct bench_result *result,
                            char message[BENCH_MESSAGE_SIZE])
{
    size_t most = BENCH_SINKS * (1 + options->sizes_count * options->depths_count);
    struct bench_cell *wanted = calloc(most, sizeof(*wanted));
    *result = (struct bench_result){.cells = calloc(most, sizeof(*result->cells))};
    enum bench_status status = BENCH_FAILED;
    if (wanted != NULL && result->cells != NULL) {
        size_t count = list_cells(options, wanted);
        status = BENCH_DONE;
        for (size_t i = 0; i < count && status == BENCH_DONE; i++) {
            if (options->progress != NULL) {
                options->progress(options->progress_context, i, count);
            }
            status = run_next(options, result, &wanted[i], message);
        }
    } else {
        snprintf(message, BENCH_MESSAGE_SIZE, "out of memory");
    }
    result->interrupted = status == BENCH_INTERRUPTED;
    free(wanted);
    return status;
}

void bench_result_deinit(struct bench_result *result)
{
    for (size_t i = 0; i < result->cells_count; i++) {
        free(result->cells[i].figures);
    }
    free(result->cells);
    *result = (struct bench_result){0};
}
