#include "replay/overlap.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/reorder.h"

/* ------------------------------------------------------------------------------------ waiting */

static struct contention *contention_of(struct run *run, uint64_t key_hash)
{
    return &run->contention[key_hash % CONTENTION_SLOTS];
}

static bool is_flush(uint8_t opcode)
{
    return mcbp_opcode_loud(opcode) == MCBP_FLUSH;
}

void overlap_begins_to_wait(struct run *run, const struct connection *connection,
                            const struct pending *request)
{
    struct contention *contention = contention_of(run, request->key_hash);
    uint32_t id = (uint32_t)connection->conversation->id;
    if (contention->waiting++ == 0) {
        contention->connection = id;
        contention->mixed = false;
    } else if (contention->connection != id) {
        contention->mixed = true;
    }
    run->flushes_waiting += is_flush(request->opcode);
}

void overlap_ends_to_wait(struct run *run, const struct pending *request)
{
    contention_of(run, request->key_hash)->waiting--;
    run->flushes_waiting -= is_flush(request->opcode);
}

/* -------------------------------------------------------------------------------- remembering */

static bool is_of(const struct overlap *overlap, struct span key, uint64_t key_hash)
{
    return overlap->used && overlap->key_hash == key_hash &&
           span_equal(span_of(overlap->key, overlap->key_size), key);
}

struct overlap *overlap_find(struct run *run, struct span key, uint64_t key_hash)
{
    for (size_t i = 0; run->overlaps.used > 0 && key.size > 0 && i < OVERLAPS_MAX; i++) {
        if (is_of(&run->overlaps.ring[i], key, key_hash)) {
            return &run->overlaps.ring[i];
        }
    }
    return NULL;
}

bool overlap_has_run(const struct overlap *overlap, uint64_t sequence)
{
    for (size_t i = 0; overlap != NULL && i < overlap->count; i++) {
        if (overlap->steps[i].request.sequence == sequence) {
            return true;
        }
    }
    return false;
}

void overlap_release_step(struct run *run, struct step *step)
{
    pending_release(&step->request, &run->blocks);
    blocks_give(&run->blocks, step->answer, step->answer_size);
}

void overlap_drop(struct run *run, struct overlap *overlap)
{
    for (size_t i = 0; i < overlap->count; i++) {
        overlap_release_step(run, &overlap->steps[i]);
    }
    saved_item_deinit(&overlap->base);
    saved_item_deinit(&overlap->kept);
    overlap->used = false;
    overlap->count = overlap->bytes = 0;
    run->overlaps.used--;
}

struct overlap *overlap_begin(struct run *run, struct span key, uint64_t key_hash,
                              struct saved_item *base)
{
    struct overlap *overlap = &run->overlaps.ring[run->overlaps.next++ % OVERLAPS_MAX];
    if (key.size > OVERLAP_KEY_MAX || base->item.value.size > OVERLAP_BYTES_MAX) {
        saved_item_deinit(base);
        return NULL;
    }
    if (overlap->used) {
        overlap_drop(run, overlap);
    }
    overlap->used = true;
    overlap->key_hash = key_hash;
    overlap->key_size = key.size;
    memcpy(overlap->key, key.data, key.size);
    overlap->base = *base;
    base->value = NULL;
    run->overlaps.used++;
    return overlap;
}

bool overlap_make_step(struct run *run, const struct trial *trial, uint64_t answered,
                       struct step *step)
{
    struct span answer = trial->recorded != NULL ? trial->recorded->bytes : span_of(NULL, 0);
    *step = (struct step){
        .connection = trial->connection->conversation->id,
        .answered = answered,
        .answer_size = answer.size,
        .now = trial->now,
        .variant = trial->variant,
    };
    step->answer = answer.size > 0 ? blocks_take(&run->blocks, answer.size) : NULL;
    if ((answer.size > 0 && step->answer == NULL) ||
        !pending_copy(&step->request, trial->request, &run->blocks)) {
        blocks_give(&run->blocks, step->answer, step->answer_size);
        return false;
    }
    if (answer.size > 0) {
        memcpy(step->answer, answer.data, answer.size);
    }
    return true;
}

size_t overlap_step_size(const struct step *step)
{
    return step->request.frame.bytes.size + step->answer_size;
}

/* Before it grows. */
static void bound(struct run *run, struct overlap *overlap, int64_t now)
{
    if (overlap->bytes > OVERLAP_BYTES_MAX) {
        overlap_drop(run, overlap);
    } else if (overlap->count >= OVERLAP_STEPS_MAX) {
        reorder_fix_beginning(run, overlap, now);
    }
}

static void append(struct run *run, struct overlap *overlap, const struct trial *trial)
{
    if (overlap->count == OVERLAP_STEPS_ROOM) {
        overlap_drop(run, overlap);
        return;
    }
    struct step *step = &overlap->steps[overlap->count];
    if (!overlap_make_step(run, trial, run->sequence, step)) {
        run->no_memory = true;
        return;
    }
    overlap->count++;
    overlap->bytes += overlap_step_size(step);
}

/* ------------------------------------------------------------------------------- what is open */

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
    case MCBP_TOUCH:
    case MCBP_GAT:
    case MCBP_GATK:
        return true;
    default:
        return false;
    }
}

static bool is_counter(uint8_t opcode)
{
    uint8_t loud = mcbp_opcode_loud(opcode);
    return loud == MCBP_INCREMENT || loud == MCBP_DECREMENT;
}

void overlap_prepare(struct run *run, const struct trial *trial, struct saved_item *before)
{
    const struct pending *request = trial->request;
    const struct contention *contention = contention_of(run, request->key_hash);
    bool open = (contention->waiting > 0 && contention->mixed) || run->flushes_waiting > 0;
    struct overlap *overlap = overlap_find(run, trial->frame.key, request->key_hash);
    before->value = NULL;
    if (overlap != NULL) {
        bound(run, overlap, trial->now);
    } else if (open && trial_has_key(trial) && changes_its_key(request->opcode) &&
               !saved_item_take(before, run->engine, trial->frame.key, trial->now)) {
        run->no_memory = true;
    }
}

static bool is_padded(struct run *run, const struct trial *trial)
{
    struct engine_item item;
    engine_look(run->engine, trial->frame.key, trial->now, &item);
    return item.value.size > 0 && item.value.data[item.value.size - 1] == ' ';
}

void overlap_note_padding(struct run *run, struct trial *trial, struct saved_item *before)
{
    if (before->value != NULL || !is_counter(trial->request->opcode) || !trial_has_key(trial) ||
        !is_padded(run, trial)) {
        return;
    }
    engine_undo(run->engine);
    if (saved_item_take(before, run->engine, trial->frame.key, trial->now)) {
        trial_execute(run, trial, trial->now);
    } else {
        run->no_memory = true;
    }
}

/* After it, what the key holds is the same in every order: it was shown, or replaced. */
static bool leaves_nothing_open(const struct trial *trial)
{
    switch (mcbp_opcode_loud(trial->request->opcode)) {
    case MCBP_GET:
    case MCBP_GETK:
        return true;
    case MCBP_SET:
    case MCBP_DELETE:
        return trial->frame.header.cas == 0 &&
               (trial->recorded == NULL ||
                trial->recorded->header.vbucket_or_status == MCBP_STATUS_SUCCESS);
    default:
        return false;
    }
}

bool overlap_is_settled_by(struct run *run, const struct overlap *overlap,
                           const struct trial *trial)
{
    if (run->flushes_waiting > 0 || !leaves_nothing_open(trial) ||
        contention_of(run, trial->request->key_hash)->waiting > 0) {
        return false;
    }
    for (size_t i = 0; i < overlap->count; i++) {
        if (overlap->steps[i].answered > trial->request->sequence &&
            overlap->steps[i].request.sequence != trial->request->sequence) {
            return false;
        }
    }
    return true;
}

void overlap_note(struct run *run, const struct trial *trial, struct saved_item *before)
{
    const struct pending *request = trial->request;
    struct overlap *overlap = overlap_find(run, trial->frame.key, request->key_hash);
    if (overlap == NULL && before->value != NULL) {
        overlap = overlap_begin(run, trial->frame.key, request->key_hash, before);
    }
    saved_item_deinit(before);
    if (overlap == NULL || overlap_has_run(overlap, request->sequence)) {
        return; /* reordering has noted it */
    }
    if (overlap_is_settled_by(run, overlap, trial)) {
        overlap_drop(run, overlap);
    } else {
        append(run, overlap, trial);
    }
}

void overlap_forget(struct run *run, struct span key)
{
    for (size_t i = 0; run->overlaps.used > 0 && i < OVERLAPS_MAX; i++) {
        struct overlap *overlap = &run->overlaps.ring[i];
        if (overlap->used && span_equal(span_of(overlap->key, overlap->key_size), key)) {
            overlap_drop(run, overlap);
        }
    }
}

void overlap_forget_all(struct run *run)
{
    for (size_t i = 0; run->overlaps.used > 0 && i < OVERLAPS_MAX; i++) {
        if (run->overlaps.ring[i].used) {
            overlap_drop(run, &run->overlaps.ring[i]);
        }
    }
}

/* -------------------------------------------------------------------------------------- FLUSH */

static void begin_for_waiting(struct run *run, const struct pending *request, int64_t now)
{
    struct saved_item base;
    struct span key = request->frame.key;
    if (key.size == 0 || overlap_find(run, key, request->key_hash) != NULL) {
        return;
    }
    if (!saved_item_take(&base, run->engine, key, now)) {
        run->no_memory = true;
    } else if (base.item.knowledge == ENGINE_PRESENT || changes_its_key(request->opcode)) {
        overlap_begin(run, key, request->key_hash, &base);
    } else {
        saved_item_deinit(&base); /* it reads the same before and after */
    }
}

void overlap_prepare_flush(struct run *run, const struct trial *trial)
{
    for (struct connection *c = run->connections; c != NULL; c = c->next) {
        for (size_t i = 0; c != trial->connection && i < c->queue.count; i++) {
            begin_for_waiting(run, pending_queue_at(&c->queue, i), trial->now);
        }
    }
    for (size_t i = 0; run->overlaps.used > 0 && i < OVERLAPS_MAX; i++) {
        struct overlap *overlap = &run->overlaps.ring[i];
        if (overlap->used && overlap_has_run(overlap, trial->request->sequence)) {
            run->no_memory |= !saved_item_take(
                &overlap->kept, run->engine, span_of(overlap->key, overlap->key_size), trial->now);
        }
    }
}

static void note_answered(struct overlap *overlap, uint64_t sequence, uint64_t answered)
{
    for (size_t i = 0; i < overlap->count; i++) {
        if (overlap->steps[i].request.sequence == sequence) {
            overlap->steps[i].answered = answered;
        }
    }
}

void overlap_note_flush(struct run *run, const struct trial *trial)
{
    for (size_t i = 0; run->overlaps.used > 0 && i < OVERLAPS_MAX; i++) {
        struct overlap *overlap = &run->overlaps.ring[i];
        if (overlap->used && overlap->kept.value != NULL) {
            saved_item_restore(&overlap->kept, run->engine,
                               span_of(overlap->key, overlap->key_size));
            saved_item_deinit(&overlap->kept);
            note_answered(overlap, trial->request->sequence, run->sequence);
        } else if (overlap->used) {
            append(run, overlap, trial);
        }
    }
}
