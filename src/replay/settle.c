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

/* An answer with content settles what was in doubt about its key. TOUCH tells the flags only. */
static void settle_doubt(struct run *run, const struct trial *trial)
{
    struct saved_item saved;
    if (run->doubts == 0 || trial->frame.header.opcode == MCBP_TOUCH || trial->recorded == NULL ||
        trial->recorded->extras.size == 0 || !trial_has_key(trial) ||
        !saved_item_take(&saved, run->engine, trial->frame.key, trial->now)) {
        return;
    }
    if (saved.item.doubtful) {
        saved.item.doubtful = false;
        saved.item.number_told = false;
        saved_item_restore(&saved, run->engine, trial->frame.key);
    }
    saved_item_deinit(&saved);
}

/* A key that was never seen is executed like an absent one; when the server has said that it is
 * absent, that is known. */
static void note_miss(struct run *run, const struct trial *trial)
{
    uint16_t status = trial->recorded != NULL ? trial->recorded->header.vbucket_or_status
                                              : MCBP_STATUS_KEY_NOT_FOUND;
    struct engine_item item;
    if (!trial_has_key(trial) || mcbp_opcode_loud(trial->frame.header.opcode) == MCBP_STAT ||
        (status != MCBP_STATUS_KEY_NOT_FOUND && status != MCBP_STATUS_NOT_STORED)) {
        return;
    }
    engine_look(run->engine, trial->frame.key, trial->now, &item);
    if (item.knowledge == ENGINE_UNKNOWN) {
        item = (struct engine_item){.knowledge = ENGINE_ABSENT};
        run->no_memory |= !engine_seed(run->engine, trial->frame.key, &item);
    }
}

static void note_effects(struct run *run, const struct trial *trial)
{
    note_miss(run, trial);
    if (trial->recorded != NULL && trial->recorded->header.cas != 0 &&
        trial->recorded->extras.size == 0) {
        run->capture->cas_adopted++;
    }
}

/* Executes, and looks for explanations if that is not what was recorded. */
static enum outcome execute(struct run *run, struct trial *trial, bool strict)
{
    static const enum outcome outcomes[] = {[EXPLAINED_NOT] = OUTCOME_DIFFERENT,
                                            [EXPLAINED_ADOPTED] = OUTCOME_ADOPTED,
                                            [EXPLAINED_AMBIGUOUS] = OUTCOME_AMBIGUOUS};
    struct overlap *overlap = overlap_find(run, trial->frame.key, trial->request->key_hash);
    if (overlap_has_run(overlap, trial->request->sequence)) {
        return reorder(run, trial) ? OUTCOME_AMBIGUOUS : OUTCOME_DIFFERENT;
    }
    trial_execute(run, trial, trial->now);
    if (is_beyond_us(trial)) {
        return OUTCOME_NOT_EXECUTED;
    }
    if (trial->agrees) {
        return trial->told ? OUTCOME_ADOPTED : OUTCOME_IDENTICAL;
    }
    if (strict) {
        engine_undo(run->engine);
        return OUTCOME_DIFFERENT;
    }
    return outcomes[explain(run, trial)];
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
        settle_doubt(run, trial);
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
