#include "replay/reorder.h"

#include "mcbp/opcode.h"
#include "replay/backtrack.h"
#include "replay/cas.h"
#include "replay/executed.h"
#include "replay/explain.h"
#include "replay/linearize.h"
#include "replay/operation.h"
#include "replay/race.h"
#include "replay/remaining.h"
#include "replay/run.h"
#include "replay/settle.h"
#include "replay/trial.h"
#include "replay/unseen.h"

enum {
    WINDOW = 1024, /* placed operations that are kept, for an earlier one to be placed otherwise */
    ANCHORS_MAX = 16,
};

/* ---------------------------------------------------------------------------- what is certain */

/* A request that was never answered: when `last` was sent, it had run, or will not run any more. */
static bool is_over(const struct operation *operation, const struct operation *last)
{
    enum { RUN_SECONDS = 1 }; /* long enough, counted in seconds that may just have begun */
    return operation->answered == NOT_ANSWERED &&
           origin_seconds(&last->request.origin) > operation->now + RUN_SECONDS;
}

/* Whether the CAS values say that `former` has run before `latter`. */
static bool is_numbered_before(const struct operation *former, const struct operation *latter)
{
    return former->cas != 0 && former->cas <= latter->cas &&
           !(former->versions && race_is_numbered_early(former->request.opcode));
}

static bool runs_before(const struct operation *operation, const struct operation *last)
{
    return operation->answered < last->request.sequence || operation->strand == last->strand ||
           is_over(operation, last) || is_numbered_before(operation, last);
}

/* It leaves a version whose CAS only a read can tell, and which read does depends on the order. */
static bool leaves_untold_cas(const struct operation *operation)
{
    return operation->changes && operation->cas == 0 && !operation->removes;
}

/* What the key holds after placed[index] is certain as far as those before it go. */
static bool is_anchor(const struct overlap *overlap, size_t index)
{
    const struct operation *last = overlap->placed[index].operation;
    if (!last->settles || last->answered == NOT_ANSWERED ||
        (overlap->guessed && last->request.sequence <= overlap->guessed_until)) {
        return false;
    }
    bool untold = leaves_untold_cas(last);
    for (size_t i = 0; i < index; i++) {
        const struct operation *operation = overlap->placed[i].operation;
        if ((operation->changes || (untold && operation->cas != 0)) &&
            !runs_before(operation, last)) {
            return false;
        }
    }
    return true;
}

static bool runs_behind(const struct operation *operation, const struct operation *last)
{
    return !operation->changes || operation->request.sequence > last->answered ||
           operation->strand == last->strand ||
           (operation->cas != last->cas && is_numbered_before(last, operation));
}

static bool others_run_behind(const struct overlap *overlap, size_t index)
{
    const struct operation *last = overlap->placed[index].operation;
    for (size_t i = index + 1; i < overlap->placed_count; i++) {
        if (!runs_behind(overlap->placed[i].operation, last)) {
            return false;
        }
    }
    for (size_t i = 0; i < overlap->strands_count; i++) {
        const struct strand *strand = &overlap->strands[i];
        for (size_t j = strand->next; j < strand->count; j++) {
            if (!runs_behind(strand->operations[j], last)) {
                return false;
            }
        }
    }
    return true;
}

/* How many of the first `most` placed operations run before all others, and leave what is certain.
 */
static size_t count_certain(const struct overlap *overlap, size_t most)
{
    unsigned anchors = 0;
    for (size_t count = most; count > 0 && anchors < ANCHORS_MAX; count--) {
        if (overlap->placed[count - 1].operation->settles) {
            anchors++;
            if (is_anchor(overlap, count - 1) && others_run_behind(overlap, count - 1)) {
                return count;
            }
        }
    }
    return 0;
}

static bool changes_nothing(const struct overlap *overlap)
{
    for (size_t i = 0; i < overlap->placed_count; i++) {
        if (overlap->placed[i].operation->changes) {
            return false;
        }
    }
    return !overlap->guessed;
}

/* All is placed but for what has not run. */
static bool is_placed(const struct overlap *overlap)
{
    size_t over = 0;
    size_t count = overlap->placed_count;
    for (size_t i = 0; i < overlap->strands_count && count > 0; i++) {
        const struct strand *strand = &overlap->strands[i];
        for (size_t j = strand->next; j < strand->count; j++) {
            over += is_over(strand->operations[j], overlap->placed[count - 1].operation);
        }
    }
    return overlap->waiting == over;
}

/* Nobody waits, and what the key holds now is certain. */
static bool is_settled(const struct overlap *overlap)
{
    size_t count = overlap->placed_count;
    if (!is_placed(overlap)) {
        return false;
    }
    if (changes_nothing(overlap)) {
        return true;
    }
    for (size_t i = count; i > 0; i--) {
        if (is_anchor(overlap, i - 1)) {
            return true;
        }
        if (overlap->placed[i - 1].operation->changes || count - i >= ANCHORS_MAX) {
            return false;
        }
    }
    return false;
}

/* When the oldest request that waits and is about the key was sent, or began to be. */
static uint64_t oldest_waiting(struct run *run, const struct overlap *overlap)
{
    uint64_t oldest = NOT_ANSWERED;
    for (const struct connection *c = run->model->connections; c != NULL; c = c->next) {
        if (c->beginning.sequence != 0 && c->beginning.key_hash == overlap->key_hash &&
            c->beginning.sequence < oldest) {
            oldest = c->beginning.sequence;
        }
        for (size_t i = 0; i < c->queue.count; i++) {
            const struct pending *request = pending_queue_at(&c->queue, i);
            if (request->begun >= oldest) {
                break;
            }
            if (operation_is_flush(request) ||
                (request->key_hash == overlap->key_hash && !request->bad_lengths &&
                 span_equal(request->frame.key, overlap_key(overlap)))) {
                oldest = request->begun;
            }
        }
    }
    return oldest;
}

/* --------------------------------------------------------------------------------- for good */

static const struct dissect_frame *response_of(const struct operation *operation,
                                               struct dissect_frame *response)
{
    *response = (struct dissect_frame){
        .frame = operation->recorded,
        .origin = operation->origin,
        .role = FROM_SERVER,
        .request_id = operation->request.request_id,
    };
    return operation->answer != NULL ? response : NULL;
}

static void reorder_conclude(struct run *run, struct placed *placed)
{
    struct operation *operation = placed->operation;
    struct dissect_frame response;
    struct settlement settlement = {
        .outcome = placed->variant == VARIANT_ADOPTED || placed->variant == VARIANT_OTHER_CAS ||
                           placed->variant == VARIANT_NO_CAS
                       ? OUTCOME_ADOPTED
                   : placed->reordered || placed->early || placed->variant != VARIANT_PLAIN
                       ? OUTCOME_AMBIGUOUS
                       : OUTCOME_IDENTICAL,
        .agreed = true,
        .answers = operation->answer != NULL,
        .mask_needed = placed->mask_needed,
        .mask = placed->mask,
        .flat = operation->answer != NULL ? operation->recorded.bytes : span_of(NULL, 0),
    };
    if (operation->is_flush || operation->answered == NOT_ANSWERED || operation->untold) {
        return;
    }
    struct trial trial =
        trial_begin(operation->connection, &operation->request,
                    operation->answer != NULL ? &operation->recorded : NULL, operation->now);
    race_count(run, placed->variant);
    cas_note_variant(run, placed->variant);
    run->capture->races[RACE_NUMBERED_EARLY] += placed->early;
    unseen_note_told(run, &trial, settlement.outcome == OUTCOME_ADOPTED);
    if (operation->answer != NULL && operation->recorded.header.cas != 0 &&
        operation->recorded.extras.size == 0) {
        run->capture->cas_adopted++;
    }
    executed_conclude(run, operation->connection, &operation->request,
                      response_of(operation, &response), &settlement);
}

static uint64_t first_changed(const struct overlap *overlap)
{
    uint64_t first = NOT_ANSWERED;
    for (size_t i = 0; i < overlap->strands_count; i++) {
        const struct strand *strand = &overlap->strands[i];
        for (size_t j = strand->next; j < strand->count; j++) {
            if (strand->operations[j]->changes) {
                uint64_t answered = strand->operations[j]->answered;
                first = answered < first ? answered : first;
                break;
            }
        }
    }
    return first;
}

/* Changes that run later were answered earlier, or a FLUSH behind it has left what it made. */
static void note_reordered(struct overlap *overlap)
{
    uint64_t first = first_changed(overlap);
    bool outlives = false;
    for (size_t i = overlap->placed_count; i-- > 0;) {
        const struct operation *operation = overlap->placed[i].operation;
        bool flush = overlap->placed[i].variant == VARIANT_OUTLIVED;
        overlap->placed[i].reordered |= first < operation->answered || outlives;
        outlives = flush || (outlives && !operation->changes);
        if (operation->changes && operation->answered < first) {
            first = operation->answered;
        }
    }
}

/* Reports the first `count` placed operations; what they leave is what the rest begins with. */
static void commit(struct run *run, struct overlap *overlap, size_t count)
{
    size_t bytes = overlap->bytes - overlap->base.item.value.size;
    note_reordered(overlap);
    if (count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct placed *placed = &overlap->placed[i];
        reorder_conclude(run, placed);
        if (placed->after.value != NULL) {
            saved_item_deinit(&overlap->base);
            overlap->base = placed->after;
        }
        overlap->base_floor = placed->floor;
        overlap->base_flush = placed->flush;
        overlap->base_changed = placed->changed;
    }
    overlap_set_bytes(run, overlap, bytes + overlap->base.item.value.size);
    for (size_t i = 0; i < count; i++) {
        overlap_remove(run, overlap, overlap->placed[i].operation);
    }
    overlap->placed_count -= count;
    memmove(overlap->placed, overlap->placed + count,
            overlap->placed_count * sizeof(*overlap->placed));
}

/* ------------------------------------------------------------------------------- no order fits */

static void set_base(struct run *run, struct overlap *overlap)
{
    struct saved_item base;
    if (!saved_item_take(&base, run->model->engine, overlap_key(overlap), SAVED_WHOLE)) {
        run->no_memory = true;
        return;
    }
    overlap_set_bytes(run, overlap,
                      overlap->bytes - overlap->base.item.value.size + base.item.value.size);
    saved_item_deinit(&overlap->base);
    overlap->base = base;
}

/* `because_of_difference`: what it is about has been told. */
static void undecided(struct run *run, struct overlap *overlap, struct settlement *settlement,
                      bool because_of_difference)
{
    if (!because_of_difference) {
        run->capture->executed.undecided++;
        undecided_keys_add(&run->capture->undecided_keys, overlap_key(overlap));
    }
    settlement->outcome = OUTCOME_NOT_EXECUTED;
    settlement->flat = span_of(NULL, 0);
}

/* It would be right, but for the order of the CAS values; requests that the capture does not have
 * may have run in between. */
static void reorder_out_of_order(struct run *run, const struct pending *request,
                                 const struct dissect_frame *answer, struct settlement *settlement)
{
    enum { CAS_OFFSET = 16 };
    if (unseen_may_have_changed(run, request, true)) {
        settlement->outcome = OUTCOME_ADOPTED;
        return;
    }
    *settlement = (struct settlement){
        .outcome = OUTCOME_DIFFERENT,
        .answers = true,
        .provisional = true,
        .ruling.why = "in no order of the overlapping requests does the key have this CAS then",
        .comparison = {.field = "header.cas", .offset = CAS_OFFSET},
        .reference = answer->frame.bytes,
    };
}

/* What was placed is a guess, and so is what it leaves, until something settles that. */
static void note_guess(struct run *run, struct overlap *overlap)
{
    overlap->guessed = true;
    overlap->guessed_until = run->sequence;
}

/* Behind a difference, either the CAS so far or a lower one that is still to come may be the wrong
 * one, so what comes next is not measured by it. */
static uint64_t floor_behind(const struct overlap *overlap, uint64_t told, bool agreed)
{
    uint64_t floor = told > overlap->base_floor ? told : overlap->base_floor;
    uint64_t lowest = linearize_lowest(overlap);
    return agreed || floor <= lowest ? floor : lowest - 1;
}

/* Changes that are placed may have run behind it as well. */
static bool may_run_before_changes(const struct overlap *overlap, const struct operation *operation)
{
    for (size_t i = overlap->placed_count; i-- > 0;) {
        const struct operation *placed = overlap->placed[i].operation;
        if (placed->changes && operations_overlap(placed, operation)) {
            return true;
        }
    }
    return false;
}

/* No order is right for the operation: it is judged where the order that was found ends. */
static void judge(struct run *run, struct overlap *overlap, struct operation *operation,
                  enum search_result result)
{
    bool early = result == SEARCH_NONE_IN_ORDER;
    bool complete = result == SEARCH_NONE || (early && !run->model->overlaps.numbers_early);
    struct dissect_frame response;
    struct settlement settlement;
    bool certain = backtrack_contradicts_version(overlap, operation);
    bool movable = may_run_before_changes(overlap, operation);
    bool reported = complete && overlap->guessed && overlap->differed;
    const struct dissect_frame *answer = response_of(operation, &response);
    commit(run, overlap, overlap->placed_count);
    engine_set_flush_state(run->model->engine, &overlap->base_flush);
    saved_item_restore(&overlap->base, run->model->engine, overlap_key(overlap));
    settle_try(run, operation->connection, &operation->request,
               answer != NULL ? &answer->frame : NULL, operation->now, false, &settlement);
    bool falls = operation->cas != 0 && operation->cas < overlap->base_floor;
    if (settlement.outcome == OUTCOME_IDENTICAL && answer != NULL && (complete || falls)) {
        reorder_out_of_order(run, &operation->request, answer, &settlement);
    }
    if (settlement.outcome == OUTCOME_DIFFERENT && !certain && (!complete || overlap->guessed)) {
        undecided(run, overlap, &settlement, reported);
        explain_doubt(run, overlap_key(overlap), operation->now);
    }
    if (settlement.outcome == OUTCOME_ADOPTED && movable) {
        explain_doubt(run, overlap_key(overlap), operation->now);
        note_guess(run, overlap);
    }
    if (early && !certain && settlement.outcome == OUTCOME_DIFFERENT) {
        settlement.early = true;
        undecided_keys_add(&run->capture->undecided_keys, overlap_key(overlap));
    }
    executed_conclude(run, operation->connection, &operation->request, answer, &settlement);
    if (certain && settlement.outcome == OUTCOME_DIFFERENT) {
        saved_item_restore(&overlap->base, run->model->engine, overlap_key(overlap));
    }
    if (!complete || !settlement.agreed) {
        bool differs = complete && settlement.outcome == OUTCOME_DIFFERENT;
        overlap->differed = reported || (differs && !overlap->guessed);
        note_guess(run, overlap);
    }
    set_base(run, overlap);
    uint64_t told = settlement.agreed ? operation->cas : 0;
    overlap->failures++;
    overlap_remove(run, overlap, operation);
    overlap->base_floor = floor_behind(overlap, told, settlement.agreed);
}

static void find_order(struct run *run, struct overlap *overlap, uint64_t horizon)
{
    enum search_result result;
    while ((result = backtrack_search(run, overlap, horizon)) != SEARCH_FOUND) {
        struct operation *culprit = backtrack_culprit(overlap);
        if (culprit == NULL) {
            return;
        }
        struct operation *maker = remaining_maker(overlap, culprit);
        bool next = maker != NULL && overlap->strands[maker->strand].head == maker;
        judge(run, overlap, next ? maker : culprit, result);
    }
}

/* ------------------------------------------------------------------------------------- progress */

static void reorder_note_certain(struct run *run, const struct overlap *overlap)
{
    for (size_t i = overlap->placed_count; i-- > 0;) {
        const struct operation *operation = overlap->placed[i].operation;
        if (is_anchor(overlap, i)) {
            unseen_note_certain(run, &operation->request,
                                operation->changes || operation->needs == NEEDS_ABSENT);
        }
        if (operation->changes || is_anchor(overlap, i)) {
            return;
        }
    }
}

static void reorder_drop(struct run *run, struct overlap *overlap)
{
    reorder_note_certain(run, overlap);
    commit(run, overlap, overlap->placed_count);
    saved_item_restore(&overlap->base, run->model->engine, overlap_key(overlap));
    overlap_drop(run, overlap);
}

/* The latest answer among the first `count` placed operations, sequence; 0: there is none. */
static uint64_t latest_answer(const struct overlap *overlap, size_t count)
{
    uint64_t latest = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t answered = overlap->placed[i].operation->answered;
        latest = answered != NOT_ANSWERED && answered > latest ? answered : latest;
    }
    return latest;
}

/* Executes what is placed for good, but for the last `keep`, even if its order is not certain, or
 * if what still waits may have run among it. */
static void shorten(struct run *run, struct overlap *overlap, size_t keep)
{
    size_t most = overlap->placed_count - keep;
    size_t count = count_certain(overlap, most);
    if (count == 0 || latest_answer(overlap, count) > oldest_waiting(run, overlap)) {
        uint64_t latest = latest_answer(overlap, most);
        count = most;
        overlap->guessed = true;
        overlap->differed = false;
        overlap->guessed_until = latest > overlap->guessed_until ? latest : overlap->guessed_until;
    } else if (overlap->placed[count - 1].operation->request.sequence > overlap->guessed_until) {
        overlap->guessed = false;
        overlap->certain = overlap->placed[count - 1].operation->request.sequence;
    }
    commit(run, overlap, count);
}

static void reorder_begin(struct run *run, struct overlap *overlap)
{
    overlap->busy = true;
    overlap->own_flush = engine_flush_state(run->model->engine);
}

static void reorder_end(struct run *run, struct overlap *overlap)
{
    overlap->busy = false;
    engine_set_flush_state(run->model->engine, &overlap->own_flush);
}

/* Places what was answered before anything that waits was asked for. */
static void place(struct run *run, struct overlap *overlap, bool waited_for)
{
    reorder_begin(run, overlap);
    find_order(run, overlap, waited_for ? oldest_waiting(run, overlap) : NOT_ANSWERED);
    reorder_end(run, overlap);
}

void reorder_advance(struct run *run, struct overlap *overlap)
{
    bool waited_for = overlap_is_waited_for(run, overlap);
    place(run, overlap, waited_for);
    if (!waited_for && is_settled(overlap)) {
        reorder_drop(run, overlap);
    } else if (overlap->placed_count > 2 * WINDOW) {
        shorten(run, overlap, WINDOW);
    }
}

/* What waits may have run or not. */
static void add_waiting(struct run *run, struct overlap *overlap)
{
    for (struct connection *c = run->model->connections; c != NULL; c = c->next) {
        for (size_t i = 0; !c->features_negotiated && i < c->queue.count; i++) {
            const struct pending *request = pending_queue_at(&c->queue, i);
            bool concerned =
                operation_is_flush(request) ||
                (mcbp_opcode_changes(request->opcode) && !request->bad_lengths &&
                 request->magic == MCBP_CLIENT_REQUEST && request->key_hash == overlap->key_hash &&
                 span_equal(request->frame.key, overlap_key(overlap)));
            struct operation *operation =
                concerned ? operation_create(run, c, request, NULL, NOT_ANSWERED, false) : NULL;
            if (operation != NULL && !overlap_add(run, overlap, operation)) {
                operation_destroy(run, operation);
            }
        }
    }
}

static bool has_run_unanswered(const struct overlap *overlap)
{
    for (size_t i = 0; i < overlap->placed_count; i++) {
        if (overlap->placed[i].operation->answered == NOT_ANSWERED) {
            return true;
        }
    }
    return false;
}

void reorder_finish(struct run *run, struct overlap *overlap)
{
    reorder_begin(run, overlap);
    add_waiting(run, overlap);
    find_order(run, overlap, NOT_ANSWERED);
    reorder_end(run, overlap);
    overlap->busy = true;
    bool open = overlap->waiting > 0 || has_run_unanswered(overlap) || !is_settled(overlap);
    commit(run, overlap, overlap->placed_count);
    saved_item_restore(&overlap->base, run->model->engine, overlap_key(overlap));
    if (open) {
        explain_doubt(run, overlap_key(overlap), 0);
    }
    overlap_drop(run, overlap);
}

void reorder_make_room(struct run *run, struct overlap *overlap)
{
    place(run, overlap, overlap_is_waited_for(run, overlap));
    if (overlap->placed_count == 0) {
        note_guess(run, overlap);
        overlap->differed = false;
        place(run, overlap, false);
    }
    if (overlap->placed_count > 0) {
        shorten(run, overlap, overlap->placed_count / 2);
    } else {
        reorder_finish(run, overlap);
    }
}
