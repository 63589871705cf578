#include "replay/explain.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/adopt.h"
#include "replay/cas.h"
#include "replay/delayed.h"
#include "replay/execution.h"
#include "replay/overlap.h"
#include "replay/race.h"
#include "replay/unseen.h"

static bool try_again(struct run *run, struct trial *trial, int64_t now)
{
    execution_run(run, trial, now);
    if (!trial->agrees) {
        engine_undo(run->model->engine);
        return false;
    }
    trial->now = now;
    execution_keep(run,
                   trial); /* what the store holds may be put back before the answer is built */
    return true;
}

static bool try_with(struct run *run, struct trial *trial, const struct engine_item *item)
{
    return engine_seed(run->model->engine, trial->frame.key, item) &&
           try_again(run, trial, trial->now);
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
        run->model->doubts += item.doubtful;
        trial->variant = VARIANT_ADOPTED;
        return true;
    }
    saved_item_restore(before, run->model->engine, trial->frame.key);
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
    saved_item_restore(before, run->model->engine, trial->frame.key);
    trial->variant = agrees ? VARIANT_OTHER_CAS : VARIANT_PLAIN;
    return agrees;
}

static bool is_recorded_miss(const struct trial *trial)
{
    uint8_t loud = mcbp_opcode_loud(trial->frame.header.opcode);
    bool creates = loud == MCBP_ADD || mcbp_opcode_counts(loud);
    if (trial->recorded == NULL) {
        return mcbp_opcode_retrieves(loud) || creates;
    }
    uint16_t status = trial->recorded->header.vbucket_or_status;
    return status == MCBP_STATUS_KEY_NOT_FOUND || status == MCBP_STATUS_NOT_STORED ||
           (creates && status == MCBP_STATUS_SUCCESS);
}

/* The server has dropped the item: it has expired, at a time that the capture does not show, or it
 * was evicted. */
static bool explain_drop(struct run *run, struct trial *trial, const struct saved_item *before)
{
    static const struct engine_item absent = {.knowledge = ENGINE_ABSENT};
    bool may_expire = before->item.expiry_unknown;
    bool lost = trial->recorded == NULL && trial->request->lost_ok;
    if (lost || (!run->options->allow_eviction && !may_expire) ||
        before->item.knowledge != ENGINE_PRESENT || !is_recorded_miss(trial)) {
        return false;
    }
    if (try_with(run, trial, &absent)) {
        (*(may_expire ? &run->capture->expired : &run->capture->evictions))++;
        return true;
    }
    saved_item_restore(before, run->model->engine, trial->frame.key);
    return false;
}

static bool is_blank(struct span value)
{
    size_t size = 0;
    while (size < value.size &&
           (value.data[size] == ' ' || (value.data[size] >= '\t' && value.data[size] <= '\r'))) {
        size++;
    }
    return size > 0 && size == value.size;
}

/* memcached reads on behind blanks: what lies there may be a number. */
static bool explain_by_blanks(struct run *run, struct trial *trial, const struct saved_item *before)
{
    struct saved_item unknown = *before;
    if (!mcbp_opcode_counts(trial->frame.header.opcode) ||
        before->item.knowledge != ENGINE_PRESENT || !is_blank(before->item.value)) {
        return false;
    }
    unknown.item.doubtful = true;
    bool agrees = adopt(run, trial, &unknown);
    if (!agrees) {
        saved_item_restore(before, run->model->engine, trial->frame.key);
    }
    return agrees;
}

/* memcached without memory for the joined value says no more than that it is not stored. */
static bool explain_by_memory(struct run *run, struct trial *trial, const struct saved_item *before)
{
    static const struct engine_item absent = {.knowledge = ENGINE_ABSENT};
    if (before->item.knowledge != ENGINE_PRESENT ||
        !mcbp_opcode_concatenates(trial->frame.header.opcode) || trial->recorded == NULL ||
        trial->recorded->header.vbucket_or_status != MCBP_STATUS_NOT_STORED) {
        return false;
    }
    trial->memory = try_with(run, trial, &absent);
    saved_item_restore(before, run->model->engine, trial->frame.key);
    return trial->memory && run->model->out_of_memory;
}

/* Another connection's SET of the key has come but for its value. */
static bool is_being_set(const struct run *run, const struct trial *trial)
{
    const struct connection *c = run->model->connections;
    while (c != NULL && (c == trial->connection || c->beginning.sequence == 0 ||
                         c->beginning.key_hash != trial->request->key_hash)) {
        c = c->next;
    }
    return c != NULL;
}

/* No answer has said yet that the server is out of memory, but the one to that SET may. */
static bool may_be_dropped(struct run *run, struct trial *trial, const struct saved_item *before)
{
    static const struct engine_item absent = {.knowledge = ENGINE_ABSENT};
    if (run->model->out_of_memory || before->item.knowledge != ENGINE_PRESENT ||
        !is_recorded_miss(trial) || !is_being_set(run, trial)) {
        return false;
    }
    bool dropped = try_with(run, trial, &absent);
    saved_item_restore(before, run->model->engine, trial->frame.key);
    return dropped;
}

/* ------------------------------------------------------------------------------ another second */

/* In that second the item is there, with a CAS that is not known. */
static bool assume_other_cas_at(struct run *run, struct trial *trial, int64_t now)
{
    struct saved_item then;
    int64_t today = trial->now;
    if (!saved_item_take(&then, run->model->engine, trial->frame.key, now)) {
        return false;
    }
    trial->now = now;
    bool agrees = then.item.knowledge == ENGINE_PRESENT && assume_other_cas(run, trial, &then);
    trial->now = agrees ? now : today;
    saved_item_deinit(&then);
    return agrees;
}

/* memcached's clock ticks once a second, at a phase that the capture does not tell. */
static bool explain_by_clock(struct run *run, struct trial *trial, const struct saved_item *before)
{
    struct engine_flush flush = engine_flush_state(run->model->engine);
    int64_t now = trial->now;
    int64_t earliest = trial_earliest(trial->request, now);
    struct engine_item earlier;
    engine_look(run->model->engine, trial->frame.key, earliest, &earlier);
    bool near_expiry =
        (before->item.expires != 0 && before->item.expires <= now + 1) ||
        (earlier.knowledge == ENGINE_PRESENT && before->item.knowledge == ENGINE_ABSENT);
    bool near_flush = flush.delayed != 0 && !flush.at_once && flush.delayed >= earliest &&
                      flush.delayed <= now + 1;
    if (!near_expiry && !near_flush) {
        return false;
    }
    return try_again(run, trial, earliest) || try_again(run, trial, now + 1) ||
           assume_other_cas_at(run, trial, earliest);
}

/*
 * memcached without CAS values (-C) tells what was stored before a FLUSH by the second alone: what
 * is stored behind it in the same second of its clock is gone, too.
 * Source: item_is_flushed and process_bin_flush in memcached 1.6, oldest_live.
 */
static bool is_flushed_by_second(struct run *run, struct trial *trial,
                                 const struct saved_item *before)
{
    static const struct engine_item absent = {.knowledge = ENGINE_ABSENT};
    struct engine_flush flush = engine_flush_state(run->model->engine);
    if (!delayed_may_have_taken_by_second(&flush, &before->item) || !is_recorded_miss(trial)) {
        return false;
    }
    if (try_with(run, trial, &absent)) {
        return true;
    }
    saved_item_restore(before, run->model->engine, trial->frame.key);
    return false;
}

static bool explain_by_flush(struct run *run, struct trial *trial, const struct saved_item *before)
{
    return cas_is_off(run) && is_flushed_by_second(run, trial, before);
}

/* It loses the CAS that is asked for, too; and nothing has told yet that it is not such a one. */
static bool explain_without_cas(struct run *run, struct trial *trial,
                                const struct saved_item *before)
{
    trial->variant = VARIANT_NO_CAS;
    if (cas_is_open(run) &&
        (try_again(run, trial, trial->now) || is_flushed_by_second(run, trial, before))) {
        return true;
    }
    trial->variant = VARIANT_PLAIN;
    return false;
}

static bool is_taken_by_flush(struct run *run, struct trial *trial, const struct saved_item *before,
                              const struct engine_flush *flush)
{
    static const struct engine_item absent = {.knowledge = ENGINE_ABSENT};
    if (!delayed_may_have_taken(flush, &before->item) || !is_recorded_miss(trial)) {
        return false;
    }
    if (try_with(run, trial, &absent)) {
        return true;
    }
    saved_item_restore(before, run->model->engine, trial->frame.key);
    return false;
}

static bool is_left_by_flush(struct run *run, struct trial *trial, const struct saved_item *before,
                             const struct engine_flush *flush)
{
    struct saved_item whole;
    if (before->item.knowledge != ENGINE_ABSENT ||
        !saved_item_take(&whole, run->model->engine, trial->frame.key, SAVED_WHOLE)) {
        return false;
    }
    struct engine_item spared = whole.item;
    delayed_spare(flush, &spared);
    bool left = delayed_may_have_left(flush, &whole.item, trial->now) &&
                (try_with(run, trial, &spared) ||
                 try_again(run, trial, trial_earliest(trial->request, trial->now)) ||
                 (spared.doubtful && adopt(run, trial, &whole)) ||
                 assume_other_cas(run, trial, &(struct saved_item){spared, whole.value}));
    if (!left) {
        saved_item_restore(&whole, run->model->engine, trial->frame.key);
    }
    saved_item_deinit(&whole);
    return left;
}

static bool explain_by_delay(struct run *run, struct trial *trial, const struct saved_item *before)
{
    struct engine_flush flush = engine_flush_state(run->model->engine);
    return flush.delayed != 0 && (is_taken_by_flush(run, trial, before, &flush) ||
                                  is_left_by_flush(run, trial, before, &flush));
}

enum explained explain(struct run *run, struct trial *trial)
{
    struct saved_item before;
    enum explained explained = EXPLAINED_NOT;
    engine_undo(run->model->engine);
    if (!trial_has_key(trial) || trial->request->bad_lengths ||
        trial->answer.verdict == ENGINE_NO_MEMORY) {
        return EXPLAINED_NOT;
    }
    if (!saved_item_take(&before, run->model->engine, trial->frame.key, trial->now)) {
        run->no_memory = true;
        return EXPLAINED_NOT;
    }
    bool doubtful = before.item.doubtful;
    if (explain_by_memory(run, trial, &before)) {
        explained = EXPLAINED_AMBIGUOUS;
    } else if (assume_other_cas(run, trial, &before) || (doubtful && adopt(run, trial, &before))) {
        explained = EXPLAINED_ADOPTED;
    } else if (explain_by_blanks(run, trial, &before) || explain_by_flush(run, trial, &before) ||
               explain_by_delay(run, trial, &before) || explain_by_clock(run, trial, &before)) {
        explained = EXPLAINED_AMBIGUOUS;
    } else if ((!doubtful && adopt(run, trial, &before)) || explain_drop(run, trial, &before) ||
               explain_without_cas(run, trial, &before)) {
        explained = EXPLAINED_ADOPTED;
    } else {
        trial->dropped = may_be_dropped(run, trial, &before);
    }
    saved_item_deinit(&before);
    return explained;
}

/* ------------------------------------------------------------------- what the capture has not */

/* One of them has stored the key when this one was about to, see race.h. */
static bool lose_add(struct run *run, struct trial *trial)
{
    static const struct engine_item absent = {.knowledge = ENGINE_ABSENT};
    if (trial->recorded == NULL ||
        !race_may_lose_add(trial->frame.header.opcode, trial->recorded)) {
        return false;
    }
    trial->variant = VARIANT_LOST_ADD;
    return try_with(run, trial, &absent);
}

bool explain_by_unseen(struct run *run, struct trial *trial)
{
    struct saved_item before;
    if (!trial_has_key(trial) || trial->request->bad_lengths ||
        !saved_item_take(&before, run->model->engine, trial->frame.key, trial->now)) {
        return false;
    }
    bool may = unseen_may_have_changed(run, trial->request, is_recorded_miss(trial));
    struct saved_item unknown = before;
    uint64_t cas_adopted = run->capture->cas_adopted;
    unknown.item = (struct engine_item){.knowledge = ENGINE_UNKNOWN, .doubtful = true};
    bool agrees = unseen_is_ruled_out(run, trial, &before.item)
                      ? may && try_again(run, trial, trial->now)
                      : adopt(run, trial, &unknown) || lose_add(run, trial);
    trial->unseen = agrees && may;
    trial->provisional = agrees && !may;
    trial->shown = unseen_shown_version(trial);
    if (!trial->unseen) {
        trial->variant = VARIANT_PLAIN;
        run->capture->cas_adopted = cas_adopted;
        saved_item_restore(&before, run->model->engine, trial->frame.key);
    }
    saved_item_deinit(&before);
    return trial->unseen;
}

/* -------------------------------------------------------------------------- what may be open */

void explain_doubt(struct run *run, struct span key, int64_t now)
{
    struct saved_item saved;
    if (key.size == 0) {
        return;
    }
    overlap_finish(run, key, overlap_key_hash(key));
    if (!saved_item_take(&saved, run->model->engine, key, now)) {
        return;
    }
    saved.item.knowledge = ENGINE_PRESENT;
    saved.item.doubtful = true;
    saved.item.certain = (struct engine_certain){0};
    saved.item.expires = 0;
    saved.item.expiry_unknown = true;
    saved_item_restore(&saved, run->model->engine, key);
    saved_item_deinit(&saved);
    run->model->doubts++;
}
