/*
 * The response target with an allocation that fails: the one with the number that the preamble
 * says (calls.h), alone or with all that follow. A call that fails has left the buffer byte for
 * byte as it was; nothing leaks.
 */
#include "allocator.h"
#include "baseline/all_writers.h"
#include "calls.h"
#include "sink.h"
#include "writer/hostile.h"

void fuzz_begin(void)
{
    allocator_begin();
    description_begin();
    sink_begin();
}

static size_t run_call(const struct kvr_writer_type *writer, void *state, const struct calls *calls,
                       size_t first)
{
    struct kvr_response responses[DESCRIPTIONS_MAX];
    bool impossible;
    size_t count = calls_next(calls, first, responses, &impossible);
    sink_watch();
    allocator_refuse(1 + calls->refuse % 64, calls->refuse_rest);
    enum kvr_error error = writer->write(state, sink_bufferevent(), responses, count);
    bool refused = allocator_allow();
    sink_unwatch();
    /* A baseline that has nothing at hand to take back with; those of the library never. */
    CHECK(error != KVR_TORN || (state == NULL && refused && kvr_writer_find(writer->name) == NULL));
    CHECK(error != KVR_BUFFER_REFUSED && error != KVR_NO_ROOM);
    CHECK(!impossible || error != KVR_OK);
    CHECK(error != KVR_NO_MEMORY || refused);
    if (error == KVR_OK) {
        calls_expect(calls, first, count);
    }
    if (error == KVR_TORN) {
        return calls->count; /* the connection would be closed */
    }
    CHECK(error == KVR_OK || error == KVR_NO_MEMORY || impossible);
    sink_check();
    return count;
}

static void run_writer(const struct kvr_writer_type *writer, const struct calls *calls)
{
    size_t before = allocator_live();
    struct kvr_options options = {.reference_threshold = calls->threshold};
    bool stateless = calls->refuse % 7 == 6; /* as if that could not be had */
    void *state = stateless ? NULL : writer->create();
    if (writer->configure != NULL) {
        writer->configure(state, &options);
    }
    CHECK(hostile_make(sink_output(), calls->state, calls->tail));
    sink_adopt();
    for (size_t first = 0; first < calls->count;) {
        first += run_call(writer, state, calls, first);
    }
    sink_empty();
    calls_check_owners(calls);
    writer->destroy(state);
    CHECK(allocator_live() == before);
}

void fuzz_target(const uint8_t *data, size_t size)
{
    static struct calls calls;
    calls_take(&calls, span_of(data, size));
    sink_empty();
    for (size_t w = 0; all_writers[w] != NULL; w++) {
        const struct kvr_writer_type *writer = all_writers[w];
        run_writer(writer, &calls);
    }
}
