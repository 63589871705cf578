#include "replay/settle.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/explain.h"
#include "replay/reorder.h"
#include "response/from_frame.h"

/*
 * The store's answer, in `flat`, is not the recorded one: builds it for the report. With another
 * reference than the capture, how it is built is compared all the same.
 */
static void show(struct run *run, struct span flat, const struct mcbp_frame *recorded,
                 struct settlement *settlement)
{
    struct mcbp_frame frame;
    struct kvr_response response;
    if (run->options->construct.reference != REFERENCE_CAPTURE) {
        settlement->outcome = OUTCOME_IDENTICAL;
        settlement->flat = flat;
        return;
    }
    settlement->outcome = OUTCOME_DIFFERENT;
    mcbp_frame_parse(flat, &frame);
    response_from_frame(&frame, &response);
    settlement->refused = construct_one(run->construct, &response, &settlement->built);
    settlement->reference = recorded->bytes;
    compare_frames(recorded->bytes, settlement->built, &run->options->masks,
                   &settlement->comparison);
}

static bool is_executable(const struct connection *connection, const struct pending *request)
{
    return request->magic == MCBP_CLIENT_REQUEST && !connection->foreign &&
           !connection->out_of_step;
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
        overlap_forget(run, frame.key);
        engine_forget(run->engine, frame.key);
    }
}

static void note_effects(struct run *run, const struct trial *trial)
{
    trial_note(run, trial);
    if (trial->recorded != NULL && trial->recorded->header.cas != 0 &&
        trial->recorded->extras.size == 0) {
        run->capture->cas_adopted++;
    }
}

/* Too many orders to try them all are no evidence of anything. */
static enum outcome outcome_of(struct run *run, struct trial *trial, enum explained explained)
{
    switch (explained) {
    case EXPLAINED_ADOPTED:
        return OUTCOME_ADOPTED;
    case EXPLAINED_AMBIGUOUS:
        return OUTCOME_AMBIGUOUS;
    case EXPLAINED_UNDECIDED:
        overlap_lose(run, trial->frame.key, trial->request->key_hash);
        return OUTCOME_NOT_EXECUTED;
    default:
        return explain_by_unseen(run, trial) ? OUTCOME_ADOPTED : OUTCOME_DIFFERENT;
    }
}

/* Executes, and looks for explanations if that is not what was recorded. */
static enum outcome execute(struct run *run, struct trial *trial, bool strict)
{
    static const enum explained by_order[] = {[REORDER_NONE] = EXPLAINED_NOT,
                                              [REORDER_FOUND] = EXPLAINED_AMBIGUOUS,
                                              [REORDER_UNDECIDED] = EXPLAINED_UNDECIDED};
    struct overlap *overlap = overlap_find(run, trial->frame.key, trial->request->key_hash);
    if (overlap != NULL && overlap->lost) {
        return OUTCOME_NOT_EXECUTED;
    }
    if (overlap_has_run(overlap, trial->request->sequence)) {
        return outcome_of(run, trial, by_order[reorder(run, trial)]);
    }
    trial_execute(run, trial, trial->now);
    if (is_beyond_us(trial)) {
        return OUTCOME_NOT_EXECUTED;
    }
    if (trial->agrees && !strict && overlap_cas_falls(overlap, trial)) {
        engine_undo(run->engine); /* it may be right, but it is not what came last */
        if (reorder(run, trial) == REORDER_FOUND) {
            return OUTCOME_AMBIGUOUS;
        }
        trial_execute(run, trial, trial->now);
    }
    if (trial->agrees) {
        return trial->told ? OUTCOME_ADOPTED : OUTCOME_IDENTICAL;
    }
    if (strict) {
        engine_undo(run->engine);
        return OUTCOME_DIFFERENT;
    }
    return outcome_of(run, trial, explain(run, trial));
}

/* Nothing explains what was recorded: builds what the store answers, for the report. */
static void show_difference(struct run *run, struct trial *trial, struct settlement *settlement)
{
    trial_execute(run, trial, trial->now);
    settlement->outcome = OUTCOME_DIFFERENT;
    settlement->answers = trial->answered;
    if (trial->flat.size > 0) {
        show(run, trial->flat, trial->recorded, settlement);
    }
    engine_undo(run->engine);
}

/* What the request came to, once it is settled. */
static void conclude(struct run *run, struct trial *trial, bool strict,
                     struct settlement *settlement)
{
    settlement->closes = trial->answer.close && settlement->outcome != OUTCOME_NOT_EXECUTED;
    settlement->out_of_step = trial->answer.overread != 0 || trial->answer.unread != 0;
    settlement->answers = trial->answered;
    settlement->agreed = settlement->outcome != OUTCOME_DIFFERENT;
    if (settlement->outcome == OUTCOME_NOT_EXECUTED) {
        not_executed(run, trial->request, settlement);
    } else if (settlement->agreed) {
        settlement->flat = trial->flat;
        settlement->mask_needed = trial->mask_needed;
        settlement->mask = trial->mask;
        note_effects(run, trial);
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
    struct trial trial = trial_begin(connection, request, recorded, now);
    struct saved_item before = {0};
    bool flush = reorder_is_flush_at_once(request);
    if (flush) {
        overlap_prepare_flush(run, &trial);
    } else {
        overlap_prepare(run, &trial, &before);
    }
    settlement->outcome = execute(run, &trial, strict);
    if (settlement->outcome == OUTCOME_IDENTICAL) {
        overlap_note_padding(run, &trial, &before);
    }
    if (trial.unseen) {
        before.item.knowledge = ENGINE_UNKNOWN; /* whatever it was thought to be */
    }
    conclude(run, &trial, strict, settlement);
    if (flush) {
        overlap_note_flush(run, &trial);
    } else if (settlement->agreed && settlement->outcome != OUTCOME_NOT_EXECUTED) {
        overlap_note(run, &trial, &before);
    } else {
        saved_item_deinit(&before);
    }
}

void settle_row(struct run *run, const struct kvr_response *row, const struct mcbp_frame *recorded,
                struct settlement *settlement)
{
    enum kvr_error error;
    struct span flat = construct_flat(run->construct, row, &error);
    *settlement = (struct settlement){.outcome = OUTCOME_ADOPTED, .agreed = true, .answers = true};
    settlement->flat = flat;
    switch (compare_frames(recorded->bytes, flat, &run->options->masks, &settlement->comparison)) {
    case COMPARED_DIFFERENT:
        settlement->agreed = false;
        settlement->flat = span_of(NULL, 0);
        show(run, flat, recorded, settlement);
        break;
    case COMPARED_EQUAL_MASKED:
        settlement->mask_needed = true;
        settlement->mask = settlement->comparison.mask;
        break;
    case COMPARED_EQUAL:
        break;
    }
}

bool settle_has_answer(struct run *run, struct connection *connection,
                       const struct pending *request)
{
    int64_t now = request->origin.time / 1000000000;
    if (!is_executable(connection, request) || reorder_is_flush_at_once(request)) {
        return true; /* there is no telling */
    }
    struct trial trial = trial_begin(connection, request, NULL, now);
    trial_execute(run, &trial, now);
    engine_undo(run->engine);
    return trial.answered || trial.answer.cas_assumed;
}
