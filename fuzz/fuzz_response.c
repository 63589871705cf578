/*
 * Any responses, by every writer, into a buffer in any state (calls.h has the form). What is in the
 * buffer equals what the flat encoder makes; what can't be described is refused, and leaves the
 * buffer as it was; a batch is one commit; references are let go of.
 */
#include "calls.h"
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

/* One reservation and one commit for all responses; a reservation may be asked for twice. */
static void check_counts(const struct kvr_writer *writer, const struct sink_counts *counts,
                         size_t calls, size_t count, bool references)
{
    CHECK(!counts->abandoned);
    if (strcmp(writer->name, "batch") == 0 && !references) {
        CHECK(counts->commits <= 2 && counts->reservations <= 3 && calls > 0);
    }
    if (strcmp(writer->name, "legacy") == 0 || strcmp(writer->name, "append") == 0) {
        CHECK(counts->reservations == 0 && counts->commits == 0 && count > 0);
    }
}

static bool any_owner(const struct kvr_response *responses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (responses[i].value_owner != NULL) {
            return true;
        }
    }
    return false;
}

static size_t run_call(const struct kvr_writer *writer, void *state, const struct calls *calls,
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
        CHECK(counts.reservations == 0);
    } else {
        check_counts(writer, &counts, 1, count, any_owner(responses, count));
        calls_expect(calls, first, count);
    }
    CHECK(evbuffer_get_length(sink_output()) == sink_expected());
    return count;
}

static void run_writer(const struct kvr_writer *writer, const struct calls *calls)
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
static void check_sizes(const struct calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) {
        const struct description *description = &calls->descriptions[i];
        size_t size = 0;
        enum kvr_error error = kvr_size(&description->response, &size);
        CHECK((error != KVR_OK) == description->impossible);
        CHECK(error == KVR_OK || size == 0);
        CHECK(error != KVR_OK || size >= KVR_HEADER_SIZE + description->response.value_size);
    }
}

void fuzz_target(const uint8_t *data, size_t size)
{
    static struct calls calls;
    calls_take(&calls, span_of(data, size));
    check_sizes(&calls);
    for (const struct kvr_writer *writer = kvr_writers; writer->name != NULL; writer++) {
        run_writer(writer, &calls);
    }
}
