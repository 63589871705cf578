#include "replay/settle.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/explain.h"
#include "response/from_frame.h"

void settle_build(struct run *run, const struct kvr_response *response,
                  const struct mcbp_frame *recorded, struct settlement *settlement)
{
    struct construct *construct = run->construct;
    settlement->refused = KVR_OK;
    switch (construct_check(construct, response, recorded->bytes, &run->options->masks,
                            &settlement->comparison)) {
    case CONSTRUCT_EQUAL:
        return;
    case CONSTRUCT_MASKED:
        settlement->mask_needed = true;
        return;
    case CONSTRUCT_REFUSED:
        settlement->refused = construct_error(construct);
        settlement->comparison = (struct comparison){0};
        settlement->reference = recorded->bytes;
        settlement->built = span_of(NULL, 0);
        break;
    case CONSTRUCT_DIFFERENT:
        settlement->reference = construct_reference(construct);
        settlement->built = construct_built(construct);
        break;
    }
    settlement->outcome = OUTCOME_DIFFERENT;
}

/* The request took effect before, to explain another answer; this is what it came to then. */
static void settle_early(struct run *run, struct pending *request,
                         const struct mcbp_frame *recorded, struct settlement *settlement)
{
    struct mcbp_frame answer;
    settlement->answers = request->answer != NULL;
    settlement->agreed = (request->answer == NULL) == (recorded == NULL);
    if (request->answer == NULL || recorded == NULL) {
        settlement->outcome = settlement->agreed ? OUTCOME_IDENTICAL : OUTCOME_DIFFERENT;
        return;
    }
    if (request->answer_cas_unknown) {
        write_be64(request->answer + MCBP_HEADER_SIZE - sizeof(uint64_t), recorded->header.cas);
    }
    mcbp_frame_parse(span_of(request->answer, request->answer_size), &answer);
    struct kvr_response response;
    response_from_frame(&answer, &response);
    settle_build(run, &response, recorded, settlement);
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
    struct mcbp_frame frame = pending_frame(request);
    settlement->outcome = OUTCOME_NOT_EXECUTED;
    settlement->agreed = true; /* there is nothing to disagree with */
    if (frame.key.size > 0) {
        engine_forget(run->engine, frame.key);
    }
}

/* An answer with content settles what was in doubt about its key. */
static void settle_doubt(struct run *run, const struct trial *trial)
{
    struct saved_item saved;
    if (run->doubts == 0 || trial->recorded == NULL || trial->recorded->extras.size == 0 ||
        !trial_has_key(trial) ||
        !saved_item_take(&saved, run->engine, trial->frame.key, trial->now)) {
        return;
    }
    if (saved.item.doubtful) {
        saved.item.doubtful = false;
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
    uint8_t loud = mcbp_opcode_loud(trial->frame.header.opcode);
    note_miss(run, trial);
    if (loud == MCBP_FLUSH) {
        run->flushed = run->sequence;
    }
    if (trial_has_key(trial) && run->alternates.lasting > 0) {
        alternates_changed(&run->alternates, trial->frame.key, trial->request->key_hash,
                           trial->request->sequence);
    }
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
    settlement->outcome = OUTCOME_IDENTICAL;
    settlement->answers = trial->answered;
    if (trial->answered && trial->recorded != NULL) {
        settle_build(run, &trial->response, trial->recorded, settlement);
    }
    /* With another reference than the capture, the writers may agree where the server does not. */
    if (run->options->construct.reference == REFERENCE_CAPTURE || settlement->refused != KVR_OK ||
        trial->recorded == NULL || !trial->answered) {
        settlement->outcome = OUTCOME_DIFFERENT;
    }
    engine_undo(run->engine);
}

void settle_try(struct run *run, struct connection *connection, struct pending *request,
                const struct mcbp_frame *recorded, int64_t now, bool strict,
                struct settlement *settlement)
{
    *settlement = (struct settlement){.outcome = OUTCOME_IDENTICAL};
    if (request->early) {
        settle_early(run, request, recorded, settlement);
        return;
    }
    if (!is_executable(connection, request)) {
        not_executed(run, request, settlement);
        return;
    }
    struct trial trial = trial_begin(connection, request, recorded, now);
    struct saved_item before;
    bool may_overlap = explain_may_overlap(run, &trial, &before);
    settlement->outcome = execute(run, &trial, strict);
    settlement->closes = trial.answer.close && settlement->outcome != OUTCOME_NOT_EXECUTED;
    settlement->out_of_step = trial.answer.overread != 0 || trial.answer.unread != 0;
    settlement->answers = trial.answered;
    settlement->agreed = settlement->outcome != OUTCOME_DIFFERENT;
    if (settlement->outcome == OUTCOME_NOT_EXECUTED) {
        not_executed(run, request, settlement);
    } else if (settlement->agreed) {
        if (recorded != NULL && trial.answered) {
            settle_build(run, &trial.response, recorded, settlement);
        }
        note_effects(run, &trial);
        settle_doubt(run, &trial);
    } else if (!strict) {
        show_difference(run, &trial, settlement);
    }
    if (may_overlap && settlement->agreed) {
        explain_changed(run, &trial, &before);
    } else if (may_overlap) {
        saved_item_deinit(&before);
    }
    if (settlement->agreed) {
        explain_counted(run, &trial);
    }
}
