#include "bench/runner.h"

#include "bench/flat.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void runner_make_state(struct runner *runner, const struct bench_options *options)
{
    const struct kvr_writer_type *writer = runner->writer->writer;
    if (writer == NULL) {
        runner->write = flat_write;
        runner->state = runner->flat;
        return;
    }
    runner->write = writer->write;
    runner->state = writer->create == NULL ? NULL : writer->create();
    if (writer->configure != NULL) {
        struct kvr_options configuration = {.reference_threshold = options->reference_threshold};
        writer->configure(runner->state, &configuration);
    }
}

bool runner_init(struct runner *runner, const struct bench_writer *writer, enum bench_sink sink,
                 const struct mix *mix, const struct bench_options *options,
                 _Atomic uint64_t *calls)
{
    *runner = (struct runner){.writer = writer, .which = sink, .calls = calls};
    if (!load_init(&runner->load, mix, writer->by_reference, options->seed)) {
        return false;
    }
    runner->flat = malloc(runner->load.longest);
    if (runner->flat == NULL || !sink_init(&runner->sink, sink)) {
        free(runner->flat);
        load_deinit(&runner->load);
        return false;
    }
    runner_make_state(runner, options);
    return true;
}

void runner_deinit(struct runner *runner)
{
    const struct kvr_writer_type *writer = runner->writer->writer;
    sink_deinit(&runner->sink);
    if (writer != NULL && writer->destroy != NULL) {
        writer->destroy(runner->state);
    }
    free(runner->flat);
    load_deinit(&runner->load);
}

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

static bool runner_compare(const struct load_batch *batch, const uint8_t *expected,
                           const uint8_t *arrived, size_t size, char message[BENCH_MESSAGE_SIZE])
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
    enum kvr_error error = runner_write(runner, batch);
    if (error != KVR_OK) {
        snprintf(message, BENCH_MESSAGE_SIZE, "refused %zu responses of %zu bytes: %s",
                 batch->count, batch->bytes, kvr_error_text(error));
        return false;
    }
    size_t size = sink_transfer(&runner->sink, arrived, batch->bytes + 1);
    return encode_reference(expected, batch) &&
           runner_compare(batch, expected, arrived, size, message);
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
