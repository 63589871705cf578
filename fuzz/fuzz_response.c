/*
 * Any responses, by every writer, into a buffer in any state (calls.h has the form). What is in the
 * buffer equals what the flat encoder makes; what can't be described is refused, and leaves the
 * buffer as it was; a batch is one reservation and one commit; references are let go of.
 */
#include "baseline/all_writers.h"
#include "calls.h"
#include "response/encode.h"
#include "sink.h"
#include "writer/hostile.h"
#include "writer/staged.h"

void fuzz_begin(void)
{
    description_begin();
    sink_begin();
}

static void drain_before(const struct description *description)
{
    if (description->drains) {
        size_t size =
            description->drained < sink_expected() ? description->drained : sink_expected();
        CHECK(evbuffer_drain(sink_output(), size) == 0);
        sink_expect_drained(size);
    }
}

/* A batch of so many bytes in the sink itself: one reservation and one commit for all of it. The
 * reservation is made once more, larger, if it got a new chunk smaller than evbuffer_add would have
 * made (4096 bytes, 48 of them its header). */
UNCOUNTED static void check_direct(const struct sink_counts *counts, size_t total,
                                   bool abandoned_before)
{
    const struct sink_watched *output = &counts->output;
    size_t grown = total < 4096 - 48 ? 4096 - 48 : total;
    bool twice = counts->new_chunk > 0 && counts->new_chunk < grown;
    CHECK(output->reservations == (twice ? 2 : 1) && output->commits == 1);
    if (output->refused > 0) { /* then it is built aside, and handed over */
        CHECK(abandoned_before || twice);
        CHECK(output->committed == 0 && counts->aside.committed == total);
        CHECK(counts->aside.reservations == 1 && counts->aside.commits == 1);
    } else {
        CHECK(output->committed == total);
        CHECK(counts->aside.reservations == 0 && counts->aside.commits == 0);
    }
}

/* Built aside: a reservation and a commit for each run without a value by reference in between, as
 * far as the run isn't in a block of its own. */
UNCOUNTED static void check_staged(const struct sink_counts *counts,
                                   const struct kvr_response *responses, size_t count,
                                   size_t threshold)
{
    unsigned runs = 0;
    size_t reserved = 0;
    size_t run = 0;
    for (size_t i = 0; i < count; i++) {
        bool reference = staged_by_reference(&responses[i], threshold);
        run += response_size(&responses[i]) - (reference ? responses[i].value_size : 0);
        if (reference || i + 1 == count) {
            runs += staged_layout(run).reserved > 0;
            reserved += staged_layout(run).reserved;
            run = 0;
        }
    }
    CHECK(counts->output.reservations == 0 && counts->output.commits == 0);
    CHECK(counts->aside.reservations == runs && counts->aside.commits == runs);
    CHECK(counts->aside.refused == 0 && counts->aside.committed == reserved);
}

UNCOUNTED static void check_batch(const struct calls *calls, const struct sink_counts *counts,
                                  const struct kvr_response *responses, size_t count)
{
    size_t threshold = calls->threshold == 0 ? KVR_REFERENCE_THRESHOLD : calls->threshold;
    size_t total = 0;
    bool references = false;
    for (size_t i = 0; i < count; i++) {
        total += response_size(&responses[i]);
        references = references || staged_by_reference(&responses[i], threshold);
    }
    if (references || total >= STAGED_COPY_MIN) {
        check_staged(counts, responses, count, threshold);
    } else {
        check_direct(counts, total, calls->state == HOSTILE_ABANDONED);
    }
}

UNCOUNTED static void check_counts(const struct kvr_writer_type *writer, const struct calls *calls,
                                   const struct sink_counts *counts,
                                   const struct kvr_response *responses, size_t count)
{
    CHECK(!counts->abandoned);
    if (strcmp(writer->name, "batch") == 0 || (strcmp(writer->name, "reserve") == 0 && count > 1)) {
        check_batch(calls, counts, responses, count);
    }
    if (strcmp(writer->name, "legacy") == 0 || strcmp(writer->name, "append") == 0) {
        CHECK(counts->output.reservations + counts->output.commits == 0);
        CHECK(counts->aside.reservations + counts->aside.commits == 0);
    }
}

static size_t run_call(const struct kvr_writer_type *writer, void *state, const struct calls *calls,
                       size_t first)
{
    struct kvr_response responses[DESCRIPTIONS_MAX];
    bool impossible;
    size_t count = calls_next(calls, first, responses, &impossible);
    drain_before(&calls->descriptions[first]);
    sink_watch();
    enum kvr_error error = writer->write(state, sink_bufferevent(), responses, count);
    struct sink_counts counts = sink_unwatch();
    CHECK((error != KVR_OK) == impossible);
    CHECK(error < KVR_NO_ROOM); /* of the kind that says so */
    if (impossible) {
        CHECK(counts.output.reservations + counts.aside.reservations == 0);
    } else {
        check_counts(writer, calls, &counts, responses, count);
        calls_expect(calls, first, count);
    }
    CHECK(evbuffer_get_length(sink_output()) == sink_expected());
    return count;
}

static void run_writer(const struct kvr_writer_type *writer, const struct calls *calls)
{
    struct kvr_options options = {.reference_threshold = calls->threshold};
    void *state = writer->create();
    CHECK(state != NULL);
    if (writer->configure != NULL) {
        writer->configure(state, &options);
    }
    sink_empty();
    CHECK(hostile_make(sink_output(), calls->state, calls->tail));
    sink_adopt();
    for (size_t first = 0; first < calls->count;) {
        first += run_call(writer, state, calls, first);
    }
    sink_check();
    sink_empty();
    calls_check_owners(calls);
    writer->destroy(state);
}

/* The limits, of each response by itself. */
UNCOUNTED static void check_sizes(const struct calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) {
        const struct description *description = &calls->descriptions[i];
        size_t size = 0;
        enum kvr_error error = kvr_size(&description->response, &size);
        CHECK((error != KVR_OK) == description->impossible);
        CHECK(error == KVR_OK || size == 0);
        CHECK(error == KVR_OK || strlen(kvr_error_text(error)) > 0);
        CHECK(error == KVR_OK || kvr_encode_flat(&description->response, NULL, 0, &size) == error);
        CHECK(error != KVR_OK || size >= KVR_HEADER_SIZE + description->response.value_size);
    }
}

void fuzz_target(const uint8_t *data, size_t size)
{
    static struct calls calls;
    calls_take(&calls, span_of(data, size));
    check_sizes(&calls);
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        run_writer(writer, &calls);
        calls.again = true; /* the buffer begins the same, and the same calls are possible */
    }
}
