#include "replay/execution.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/cas.h"
#include "replay/delayed.h"
#include "replay/race.h"
#include "response/from_frame.h"

/* Whether the server has memory is its own business, too. */
static void take_over_memory(struct trial *trial)
{
    struct span text = trial->recorded->value;
    trial->told = true;
    if (mcbp_status_is_no_memory_body(text.data, text.size)) {
        trial->response.value = text.data;
        trial->response.value_size = text.size;
    }
}

/* The CAS that the store does not know, unless it can't be the recorded one. */
static void take_over_cas(struct run *run, struct trial *trial)
{
    uint64_t recorded = trial->recorded->header.cas;
    uint64_t replaced = trial->response.cas;
    if (trial->connection != NULL && trial->ruling.why == NULL) {
        trial->ruling = cas_judge_look(run, trial);
    }
    trial->response.cas = recorded != 0 && recorded == replaced ? recorded + 1 : recorded;
}

/* What the server alone knows is taken over from it; the form around it is compared. */
static void take_over(struct run *run, struct trial *trial)
{
    const struct mcbp_frame *recorded = trial->recorded;
    trial->told = false;
    if (recorded == NULL || !trial->answered) {
        return;
    }
    if (trial->variant == VARIANT_NEXT_CAS) {
        trial->response.cas = recorded->header.cas;
    } else if (trial->answer.cas_unknown) {
        take_over_cas(run, trial);
    }
    if (trial->ruling.why != NULL && trial->response.cas == recorded->header.cas) {
        trial->response.cas = trial->ruling.instead;
    }
    if (recorded->header.vbucket_or_status == MCBP_STATUS_NO_MEMORY &&
        trial->response.status == MCBP_STATUS_NO_MEMORY) {
        take_over_memory(trial);
    }
    if (recorded->header.opcode == MCBP_VERSION && trial->response.status == MCBP_STATUS_SUCCESS &&
        recorded->header.vbucket_or_status == MCBP_STATUS_SUCCESS) {
        trial->response.value = recorded->value.data;
        trial->response.value_size = recorded->value.size;
        trial->told = true;
    }
}

/* The flat encoder's bytes stand for the description here; the writer under test has its turn when
 * it is settled what the answer is. */
static bool agrees(struct run *run, struct trial *trial)
{
    enum kvr_error error;
    struct comparison comparison;
    trial->mask_needed = false;
    trial->flat = span_of(NULL, 0);
    if (!trial->answered || trial->recorded == NULL) {
        return !trial->answered && trial->recorded == NULL;
    }
    trial->flat = construct_flat(run->construct, &trial->response, &error);
    if (span_equal(trial->flat, trial->recorded->bytes)) {
        return true;
    }
    if (error != KVR_OK || run->options->masks.count == 0 ||
        compare_frames(trial->recorded->bytes, trial->flat, &run->options->masks, &comparison) ==
            COMPARED_DIFFERENT) {
        return false;
    }
    trial->mask_needed = true;
    trial->mask = comparison.mask;
    return true;
}

static enum engine_knowledge knowledge_at(struct run *run, struct span key, int64_t now)
{
    struct engine_item item;
    engine_look(run->model->engine, key, now, &item);
    return item.knowledge;
}

bool execution_depends_on_clock(struct run *run, const struct pending *request, int64_t now)
{
    struct engine_flush flush = engine_flush_state(run->model->engine);
    struct span key = request->frame.key;
    enum engine_knowledge knowledge = knowledge_at(run, key, now);
    struct engine_item whole;
    engine_look(run->model->engine, key, SAVED_WHOLE, &whole);
    return knowledge_at(run, key, trial_earliest(request, now)) != knowledge ||
           knowledge_at(run, key, now + 1) != knowledge || delayed_may_have_taken(&flush, &whole) ||
           delayed_may_have_left(&flush, &whole, now);
}

/* A counter succeeds whether its item is there or not; only an answer tells which it was. */
static bool is_uncertain(struct run *run, const struct trial *trial, int64_t now)
{
    uint8_t opcode = trial->frame.header.opcode;
    struct engine_item item;
    if (!trial_has_key(trial) || !mcbp_opcode_counts(mcbp_opcode_loud(opcode))) {
        return false;
    }
    engine_look(run->model->engine, trial->frame.key, now, &item);
    if (item.knowledge == ENGINE_UNKNOWN) {
        return !run_is_cold(run);
    }
    bool silent = opcode != mcbp_opcode_loud(opcode) && trial->recorded == NULL;
    bool may_be_gone =
        item.knowledge == ENGINE_PRESENT && (item.expiry_unknown || run->options->allow_eviction);
    return silent && (may_be_gone || execution_depends_on_clock(run, trial->request, now));
}

static bool is_out_of_memory(const struct trial *trial)
{
    return trial->recorded != NULL &&
           trial->recorded->header.vbucket_or_status == MCBP_STATUS_NO_MEMORY;
}

static bool is_out_of_memory_late(const struct trial *trial)
{
    const char *text = MCBP_STATUS_NO_MEMORY_LATE;
    return is_out_of_memory(trial) &&
           span_equal(trial->recorded->value, span_of(text, strlen(text)));
}

/* memcached looks for a sign in the memory behind a large number, and may refuse it for what lies
 * there. */
static bool is_refused_number(const struct trial *trial)
{
    return trial->recorded != NULL &&
           trial->recorded->header.vbucket_or_status == MCBP_STATUS_DELTA_BAD_VALUE;
}

static void execution_execute(struct run *run, struct trial *trial,
                              const struct engine_request *request)
{
    if (trial->variant == VARIANT_LOST_ADD) {
        race_execute_lost_add(run, trial, request);
        return;
    }
    engine_execute(run->model->engine, request, &trial->answer);
    trial->answered =
        trial->answer.verdict != ENGINE_SILENT && trial->answer.verdict != ENGINE_NO_MEMORY;
    if (trial->answered) {
        /* STAT answers with rows; the one that ends them is the one to be compared. */
        trial->response = trial->answer.responses[trial->answer.count - 1];
    }
    run->model->doubts += request->uncertain;
}

void execution_run(struct run *run, struct trial *trial, int64_t now)
{
    struct engine_request request = {
        .frame = &trial->frame,
        .bad_lengths = trial->request->bad_lengths,
        .referenced = trial->variant == VARIANT_REFERENCED,
        .uncertain = is_uncertain(run, trial, now),
        .out_of_memory = is_out_of_memory(trial),
        .out_of_memory_late = is_out_of_memory_late(trial),
        .without_cas = trial->variant == VARIANT_NO_CAS || cas_is_never_given(run, trial),
        .minus_behind = is_refused_number(trial),
        .now = now,
        .stored = origin_seconds(&trial->request->origin),
        .counts_from = trial->now,
        .cas = trial->recorded != NULL && trial->variant != VARIANT_NEXT_CAS
                   ? trial->recorded->header.cas
                   : 0,
    };
    execution_execute(run, trial, &request);
    run->no_memory |= trial->answer.verdict == ENGINE_NO_MEMORY;
    take_over(run, trial);
    trial->agrees = agrees(run, trial);
    if (trial->agrees && request.minus_behind && trial->answer.number_doubtful &&
        trial->variant == VARIANT_PLAIN) {
        trial->variant = VARIANT_MINUS;
    }
    if (trial->agrees && trial->answered && trial->answer.cas_unknown &&
        trial->variant != VARIANT_NEXT_CAS) {
        engine_bind_cas(run->model->engine, trial->frame.key, trial->response.cas);
        run->capture->cas_adopted++;
    }
}

void execution_keep(struct run *run, struct trial *trial)
{
    enum kvr_error error;
    if (!trial->answered) {
        return;
    }
    struct span flat = construct_flat(run->construct, &trial->response, &error);
    blocks_give(&run->blocks, run->kept, run->kept_size);
    run->kept_size = flat.size;
    run->kept = blocks_take(&run->blocks, flat.size);
    if (run->kept == NULL) {
        run->no_memory = true;
        trial->answered = trial->agrees = false;
        return;
    }
    memcpy(run->kept, flat.data, flat.size);
    struct mcbp_frame frame;
    mcbp_frame_parse(span_of(run->kept, flat.size), &frame);
    response_from_frame(&frame, &trial->response);
    if (trial->flat.size > 0) {
        trial->flat = frame.bytes;
    }
}

static void note_miss(struct run *run, const struct trial *trial)
{
    uint16_t status = trial->recorded != NULL ? trial->recorded->header.vbucket_or_status
                                              : MCBP_STATUS_KEY_NOT_FOUND;
    struct engine_item item;
    if (!trial_has_key(trial) || mcbp_opcode_loud(trial->frame.header.opcode) == MCBP_STAT ||
        (status != MCBP_STATUS_KEY_NOT_FOUND && status != MCBP_STATUS_NOT_STORED)) {
        return;
    }
    if (status == MCBP_STATUS_NOT_STORED && run->model->out_of_memory) {
        return; /* see explain_by_memory */
    }
    engine_look(run->model->engine, trial->frame.key, trial->now, &item);
    if (item.knowledge == ENGINE_UNKNOWN) {
        item = (struct engine_item){.knowledge = ENGINE_ABSENT};
        run->no_memory |= !engine_seed(run->model->engine, trial->frame.key, &item);
    }
}

/* An answer with content settles what was in doubt about its key. TOUCH tells the flags only. */
static void settle_doubt(struct run *run, const struct trial *trial)
{
    struct saved_item saved;
    if (run->model->doubts == 0 || trial->frame.header.opcode == MCBP_TOUCH ||
        trial->recorded == NULL || trial->recorded->extras.size == 0 || !trial_has_key(trial) ||
        !saved_item_take(&saved, run->model->engine, trial->frame.key, trial->now)) {
        return;
    }
    if (saved.item.doubtful) {
        saved.item.doubtful = false;
        saved.item.certain = (struct engine_certain){0};
        saved_item_restore(&saved, run->model->engine, trial->frame.key);
    }
    saved_item_deinit(&saved);
}

/* The answer shows the item that is there, and leaves it. */
static bool shows_item(const struct trial *trial)
{
    if (trial->recorded == NULL || !trial_has_key(trial)) {
        return false;
    }
    switch (trial->recorded->header.vbucket_or_status) {
    case MCBP_STATUS_SUCCESS:
        return mcbp_opcode_retrieves(trial->frame.header.opcode) ||
               trial->frame.header.opcode == MCBP_TOUCH;
    case MCBP_STATUS_KEY_EXISTS:
    case MCBP_STATUS_DELTA_BAD_VALUE:
        return true;
    default:
        return false;
    }
}

/* A FLUSH with a delay that may have taken it has not. */
static void note_spared(struct run *run, const struct trial *trial)
{
    struct engine_flush flush = engine_flush_state(run->model->engine);
    struct saved_item saved;
    if (flush.delayed == 0 || !shows_item(trial) ||
        !saved_item_take(&saved, run->model->engine, trial->frame.key, SAVED_WHOLE)) {
        return;
    }
    if (delayed_may_have_taken(&flush, &saved.item)) {
        delayed_spare(&flush, &saved.item);
        saved_item_restore(&saved, run->model->engine, trial->frame.key);
    }
    saved_item_deinit(&saved);
}

void execution_note(struct run *run, const struct trial *trial)
{
    note_miss(run, trial);
    note_spared(run, trial);
    settle_doubt(run, trial);
}
