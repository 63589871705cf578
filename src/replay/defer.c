#include "replay/defer.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/cas.h"
#include "replay/execution.h"
#include "replay/operation.h"
#include "replay/overlap.h"
#include "replay/pairing.h"
#include "replay/restart.h"
#include "replay/trial.h"
#include "replay/unseen.h"

#include <stdlib.h>

enum { ADDED_MAX = 128 /* operations, before an order is looked for */ };

static struct overlap *defer_begin(struct run *run, struct span key, uint64_t key_hash, int64_t now)
{
    struct overlaps *all = &run->model->overlaps;
    struct overlap *overlap = malloc(sizeof(*overlap) + key.size);
    struct saved_item base;
    struct engine_item item;
    if (overlap == NULL || !saved_item_take(&base, run->model->engine, key, SAVED_WHOLE)) {
        free(overlap);
        return NULL;
    }
    engine_look(run->model->engine, key, now, &item);
    if (base.item.knowledge == ENGINE_UNKNOWN) {
        base.item.knowledge = item.knowledge;
    }
    *overlap = (struct overlap){
        .key_hash = key_hash,
        .key_size = key.size,
        .certain = unseen_certain_since(run, key_hash),
        .base = base,
        .base_flush = engine_flush_state(run->model->engine),
        .base_floor =
            base.item.knowledge == ENGINE_PRESENT && !base.item.doubtful ? base.item.cas : 0,
    };
    memcpy(overlap->key, key.data, key.size);
    if (all->used >= OVERLAPS_MAX) {
        run->ordering.finish(run, all->oldest);
    }
    overlap_put_in(run, overlap);
    overlap_set_bytes(run, overlap, sizeof(*overlap) + base.item.value.size);
    return overlap;
}

static void bound(struct run *run)
{
    while (run->model->overlaps.bytes > OVERLAP_BYTES_MAX) {
        run->ordering.make_room(run, run->model->overlaps.oldest);
    }
}

/* False: no memory. */
static bool defer_keep(struct run *run, struct overlap *overlap, struct connection *connection,
                       const struct pending *request, const struct dissect_frame *response,
                       uint64_t answered)
{
    bool any_cas =
        cas_takes_any(run, connection, request, response != NULL ? &response->frame : NULL);
    struct operation *operation =
        operation_create(run, connection, request, response, answered, any_cas);
    if (operation == NULL || !overlap_add(run, overlap, operation)) {
        if (operation != NULL) {
            operation_destroy(run, operation);
        }
        run->no_memory = true;
        return false;
    }
    overlap->added++;
    run->model->overlaps.operations++;
    return true;
}

/* The overlap may be gone afterwards. */
static void advance(struct run *run, struct overlap *overlap)
{
    if (overlap->added >= ADDED_MAX ||
        (overlap->added > 0 && !overlap_is_waited_for(run, overlap))) {
        overlap->added = 0;
        run->ordering.advance(run, overlap);
    }
}

static size_t digits_of(uint64_t number)
{
    size_t digits = 1;
    for (; number >= 10; number /= 10) {
        digits++;
    }
    return digits;
}

/* The number is longer than its digits, or incremented it may begin at 0 again. */
static bool may_shorten(const struct pending *request, struct span number)
{
    enum { DIGITS_MAX = 18 }; /* of what can't reach 2^64 by adding less than 2^63 */
    bool wraps = number.size > DIGITS_MAX || (int64_t)read_be64(request->frame.extras.data) < 0;
    size_t digits = 0;
    while (digits < number.size && number.data[digits] >= '0' && number.data[digits] <= '9') {
        digits++;
    }
    return number.data[0] == '0' || digits < number.size || wraps;
}

/* memcached overwrites a number in place and pads it, unless somebody is reading it: which it was
 * is shown by what is read later. */
static bool may_be_padded(struct run *run, const struct pending *request,
                          const struct dissect_frame *response, int64_t now)
{
    struct engine_item item;
    if (!mcbp_opcode_counts(request->opcode)) {
        return false;
    }
    engine_look(run->model->engine, request->frame.key, now, &item);
    if (item.knowledge != ENGINE_PRESENT || item.doubtful || item.value.size < 2) {
        return false;
    }
    if (response != NULL) {
        struct span number = response->frame.value;
        return number.size == sizeof(uint64_t) &&
               digits_of(read_be64(number.data)) < item.value.size;
    }
    return mcbp_opcode_loud(request->opcode) == MCBP_DECREMENT || may_shorten(request, item.value);
}

/* A counter that makes what it does not find tells by its number alone which it was, if at all:
 * what is read later shows it. */
static bool may_be_made(struct run *run, const struct pending *request, int64_t now)
{
    return mcbp_opcode_counts(request->opcode) && execution_depends_on_clock(run, request, now);
}

static bool begins_overlap(struct run *run, const struct pending *request,
                           const struct dissect_frame *response, int64_t now)
{
    const struct contention *contention = overlap_contention(run, request->key_hash);
    bool changes = mcbp_opcode_changes(request->opcode) || contention->changes > 0;
    return (contention->waiting > 0 && contention->mixed && changes) ||
           run->model->flushes_waiting > 0 || may_be_padded(run, request, response, now) ||
           may_be_made(run, request, now);
}

/* Where it is not certain which request an answer belongs to, what the store holds now decides. Of
 * silence it is certain, unless the answer may be lost, and then it may mean anything. */
static bool is_deferrable(const struct connection *connection, const struct pending *request,
                          const struct dissect_frame *response)
{
    bool sure = response == NULL || !connection->repeats ||
                !mcbp_opcode_is_quiet(request->opcode) || !pairing_has_another(connection, request);
    bool silent = response == NULL && request->lost_ok;
    return request->magic == MCBP_CLIENT_REQUEST && !connection->features_negotiated &&
           !connection->desynchronised && !request->bad_lengths &&
           (silent || (sure && pairing_is_certain(connection, request))) &&
           mcbp_opcode_is_keyed(request->opcode) && engine_is_well_formed(&request->frame);
}

/* It has not been executed at all. */
static bool defer_is_refusal(const struct dissect_frame *response)
{
    return response != NULL && response->frame.header.vbucket_or_status == MCBP_STATUS_AUTH_ERROR;
}

/* An answer that was delivered late was there before what others have asked since. */
static uint64_t answered_at(const struct run *run, const struct dissect_frame *response)
{
    bool late = response != NULL && response->origin.packet < run->packets;
    return late ? timeline_sequence(&run->timeline, response->origin.packet) : run->sequence;
}

static bool keep_if_overlapping(struct run *run, struct connection *connection,
                                struct pending *request, const struct dissect_frame *response)
{
    int64_t now = origin_seconds(response != NULL ? &response->origin : &request->origin);
    if (!is_deferrable(connection, request, response) || defer_is_refusal(response)) {
        return false;
    }
    struct trial trial =
        trial_begin(connection, request, response != NULL ? &response->frame : NULL, now);
    restart_look(run, &trial);
    if (cas_judge_change(run, &trial).why != NULL || cas_is_against_evidence(run, &trial)) {
        return false;
    }
    struct overlap *overlap = overlap_find(run, request->frame.key, request->key_hash);
    if (overlap == NULL) {
        if (!begins_overlap(run, request, response, now)) {
            return false;
        }
        overlap = defer_begin(run, request->frame.key, request->key_hash, now);
    }
    if (overlap == NULL) {
        run->no_memory = true;
        return false;
    }
    cas_note(run, &trial, true);
    request->cas_judged = true;
    return defer_keep(run, overlap, connection, request, response, answered_at(run, response));
}

static void note_version(struct run *run, struct connection *connection,
                         const struct pending *request, const struct dissect_frame *response)
{
    if (response != NULL && response->frame.header.cas != 0 &&
        mcbp_opcode_makes_version(request->opcode) &&
        response->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS &&
        !stretch_end(run, &connection->stretch, response->frame.header.cas)) {
        run->no_memory = true;
    }
}

bool defer_answer(struct run *run, struct connection *connection, struct pending *request,
                  const struct dissect_frame *response)
{
    bool deferred = keep_if_overlapping(run, connection, request, response);
    note_version(run, connection, request, response);
    if (deferred) {
        struct overlap *overlap = overlap_find(run, request->frame.key, request->key_hash);
        advance(run, overlap);
        bound(run);
    }
    return deferred;
}

static void keep_flush(struct run *run, struct connection *connection,
                       const struct pending *request, uint64_t answered)
{
    for (struct overlap *overlap = run->model->overlaps.oldest; overlap != NULL;
         overlap = overlap->newer) {
        defer_keep(run, overlap, connection, request, NULL, answered);
    }
}

bool defer_abandoned(struct run *run, struct connection *connection, const struct pending *request)
{
    if (operation_is_flush(request)) {
        keep_flush(run, connection, request, NOT_ANSWERED);
        return true;
    }
    struct overlap *overlap = overlap_find(run, request->frame.key, request->key_hash);
    if (overlap == NULL || overlap->busy || !is_deferrable(connection, request, NULL)) {
        return false;
    }
    return defer_keep(run, overlap, connection, request, NULL, NOT_ANSWERED);
}

void defer_begin_abandoned(struct run *run, const struct connection *connection,
                           const struct pending *request)
{
    enum { ABANDONED_MAX = 1024 }; /* each keeps its connection in memory until it is read */
    if (run->model->overlaps.used < ABANDONED_MAX && mcbp_opcode_changes(request->opcode) &&
        is_deferrable(connection, request, NULL) &&
        overlap_find(run, request->frame.key, request->key_hash) == NULL &&
        defer_begin(run, request->frame.key, request->key_hash, origin_seconds(&request->origin)) ==
            NULL) {
        run->no_memory = true;
    }
}

/* --------------------------------------------------------------------------------------- FLUSH */

/* What waits may have run before or after it. */
static void begin_for_waiting(struct run *run, const struct pending *request, int64_t now)
{
    struct engine_item item;
    struct span key = request->frame.key;
    if (key.size == 0 || overlap_find(run, key, request->key_hash) != NULL) {
        return;
    }
    engine_look(run->model->engine, key, now, &item);
    if ((item.knowledge == ENGINE_PRESENT || mcbp_opcode_changes(request->opcode)) &&
        defer_begin(run, key, request->key_hash, now) == NULL) {
        run->no_memory = true;
    }
}

void defer_prepare_flush(struct run *run, const struct connection *connection, int64_t now)
{
    for (struct connection *c = run->model->connections; c != NULL; c = c->next) {
        for (size_t i = 0; c != connection && i < c->queue.count; i++) {
            begin_for_waiting(run, pending_queue_at(&c->queue, i), now);
        }
    }
}

void defer_note_flush(struct run *run, struct connection *connection, const struct pending *request)
{
    keep_flush(run, connection, request, run->sequence);
}

void defer_advance(struct run *run, const struct pending *request)
{
    struct overlap *newer;
    if (!operation_is_flush(request)) {
        return;
    }
    for (struct overlap *overlap = run->model->overlaps.oldest; overlap != NULL; overlap = newer) {
        newer = overlap->newer;
        advance(run, overlap);
    }
    bound(run);
}
