#include "replay/settle.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/cas.h"
#include "replay/defer.h"
#include "replay/execution.h"
#include "replay/explain.h"
#include "replay/operation.h"
#include "replay/overlap.h"
#include "replay/pairing.h"
#include "replay/race.h"
#include "replay/restart.h"
#include "replay/sasl.h"
#include "replay/unseen.h"

static bool is_executable(const struct connection *connection, const struct pending *request)
{
    return request->magic == MCBP_CLIENT_REQUEST && !connection->features_negotiated &&
           !connection->desynchronised;
}

/* memcached answers what it does not know with an error. Any other answer to such a request comes
 * from a server that does know it. */
static bool is_beyond_us(const struct trial *trial)
{
    return trial->answer.verdict == ENGINE_NO_SEMANTICS &&
           (trial->recorded == NULL ||
            trial->recorded->header.vbucket_or_status != MCBP_STATUS_UNKNOWN_COMMAND);
}

static void not_executed(struct run *run, const struct pending *request,
                         struct settlement *settlement)
{
    struct mcbp_frame frame = request->frame;
    settlement->outcome = OUTCOME_NOT_EXECUTED;
    settlement->agreed = true; /* there is nothing to disagree with */
    if (frame.key.size > 0) {
        overlap_finish(run, frame.key, request->key_hash);
        engine_forget(run->model->engine, frame.key);
    }
}

static bool is_without_memory(const struct trial *trial)
{
    return trial->recorded != NULL &&
           trial->recorded->header.vbucket_or_status == MCBP_STATUS_NO_MEMORY;
}

/* What others stored while its value was on its way is behind what it has dropped. */
static bool may_have_dropped_early(const struct trial *trial)
{
    return is_without_memory(trial) && trial->request->unwatched &&
           mcbp_opcode_loud(trial->request->opcode) == MCBP_SET;
}

static void note_effects(struct run *run, const struct trial *trial, enum outcome outcome)
{
    execution_note(run, trial);
    if (!trial->request->cas_judged && pairing_is_certain(trial->connection, trial->request)) {
        cas_note(run, trial, outcome == OUTCOME_ADOPTED || trial->answer.cas_unknown);
    }
    run->capture->out_of_memory += is_without_memory(trial);
    if (may_have_dropped_early(trial)) {
        engine_forget(run->model->engine, trial->frame.key);
    }
    if (trial->recorded != NULL && trial->recorded->header.cas != 0 &&
        trial->recorded->extras.size == 0) {
        run->capture->cas_adopted++;
    }
}

static enum outcome outcome_of(struct run *run, struct trial *trial, enum explained explained)
{
    switch (explained) {
    case EXPLAINED_ADOPTED:
        return OUTCOME_ADOPTED;
    case EXPLAINED_AMBIGUOUS:
        return OUTCOME_AMBIGUOUS;
    default:
        return explain_by_unseen(run, trial) ? OUTCOME_ADOPTED : OUTCOME_DIFFERENT;
    }
}

/* Executes, and looks for explanations if that is not what was recorded. */
static enum outcome settle_execute(struct run *run, struct trial *trial, bool strict)
{
    execution_run(run, trial, trial->now);
    if (is_beyond_us(trial)) {
        return OUTCOME_NOT_EXECUTED;
    }
    if (trial->agrees && trial->variant == VARIANT_MINUS) {
        return OUTCOME_AMBIGUOUS;
    }
    if (trial->agrees) {
        return trial->told ? OUTCOME_ADOPTED : OUTCOME_IDENTICAL;
    }
    if (strict) {
        engine_undo(run->model->engine);
        return OUTCOME_DIFFERENT;
    }
    return outcome_of(run, trial, explain(run, trial));
}

/* Nothing explains what was recorded: builds what the store answers, for the report. */
static void show_difference(struct run *run, struct trial *trial, struct settlement *settlement)
{
    execution_run(run, trial, trial->now);
    settlement->outcome = OUTCOME_DIFFERENT;
    settlement->provisional = trial->provisional;
    settlement->shown = trial->shown;
    settlement->memory = trial->memory;
    settlement->dropped = trial->dropped;
    settlement->answers = trial->answered;
    if (trial->flat.size > 0) {
        settlement_show(run, trial->flat, trial->recorded, settlement);
    }
    engine_undo(run->model->engine);
}

/* The request is executed with that answer: if nothing else is under way, its key is certain. */
static void settle_note_certain(struct run *run, const struct pending *request,
                                const struct mcbp_frame *recorded)
{
    uint8_t loud = mcbp_opcode_loud(request->opcode);
    bool success = recorded == NULL || recorded->header.vbucket_or_status == MCBP_STATUS_SUCCESS;
    bool get = mcbp_opcode_family(loud) == MCBP_FAMILY_RETRIEVE;
    bool shows = get || (success && request->frame.header.cas == 0 &&
                         (loud == MCBP_SET || loud == MCBP_DELETE));
    if (shows && overlap_is_undisturbed(run, request)) {
        unseen_note_certain(run, request, !(get && recorded != NULL && success));
    }
}

/* What the request came to, once it is settled. */
static void settle_conclude(struct run *run, struct trial *trial, bool strict,
                            struct settlement *settlement)
{
    settlement->closes = trial->answer.close && settlement->outcome != OUTCOME_NOT_EXECUTED;
    settlement->desynchronised = settlement->outcome != OUTCOME_NOT_EXECUTED &&
                                 (trial->answer.overread != 0 || trial->answer.unread != 0);
    settlement->answers = trial->answered;
    settlement->agreed = settlement->outcome != OUTCOME_DIFFERENT;
    settlement->ruling = trial->ruling;
    if (settlement->outcome == OUTCOME_NOT_EXECUTED) {
        not_executed(run, trial->request, settlement);
    } else if (settlement->agreed) {
        settlement->flat = trial->flat;
        settlement->mask_needed = trial->mask_needed;
        settlement->mask = trial->mask;
        race_count(run, trial->variant);
        cas_note_variant(run, trial->variant);
        note_effects(run, trial, settlement->outcome);
        unseen_note_told(run, trial, settlement->outcome == OUTCOME_ADOPTED);
        settle_note_certain(run, trial->request, trial->recorded);
    } else if (!strict) {
        show_difference(run, trial, settlement);
    }
}

void settle_try(struct run *run, struct connection *connection, struct pending *request,
                const struct mcbp_frame *recorded, int64_t now, bool strict,
                struct settlement *settlement)
{
    *settlement = (struct settlement){.outcome = OUTCOME_IDENTICAL};
    if (!is_executable(connection, request)) {
        not_executed(run, request, settlement);
        return;
    }
    if (sasl_settle(run, connection, request, recorded, settlement)) {
        return;
    }
    struct trial trial = trial_begin(connection, request, recorded, now);
    if (!strict) {
        restart_look(run, &trial);
    }
    bool flush = operation_is_flush(request);
    if (!request->cas_judged && pairing_is_certain(connection, request)) {
        trial.ruling = cas_judge_change(run, &trial);
    }
    if (flush) {
        defer_prepare_flush(run, connection, now);
    } else if (trial_has_key(&trial) && !engine_refuses(&trial.frame)) {
        overlap_finish(run, trial.frame.key, request->key_hash);
    }
    settlement->outcome = settle_execute(run, &trial, strict);
    settle_conclude(run, &trial, strict, settlement);
    if (flush) {
        defer_note_flush(run, connection, request);
    }
}

bool settle_is_answer(struct run *run, struct connection *connection, const struct pending *request,
                      const struct mcbp_frame *recorded)
{
    int64_t now = origin_seconds(&request->origin);
    struct engine_item item;
    if (!is_executable(connection, request) || request->frame.key.size == 0 ||
        overlap_find(run, request->frame.key, request->key_hash) != NULL) {
        return false;
    }
    engine_look(run->model->engine, request->frame.key, now, &item);
    if (item.knowledge == ENGINE_UNKNOWN || (item.knowledge == ENGINE_PRESENT && item.doubtful)) {
        return false;
    }
    bool shows = recorded->extras.size == sizeof(item.flags);
    if (item.knowledge == ENGINE_PRESENT && item.cas_unknown && shows) {
        /* Executing it would take the CAS over. */
        return mcbp_opcode_retrieves(request->opcode) && recorded->header.cas != item.cas &&
               read_be32(recorded->extras.data) == item.flags &&
               span_equal(recorded->value, item.value);
    }
    struct trial trial = trial_begin(connection, request, recorded, now);
    execution_run(run, &trial, now);
    engine_undo(run->model->engine);
    return trial.agrees && !trial.told;
}

bool settle_has_answer(struct run *run, struct connection *connection,
                       const struct pending *request)
{
    int64_t now = request->origin.time / 1000000000;
    if (!is_executable(connection, request) || operation_is_flush(request)) {
        return true; /* there is no telling */
    }
    struct trial trial = trial_begin(connection, request, NULL, now);
    overlap_finish(run, trial.frame.key, request->key_hash);
    execution_run(run, &trial, now);
    engine_undo(run->model->engine);
    return trial.answered || trial.answer.cas_assumed;
}
