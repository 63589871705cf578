#include "replay/explain.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/adopt.h"
#include "replay/reorder.h"

static bool try_again(struct run *run, struct trial *trial, int64_t now)
{
    trial_execute(run, trial, now);
    if (!trial->agrees) {
        engine_undo(run->engine);
        return false;
    }
    trial->now = now;
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
    uint8_t number[ADOPT_NUMBER_SIZE];
    if (!adopt_state(run, trial, &before->item, &item, number)) {
        return false;
    }
    if (try_with(run, trial, &item)) {
        run->doubts += item.doubtful;
        trial->variant = VARIANT_ADOPTED;
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
    trial->variant = agrees ? VARIANT_OTHER_CAS : VARIANT_PLAIN;
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
    bool doubtful = before.item.doubtful;
    enum reorder reordered = REORDER_NONE;
    if (assume_other_cas(run, trial, &before) || (doubtful && adopt(run, trial, &before))) {
        explained = EXPLAINED_ADOPTED;
    } else if (explain_by_number(run, trial, &before) || explain_by_clock(run, trial, &before)) {
        explained = EXPLAINED_AMBIGUOUS;
    } else if ((reordered = reorder(run, trial)) == REORDER_FOUND) {
        explained = EXPLAINED_AMBIGUOUS;
    } else if ((!doubtful && adopt(run, trial, &before)) || evict(run, trial, &before)) {
        explained = EXPLAINED_ADOPTED;
    } else if (reordered == REORDER_UNDECIDED) {
        explained = EXPLAINED_UNDECIDED;
    }
    if (explained == EXPLAINED_ADOPTED && trial->variant == VARIANT_PLAIN) {
        overlap_forget(run, trial->frame.key); /* it does not matter any more */
    }
    saved_item_deinit(&before);
    return explained;
}

/* ------------------------------------------------------------- what was asked before the capture
 */

/* Long enough for a server to have run what it was asked before. */
static const int64_t UNSEEN_NANOSECONDS = 1000000000;

/* When the request was asked, another connection had not answered yet what it was asked after the
 * capture had begun. */
static bool unseen_may_have_run(const struct run *run, const struct trial *trial)
{
    const struct pending *request = trial->request;
    bool soon = request->origin.time - run->began <= UNSEEN_NANOSECONDS;
    for (const struct connection *c = run->connections; soon && c != NULL; c = c->next) {
        if (c != trial->connection && !c->conversation->from_start &&
            (c->requests_uncertain || c->certain_since > request->sequence)) {
            return true;
        }
    }
    return false;
}

bool explain_by_unseen(struct run *run, struct trial *trial)
{
    struct saved_item before;
    if (!trial_has_key(trial) || trial->request->bad_lengths || !unseen_may_have_run(run, trial) ||
        !saved_item_take(&before, run->engine, trial->frame.key, trial->now)) {
        return false;
    }
    struct saved_item unknown = before;
    unknown.item = (struct engine_item){.knowledge = ENGINE_UNKNOWN};
    bool adopted = adopt(run, trial, &unknown);
    if (adopted) {
        trial->unseen = true;
        overlap_forget(run, trial->frame.key);
    } else {
        saved_item_restore(&before, run->engine, trial->frame.key);
    }
    saved_item_deinit(&before);
    return adopted;
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
    saved.item.number_told = false;
    saved_item_restore(&saved, run->engine, key);
    saved_item_deinit(&saved);
    overlap_forget(run, key);
    run->doubts++;
}
