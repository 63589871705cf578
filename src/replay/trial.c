#include "replay/trial.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "response/from_frame.h"

struct trial trial_begin(struct connection *connection, const struct pending *request,
                         const struct mcbp_frame *recorded, int64_t now)
{
    return (struct trial){
        .connection = connection,
        .request = request,
        .frame = request->frame,
        .recorded = recorded,
        .now = now,
    };
}

/* What the server alone knows is taken over from it; the form around it is compared. */
static void take_over(struct trial *trial)
{
    const struct mcbp_frame *recorded = trial->recorded;
    trial->told = false;
    if (recorded == NULL || !trial->answered) {
        return;
    }
    if (trial->answer.cas_unknown) {
        trial->response.cas = recorded->header.cas;
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

void trial_execute(struct run *run, struct trial *trial, int64_t now)
{
    struct engine_request request = {
        .frame = &trial->frame,
        .bad_lengths = trial->request->bad_lengths,
        .referenced = trial->variant == VARIANT_REFERENCED,
        .now = now,
        .cas = trial->recorded != NULL ? trial->recorded->header.cas : 0,
    };
    engine_execute(run->engine, &request, &trial->answer);
    trial->answered =
        trial->answer.verdict != ENGINE_SILENT && trial->answer.verdict != ENGINE_NO_MEMORY;
    run->no_memory |= trial->answer.verdict == ENGINE_NO_MEMORY;
    if (trial->answered) {
        /* STAT answers with rows; the one that ends them is the one to be compared. */
        trial->response = trial->answer.responses[trial->answer.count - 1];
    }
    take_over(trial);
    trial->agrees = agrees(run, trial);
    if (trial->agrees && trial->answered && trial->answer.cas_unknown) {
        engine_bind_cas(run->engine, trial->frame.key, trial->response.cas);
        run->capture->cas_adopted++;
    }
}

void trial_keep(struct run *run, struct trial *trial)
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
    engine_look(run->engine, trial->frame.key, trial->now, &item);
    if (item.knowledge == ENGINE_UNKNOWN) {
        item = (struct engine_item){.knowledge = ENGINE_ABSENT};
        run->no_memory |= !engine_seed(run->engine, trial->frame.key, &item);
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

void trial_note(struct run *run, const struct trial *trial)
{
    note_miss(run, trial);
    settle_doubt(run, trial);
}
