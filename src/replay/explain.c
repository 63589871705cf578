#include "replay/explain.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/adopt.h"

#include <stdlib.h>

enum {
    EARLY_DEPTH = 3,    /* overlapping requests that are tried before the one at hand */
    EARLY_TRIALS = 256, /* executions that one answer is worth */
};

static bool try_again(struct run *run, struct trial *trial, int64_t now)
{
    trial_execute(run, trial, now);
    if (!trial->agrees) {
        engine_undo(run->engine);
        return false;
    }
    trial_keep(run, trial); /* what the store holds may be put back before the answer is built */
    return true;
}

static bool try_with(struct run *run, struct trial *trial, const struct engine_item *item)
{
    return engine_seed(run->engine, trial->frame.key, item) && try_again(run, trial, trial->now);
}

/* ------------------------------------------------------------------------------------ adopted */

static bool adopt(struct run *run, struct trial *trial, const struct saved_item *before)
{
    struct engine_item item;
    uint8_t number[32];
    bool unknown = before->item.knowledge == ENGINE_UNKNOWN && !run->options->cold;
    if (!unknown && !before->item.doubtful) {
        return false;
    }
    if (!adopt_state(trial, &item, number)) {
        return false;
    }
    /* What a change leaves of a doubtful item's value stays a guess; its flags too. */
    if (item.doubtful && before->item.doubtful && item.value.size == 0) {
        item.value = before->item.value;
        item.flags = before->item.flags;
    }
    if (try_with(run, trial, &item)) {
        run->doubts += item.doubtful;
        return true;
    }
    saved_item_restore(before, run->engine, trial->frame.key);
    return false;
}

/* A quiet change's CAS was never seen: that the one asked for is another is as possible as not. */
static bool assume_other_cas(struct run *run, struct trial *trial, const struct saved_item *before)
{
    struct engine_item other = before->item;
    if (!before->item.cas_unknown || trial->frame.header.cas == 0) {
        return false;
    }
    other.cas = ~trial->frame.header.cas;
    other.cas_unknown = false;
    bool agrees = try_with(run, trial, &other);
    saved_item_restore(before, run->engine, trial->frame.key);
    return agrees;
}

static bool is_recorded_miss(const struct trial *trial)
{
    uint8_t loud = mcbp_opcode_loud(trial->frame.header.opcode);
    if (trial->recorded == NULL) {
        return loud == MCBP_GET || loud == MCBP_GETK || loud == MCBP_GAT || loud == MCBP_GATK;
    }
    uint16_t status = trial->recorded->header.vbucket_or_status;
    return status == MCBP_STATUS_KEY_NOT_FOUND || status == MCBP_STATUS_NOT_STORED ||
           (loud == MCBP_ADD && status == MCBP_STATUS_SUCCESS);
}

static bool evict(struct run *run, struct trial *trial, const struct saved_item *before)
{
    static const struct engine_item absent = {.knowledge = ENGINE_ABSENT};
    if (!run->options->allow_eviction || before->item.knowledge != ENGINE_PRESENT ||
        !is_recorded_miss(trial)) {
        return false;
    }
    if (try_with(run, trial, &absent)) {
        run->capture->evictions++;
        return true;
    }
    saved_item_restore(before, run->engine, trial->frame.key);
    return false;
}

/* ----------------------------------------------------------------------------- another order */

/* Requests that wait on other connections and are about the same key. */
struct early_search {
    struct run *run;
    struct trial *trial;
    unsigned trials;
};

static bool keep_answer(struct run *run, struct pending *request, const struct trial *trial)
{
    request->early = true;
    request->answer = NULL;
    request->answer_cas_unknown = trial->answered && trial->response.status == 0;
    if (!trial->answered) {
        return true;
    }
    enum kvr_error error;
    struct span flat = construct_flat(run->construct, &trial->response, &error);
    request->answer = error == KVR_OK ? blocks_take(&run->blocks, flat.size) : NULL;
    if (request->answer == NULL) {
        request->early = false;
        return false;
    }
    memcpy(request->answer, flat.data, flat.size);
    request->answer_size = flat.size;
    return true;
}

static void forget_answer(struct run *run, struct pending *request)
{
    blocks_give(&run->blocks, request->answer, request->answer_size);
    request->answer = NULL;
    request->early = false;
}

static bool run_early(struct early_search *search, struct connection *connection,
                      struct pending *request, unsigned depth);

/* Tries each overlapping request of each other connection before the one at hand. */
static bool search_early(struct early_search *search, unsigned depth)
{
    struct trial *trial = search->trial;
    for (struct connection *c = search->run->connections; c != NULL; c = c->next) {
        for (size_t i = 0; c != trial->connection && i < c->queue.count; i++) {
            struct pending *request = pending_queue_at(&c->queue, i);
            if (request->key_hash == trial->request->key_hash && !request->early &&
                span_equal(request->frame.key, trial->frame.key) &&
                run_early(search, c, request, depth)) {
                return true;
            }
        }
    }
    return false;
}

static bool run_early(struct early_search *search, struct connection *connection,
                      struct pending *request, unsigned depth)
{
    struct run *run = search->run;
    struct trial *trial = search->trial;
    struct saved_item before;
    if (search->trials++ >= EARLY_TRIALS ||
        !saved_item_take(&before, run->engine, trial->frame.key, trial->now)) {
        return false;
    }
    struct trial early = trial_begin(connection, request, NULL, trial->now);
    trial_execute(run, &early, trial->now);
    bool found = false;
    if (early.answer.verdict != ENGINE_NO_SEMANTICS && keep_answer(run, request, &early)) {
        found = try_again(run, trial, trial->now) ||
                (depth < EARLY_DEPTH && search_early(search, depth + 1));
        if (!found) {
            forget_answer(run, request);
        }
    }
    if (!found) {
        saved_item_restore(&before, run->engine, trial->frame.key);
    }
    saved_item_deinit(&before);
    return found;
}

/* Requests executed already may have run after the one at hand. */
static bool search_alternates(struct run *run, struct trial *trial, const struct saved_item *now)
{
    const struct pending *request = trial->request;
    struct alternates *alternates = &run->alternates;
    for (size_t i = 0; i < ALTERNATES_MAX; i++) {
        struct alternate *alternate = &alternates->ring[i];
        bool seen = request->sequence < alternate->until &&
                    alternate->connection != trial->connection->conversation->id;
        if (!alternate_is_of(alternate, trial->frame.key, request->key_hash) ||
            !(seen || alternate->lasting)) {
            continue;
        }
        if (try_with(run, trial, &alternate->saved.item)) {
            /* Unless the order of two changes was open, the later change's effect stands. */
            if (!alternate->lasting) {
                saved_item_restore(now, run->engine, trial->frame.key);
            }
            return true;
        }
    }
    saved_item_restore(now, run->engine, trial->frame.key);
    return false;
}

/* A FLUSH of another connection, waiting or done, overlaps the request. */
static bool flush_overlaps(struct run *run, const struct trial *trial)
{
    for (struct connection *c = run->connections; c != NULL; c = c->next) {
        for (size_t i = 0; c != trial->connection && i < c->queue.count; i++) {
            if (mcbp_opcode_loud(pending_queue_at(&c->queue, i)->opcode) == MCBP_FLUSH) {
                return true;
            }
        }
    }
    return false;
}

static bool explain_by_flush(struct run *run, struct trial *trial, const struct saved_item *before)
{
    static const struct engine_item absent = {.knowledge = ENGINE_ABSENT};
    struct engine_item hit;
    uint8_t number[32];
    if (before->item.knowledge == ENGINE_PRESENT && flush_overlaps(run, trial) &&
        try_with(run, trial, &absent)) {
        return true;
    }
    if (before->item.knowledge == ENGINE_ABSENT && trial->request->sequence < run->flushed &&
        adopt_state(trial, &hit, number) && try_with(run, trial, &hit)) {
        saved_item_restore(before, run->engine, trial->frame.key);
        return true;
    }
    saved_item_restore(before, run->engine, trial->frame.key);
    return false;
}

/* memcached looks for a sign in the memory behind a large number, and may refuse it for what lies
 * there. */
static bool explain_by_number(struct run *run, struct trial *trial, const struct saved_item *before)
{
    struct engine_item refused = before->item;
    if (!trial->answer.number_doubtful || trial->recorded == NULL ||
        trial->recorded->header.vbucket_or_status != MCBP_STATUS_DELTA_BAD_VALUE) {
        return false;
    }
    refused.value = span_of("x", 1);
    bool agrees = try_with(run, trial, &refused);
    saved_item_restore(before, run->engine, trial->frame.key);
    return agrees;
}

/* ------------------------------------------------------------------------------ another second */

/* memcached's clock ticks once a second, at a phase that the capture does not tell. */
static bool explain_by_clock(struct run *run, struct trial *trial, const struct saved_item *before)
{
    int64_t flush = engine_flush_time(run->engine);
    int64_t now = trial->now;
    struct engine_item earlier;
    engine_look(run->engine, trial->frame.key, now - 1, &earlier);
    bool near_expiry =
        (before->item.expires != 0 && before->item.expires <= now + 1) ||
        (earlier.knowledge == ENGINE_PRESENT && before->item.knowledge == ENGINE_ABSENT);
    bool near_flush = flush != 0 && flush >= now - 1 && flush <= now + 1;
    if (!near_expiry && !near_flush) {
        return false;
    }
    return try_again(run, trial, now - 1) || try_again(run, trial, now + 1);
}

enum explained explain(struct run *run, struct trial *trial)
{
    struct saved_item before;
    enum explained explained = EXPLAINED_NOT;
    engine_undo(run->engine);
    if (!trial_has_key(trial) || trial->request->bad_lengths ||
        trial->answer.verdict == ENGINE_NO_MEMORY) {
        return EXPLAINED_NOT;
    }
    if (!saved_item_take(&before, run->engine, trial->frame.key, trial->now)) {
        run->no_memory = true;
        return EXPLAINED_NOT;
    }
    struct early_search search = {.run = run, .trial = trial};
    if (assume_other_cas(run, trial, &before) || adopt(run, trial, &before)) {
        explained = EXPLAINED_ADOPTED;
    } else if (explain_by_number(run, trial, &before) || explain_by_clock(run, trial, &before) ||
               search_early(&search, 1) || search_alternates(run, trial, &before) ||
               explain_by_flush(run, trial, &before)) {
        explained = EXPLAINED_AMBIGUOUS;
    } else if (evict(run, trial, &before)) {
        explained = EXPLAINED_ADOPTED;
    }
    saved_item_deinit(&before);
    return explained;
}

/* -------------------------------------------------------------------------- what may be open */

void explain_doubt(struct run *run, struct span key, int64_t now)
{
    struct saved_item saved;
    if (key.size == 0 || !saved_item_take(&saved, run->engine, key, now)) {
        return;
    }
    saved.item.knowledge = ENGINE_PRESENT;
    saved.item.doubtful = true;
    saved_item_restore(&saved, run->engine, key);
    saved_item_deinit(&saved);
    run->doubts++;
}

static bool changes_its_key(uint8_t opcode)
{
    switch (mcbp_opcode_loud(opcode)) {
    case MCBP_SET:
    case MCBP_ADD:
    case MCBP_REPLACE:
    case MCBP_DELETE:
    case MCBP_INCREMENT:
    case MCBP_DECREMENT:
    case MCBP_APPEND:
    case MCBP_PREPEND:
        return true;
    default:
        return false;
    }
}

bool explain_may_overlap(struct run *run, const struct trial *trial, struct saved_item *before)
{
    const struct pending *request = trial->request;
    if (!changes_its_key(request->opcode) || !trial_has_key(trial)) {
        return false;
    }
    bool waiting = *run_contention(run, request->key_hash) > 0;
    bool overlapped = alternates_overlap(&run->alternates, trial->frame.key, request->key_hash,
                                         request->sequence, trial->connection->conversation->id);
    return (waiting || overlapped) &&
           saved_item_take(before, run->engine, trial->frame.key, trial->now);
}

/*
 * INCREMENT and DECREMENT overwrite a number in place and pad a shorter one with spaces, unless a
 * response with the old one is still being sent; a capture does not tell which was the case.
 */
static void note_padding(struct run *run, const struct trial *trial)
{
    struct engine_item item;
    struct saved_item padded;
    engine_look(run->engine, trial->frame.key, trial->now, &item);
    size_t size = item.value.size;
    while (size > 0 && item.value.data[size - 1] == ' ') {
        size--;
    }
    if (size == item.value.size ||
        !saved_item_take(&padded, run->engine, trial->frame.key, trial->now)) {
        return;
    }
    padded.item.value.size = size;
    alternates_add(&run->alternates, trial->frame.key, trial->request->key_hash,
                   trial->connection->conversation->id, run->sequence, true, &padded);
}

void explain_changed(struct run *run, const struct trial *trial, struct saved_item *before)
{
    const struct pending *request = trial->request;
    uint64_t connection = trial->connection->conversation->id;
    bool lasting = alternates_overlap(&run->alternates, trial->frame.key, request->key_hash,
                                      request->sequence, connection);
    bool waiting = *run_contention(run, request->key_hash) > 0;
    if (lasting || waiting) {
        alternates_add(&run->alternates, trial->frame.key, request->key_hash, connection,
                       run->sequence, lasting, before);
    } else {
        saved_item_deinit(before);
    }
}

void explain_counted(struct run *run, const struct trial *trial)
{
    uint8_t loud = mcbp_opcode_loud(trial->request->opcode);
    if ((loud == MCBP_INCREMENT || loud == MCBP_DECREMENT) && trial_has_key(trial)) {
        note_padding(run, trial);
    }
}
