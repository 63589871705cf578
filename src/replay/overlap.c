#include "replay/overlap.h"

#include "engine/hash.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/reorder.h"

#include <stdlib.h>

uint64_t overlap_key_hash(struct span key)
{
    static const uint64_t seed[2] = {0x9e3779b97f4a7c15u, 0xd1b54a32d192ed03u};
    return hash_key(key, seed);
}

/* ------------------------------------------------------------------------------------ waiting */

static struct contention **page_of(struct run *run, uint64_t key_hash)
{
    return &run->contention[key_hash % CONTENTION_SLOTS / CONTENTION_PAGE];
}

static struct contention *slot_in(struct contention *page, uint64_t key_hash)
{
    return &page[key_hash % CONTENTION_PAGE];
}

static const struct contention *contention_of(struct run *run, uint64_t key_hash)
{
    static const struct contention none;
    struct contention *page = *page_of(run, key_hash);
    return page == NULL ? &none : slot_in(page, key_hash);
}

static bool is_flush(uint8_t opcode)
{
    return mcbp_opcode_loud(opcode) == MCBP_FLUSH;
}

void overlap_begins_to_wait(struct run *run, const struct connection *connection,
                            const struct pending *request)
{
    struct contention **page = page_of(run, request->key_hash);
    uint32_t id = (uint32_t)connection->conversation->id;
    run->flushes_waiting += is_flush(request->opcode);
    if (*page == NULL && (*page = calloc(CONTENTION_PAGE, sizeof(**page))) == NULL) {
        run->no_memory = true;
        return;
    }
    struct contention *contention = slot_in(*page, request->key_hash);
    if (contention->waiting++ == 0) {
        contention->connection = id;
        contention->mixed = false;
    } else if (contention->connection != id) {
        contention->mixed = true;
    }
}

void overlap_ends_to_wait(struct run *run, const struct pending *request)
{
    struct contention *page = *page_of(run, request->key_hash);
    run->flushes_waiting -= is_flush(request->opcode);
    if (page != NULL && slot_in(page, request->key_hash)->waiting > 0) { /* else: no memory */
        slot_in(page, request->key_hash)->waiting--;
    }
}

/* -------------------------------------------------------------------------------- remembering */

static struct overlap **bucket_of(struct run *run, uint64_t key_hash)
{
    return &run->overlaps.buckets[key_hash % OVERLAP_BUCKETS];
}

static struct span key_of(const struct overlap *overlap)
{
    return span_of(overlap->key, overlap->key_size);
}

struct overlap *overlap_find(struct run *run, struct span key, uint64_t key_hash)
{
    if (run->overlaps.used == 0 || key.size == 0) {
        return NULL;
    }
    struct overlap *overlap = *bucket_of(run, key_hash);
    while (overlap != NULL &&
           (overlap->key_hash != key_hash || !span_equal(key_of(overlap), key))) {
        overlap = overlap->next;
    }
    return overlap;
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

static size_t size_of(const struct step *step)
{
    return sizeof(*step) + step->request.frame.bytes.size + step->answer_size;
}

static void set_bytes(struct run *run, struct overlap *overlap, size_t bytes)
{
    run->overlaps.bytes += bytes - overlap->bytes;
    overlap->bytes = bytes;
}

void overlap_drop_steps(struct run *run, struct overlap *overlap, size_t count)
{
    size_t bytes = overlap->bytes;
    for (size_t i = 0; i < count; i++) {
        bytes -= size_of(&overlap->steps[i]);
        overlap_release_step(run, &overlap->steps[i]);
    }
    set_bytes(run, overlap, bytes);
    overlap->count -= count;
    overlap->tried = overlap->count;
    if (overlap->count > 0) {
        memmove(overlap->steps, overlap->steps + count, overlap->count * sizeof(struct step));
    }
}

static void take_out(struct run *run, struct overlap *overlap)
{
    struct overlaps *all = &run->overlaps;
    struct overlap **at = bucket_of(run, overlap->key_hash);
    while (*at != overlap) {
        at = &(*at)->next;
    }
    *at = overlap->next;
    *(overlap->older != NULL ? &overlap->older->newer : &all->oldest) = overlap->newer;
    *(overlap->newer != NULL ? &overlap->newer->older : &all->newest) = overlap->older;
    all->used--;
}

static void put_in(struct run *run, struct overlap *overlap)
{
    struct overlaps *all = &run->overlaps;
    struct overlap **bucket = bucket_of(run, overlap->key_hash);
    overlap->next = *bucket;
    *bucket = overlap;
    overlap->older = all->newest;
    *(all->newest != NULL ? &all->newest->newer : &all->oldest) = overlap;
    all->newest = overlap;
    all->used++;
}

void overlap_drop(struct run *run, struct overlap *overlap)
{
    overlap_drop_steps(run, overlap, overlap->count);
    set_bytes(run, overlap, 0);
    take_out(run, overlap);
    saved_item_deinit(&overlap->base);
    saved_item_deinit(&overlap->kept);
    free(overlap->steps);
    free(overlap);
}

static void lose(struct run *run, struct overlap *overlap)
{
    engine_forget(run->engine, key_of(overlap));
    overlap_drop_steps(run, overlap, overlap->count);
    overlap_set_base(run, overlap, &(struct saved_item){0});
    overlap->lost = true;
}

void overlap_set_base(struct run *run, struct overlap *overlap, struct saved_item *base)
{
    size_t before = overlap->base.value != NULL ? overlap->base.item.value.size : 0;
    saved_item_deinit(&overlap->base);
    overlap->base = *base;
    base->value = NULL;
    set_bytes(run, overlap, overlap->bytes - before + overlap->base.item.value.size);
}

struct overlap *overlap_begin(struct run *run, struct span key, uint64_t key_hash,
                              struct saved_item *base)
{
    struct overlap *overlap = malloc(sizeof(*overlap) + key.size);
    if (overlap == NULL) {
        run->no_memory = true;
        saved_item_deinit(base);
        return NULL;
    }
    if (run->overlaps.used >= OVERLAPS_MAX) {
        engine_forget(run->engine, key_of(run->overlaps.oldest));
        overlap_drop(run, run->overlaps.oldest);
    }
    *overlap = (struct overlap){.key_hash = key_hash, .key_size = key.size};
    memcpy(overlap->key, key.data, key.size);
    put_in(run, overlap);
    overlap_set_base(run, overlap, base);
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

void overlap_lose(struct run *run, struct span key, uint64_t key_hash)
{
    struct overlap *overlap = overlap_find(run, key, key_hash);
    struct saved_item nothing = {0};
    if (overlap == NULL) {
        overlap = overlap_begin(run, key, key_hash, &nothing);
    }
    if (overlap != NULL) {
        lose(run, overlap);
    }
}

static bool make_room(struct overlap *overlap)
{
    if (overlap->count < overlap->room) {
        return true;
    }
    size_t room = overlap->room == 0 ? 8 : 2 * overlap->room;
    struct step *steps = reallocarray(overlap->steps, room, sizeof(*steps));
    if (steps == NULL) {
        return false;
    }
    overlap->steps = steps;
    overlap->room = room;
    return true;
}

void overlap_set_steps(struct run *run, struct overlap *overlap, struct step *steps, size_t count)
{
    size_t bytes = overlap->base.item.value.size;
    for (size_t i = 0; i < count; i++) {
        bytes += size_of(&steps[i]);
    }
    set_bytes(run, overlap, bytes);
    free(overlap->steps);
    overlap->steps = steps;
    overlap->count = overlap->room = count;
}

/* Before it grows. */
static void bound(struct run *run, struct overlap *overlap, const struct trial *trial)
{
    if (overlap->count >= overlap->tried + OVERLAP_STEPS_TRIED) {
        overlap->tried = overlap->count;
        reorder_settle_beginning(run, overlap, trial);
    }
}

static void append(struct run *run, struct overlap *overlap, const struct trial *trial)
{
    if (overlap->lost || overlap->count >= OVERLAP_STEPS_MAX) {
        lose(run, overlap);
        return;
    }
    if (!make_room(overlap) ||
        !overlap_make_step(run, trial, run->sequence, &overlap->steps[overlap->count])) {
        run->no_memory = true;
        return;
    }
    set_bytes(run, overlap, overlap->bytes + size_of(&overlap->steps[overlap->count++]));
}

static void bound_all(struct run *run)
{
    for (struct overlap *overlap = run->overlaps.oldest;
         overlap != NULL && run->overlaps.bytes > OVERLAP_BYTES_MAX; overlap = overlap->newer) {
        lose(run, overlap);
    }
}

/* ------------------------------------------------------------------------------- what is open */

bool overlap_opcode_changes(uint8_t opcode)
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

/* What its answer tells of a key that nothing certain is known of is remembered, too. */
static bool may_leave_open(struct run *run, const struct trial *trial)
{
    struct engine_item item;
    if (overlap_opcode_changes(trial->request->opcode)) {
        return true;
    }
    engine_look(run->engine, trial->frame.key, trial->now, &item);
    return item.knowledge == ENGINE_UNKNOWN || item.doubtful;
}

void overlap_prepare(struct run *run, const struct trial *trial, struct saved_item *before)
{
    const struct pending *request = trial->request;
    const struct contention *contention = contention_of(run, request->key_hash);
    bool open = (contention->waiting > 0 && contention->mixed) || run->flushes_waiting > 0;
    struct overlap *overlap = overlap_find(run, trial->frame.key, request->key_hash);
    before->value = NULL;
    if (overlap != NULL) {
        bound(run, overlap, trial);
    } else if (open && trial_has_key(trial) && may_leave_open(run, trial) &&
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

bool overlap_is_success(struct span answer)
{
    struct mcbp_frame frame;
    return answer.size == 0 || (mcbp_frame_parse(answer, &frame) == MCBP_FRAME &&
                                frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS);
}

static bool leaves_nothing_open(const struct pending *request, struct span answer)
{
    switch (mcbp_opcode_loud(request->opcode)) {
    case MCBP_GET:
    case MCBP_GETK:
        return true;
    case MCBP_SET:
    case MCBP_DELETE:
        return request->frame.header.cas == 0 && overlap_is_success(answer);
    default:
        return false;
    }
}

static struct span answer_of(const struct step *step)
{
    return span_of(step->answer, step->answer_size);
}

bool overlap_step_leaves_nothing_open(const struct step *step)
{
    return leaves_nothing_open(&step->request, answer_of(step));
}

bool overlap_step_changes(const struct step *step)
{
    return (overlap_opcode_changes(step->request.opcode) ||
            reorder_is_flush_at_once(&step->request)) &&
           overlap_is_success(answer_of(step));
}

uint64_t overlap_told_cas(struct span answer)
{
    struct mcbp_frame frame;
    bool told = answer.size > 0 && overlap_is_success(answer) &&
                mcbp_frame_parse(answer, &frame) == MCBP_FRAME;
    return told ? frame.header.cas : 0;
}

bool overlap_cas_falls(const struct overlap *overlap, const struct trial *trial)
{
    uint64_t cas = trial->recorded != NULL ? overlap_told_cas(trial->recorded->bytes) : 0;
    if (overlap == NULL || cas == 0 || !overlap_opcode_changes(trial->request->opcode)) {
        return false;
    }
    for (size_t i = 0; i < overlap->count; i++) {
        if (overlap_told_cas(answer_of(&overlap->steps[i])) > cas) {
            return true;
        }
    }
    return false;
}

bool overlap_is_settled_by(struct run *run, const struct overlap *overlap,
                           const struct trial *trial)
{
    struct span answer = trial->recorded != NULL ? trial->recorded->bytes : span_of(NULL, 0);
    if (run->flushes_waiting > 0 || !leaves_nothing_open(trial->request, answer) ||
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
        bound_all(run);
    }
}

void overlap_forget(struct run *run, struct span key)
{
    struct overlap *overlap =
        run->overlaps.used > 0 ? overlap_find(run, key, overlap_key_hash(key)) : NULL;
    if (overlap != NULL &&
        (!overlap->lost || contention_of(run, overlap->key_hash)->waiting == 0)) {
        overlap_drop(run, overlap);
    }
}

void overlap_forget_all(struct run *run)
{
    while (run->overlaps.oldest != NULL) {
        overlap_drop(run, run->overlaps.oldest);
    }
}

void overlap_deinit(struct run *run)
{
    overlap_forget_all(run);
    for (size_t i = 0; i < CONTENTION_PAGES; i++) {
        free(run->contention[i]);
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
    } else if (base.item.knowledge == ENGINE_PRESENT || overlap_opcode_changes(request->opcode)) {
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
    for (struct overlap *overlap = run->overlaps.oldest; overlap != NULL;
         overlap = overlap->newer) {
        if (overlap_has_run(overlap, trial->request->sequence)) {
            run->no_memory |=
                !saved_item_take(&overlap->kept, run->engine, key_of(overlap), trial->now);
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
    struct overlap *newer;
    for (struct overlap *overlap = run->overlaps.oldest; overlap != NULL; overlap = newer) {
        newer = overlap->newer;
        if (overlap->kept.value != NULL) {
            saved_item_restore(&overlap->kept, run->engine, key_of(overlap));
            saved_item_deinit(&overlap->kept);
            note_answered(overlap, trial->request->sequence, run->sequence);
        } else {
            append(run, overlap, trial);
        }
    }
    bound_all(run);
}
