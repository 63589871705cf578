#include "replay/placing.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/adopt.h"
#include "replay/delayed.h"
#include "replay/execution.h"
#include "replay/overlap.h"
#include "replay/run.h"

#include <stdlib.h>

/* ----------------------------------------------------------------------------------- the order */

void placing_look(struct search *search)
{
    engine_look(search->run->model->engine, search->key, SAVED_WHOLE, &search->state);
}

static const struct placed *last_placed(const struct overlap *overlap)
{
    return overlap->placed_count > 0 ? &overlap->placed[overlap->placed_count - 1] : NULL;
}

uint64_t placing_floor(const struct overlap *overlap)
{
    const struct placed *last = last_placed(overlap);
    return last != NULL ? last->floor : overlap->base_floor;
}

static uint64_t changed_of(const struct overlap *overlap)
{
    const struct placed *last = last_placed(overlap);
    return last != NULL ? last->changed : overlap->base_changed;
}

const struct saved_item *placing_last(const struct overlap *overlap)
{
    for (size_t i = overlap->placed_count; i-- > 0;) {
        if (overlap->placed[i].after.value != NULL) {
            return &overlap->placed[i].after;
        }
    }
    return &overlap->base;
}

const struct operation *placing_last_change(const struct overlap *overlap)
{
    for (size_t i = overlap->placed_count; i-- > 0;) {
        const struct placed *placed = &overlap->placed[i];
        if (placed->operation->changes && placed->variant != VARIANT_OUTLIVED) {
            return placed->operation;
        }
    }
    return NULL;
}

void placing_undo(struct overlap *overlap, size_t count)
{
    while (overlap->placed_count > count) {
        struct placed *placed = &overlap->placed[--overlap->placed_count];
        struct strand *strand = &overlap->strands[placed->operation->strand];
        saved_item_deinit(&placed->after);
        strand->next--;
        overlap->waiting++;
        overlap_set_head(strand);
    }
}

bool placing_is_due(const struct search *search, const struct operation *operation)
{
    return operation->answered < search->horizon;
}

const struct engine_flush *placing_flush(const struct overlap *overlap)
{
    const struct placed *last = last_placed(overlap);
    return last != NULL ? &last->flush : &overlap->base_flush;
}

/* Puts the last state back into the engine. */
void placing_restore(struct search *search)
{
    const struct saved_item *last = placing_last(search->overlap);
    engine_set_flush_state(search->run->model->engine, placing_flush(search->overlap));
    saved_item_restore(last, search->run->model->engine, search->key);
    search->state = last->item;
}

void placing_take_back(struct search *search, size_t count)
{
    struct overlap *overlap = search->overlap;
    if (overlap->placed_count == count) {
        return;
    }
    for (size_t i = count; i < overlap->placed_count; i++) {
        search->to_place += placing_is_due(search, overlap->placed[i].operation);
    }
    placing_undo(overlap, count);
    placing_restore(search);
}

/* ---------------------------------------------------------------------------------- execution */

bool placing_make_room(struct search *search, void **entries, size_t count, size_t *room,
                       size_t size)
{
    if (count < *room) {
        return true;
    }
    size_t more = *room == 0 ? 64 : 2 * *room;
    void *grown = reallocarray(*entries, more, size);
    if (grown == NULL) {
        search->run->no_memory = true;
        return false;
    }
    *entries = grown;
    *room = more;
    return true;
}

/* It is about an item that is there. */
static bool needs_item(enum variant variant)
{
    return variant == VARIANT_OTHER_CAS || variant == VARIANT_REFERENCED ||
           variant == VARIANT_NEXT_CAS || variant == VARIANT_LEFT;
}

static bool seed(struct search *search, enum variant variant, const struct trial *trial)
{
    struct run *run = search->run;
    struct engine_item item = search->state;
    const struct engine_flush *flush = placing_flush(search->overlap);
    bool left = needs_item(variant) && delayed_may_have_left(flush, &item, trial->now);
    uint8_t number[ADOPT_NUMBER_SIZE];
    if (variant == VARIANT_OTHER_CAS) {
        item.cas = ~trial->frame.header.cas;
        item.cas_unknown = false;
    } else if (variant == VARIANT_TAKEN || variant == VARIANT_NO_MEMORY) {
        item = (struct engine_item){.knowledge = ENGINE_ABSENT};
    } else if (variant == VARIANT_ADOPTED || (left && item.doubtful)) {
        if (!adopt_state(run, trial, &search->state, &item, number)) {
            return false;
        }
    } else if (!left) {
        return true;
    }
    if (left) {
        delayed_spare(flush, &item);
    }
    return engine_seed(run->model->engine, search->key, &item);
}

/* An unpadded number that is as long as the padded one is the same order once more. */
static bool is_shorter(const struct search *search, size_t size_before)
{
    struct engine_item item;
    engine_look(search->run->model->engine, search->key, SAVED_WHOLE, &item);
    return item.value.size < size_before;
}

static bool placing_is_there(struct search *search, int64_t now)
{
    struct engine_item item;
    engine_look(search->run->model->engine, search->key, now, &item);
    return item.knowledge == ENGINE_PRESENT;
}

static int64_t time_of(struct search *search, const struct operation *operation,
                       enum variant variant)
{
    int64_t now = operation->now;
    int64_t earliest = trial_earliest(&operation->request, now);
    if (variant == VARIANT_EARLIER || (needs_item(variant) && !placing_is_there(search, now) &&
                                       placing_is_there(search, earliest))) {
        return earliest;
    }
    return variant == VARIANT_LATER ? now + 1 : now;
}

bool placing_execute(struct search *search, const struct operation *operation, enum variant variant,
                     struct trial *trial)
{
    struct run *run = search->run;
    size_t size_before = search->state.value.size;
    *trial = trial_begin(NULL, &operation->request,
                         operation->answer != NULL ? &operation->recorded : NULL, operation->now);
    trial->variant = variant;
    if (operation->is_flush) {
        engine_set_flush_state(run->model->engine, &operation->flush);
        return !operation->removes || variant == VARIANT_OUTLIVED ||
               engine_seed(run->model->engine, search->key,
                           &(struct engine_item){.knowledge = ENGINE_ABSENT});
    }
    if (!seed(search, variant, trial)) {
        return false;
    }
    execution_run(run, trial, time_of(search, operation, variant));
    if (operation->answered == NOT_ANSWERED || operation->untold) {
        return trial->answer.verdict != ENGINE_NO_MEMORY;
    }
    if (!trial->agrees || (variant == VARIANT_REFERENCED && !is_shorter(search, size_before))) {
        return false;
    }
    execution_note(run, trial);
    if (variant == VARIANT_NO_MEMORY) {
        placing_restore(search);
    }
    if (variant == VARIANT_OTHER_CAS && trial->response.status == MCBP_STATUS_KEY_EXISTS) {
        engine_seed(run->model->engine, search->key, &search->state); /* as unknown as before */
    }
    return true;
}

/* The operation has been executed and agrees. */
bool placing_place(struct search *search, struct operation *operation, const struct trial *trial,
                   bool same)
{
    struct overlap *overlap = search->overlap;
    struct strand *strand = &overlap->strands[operation->strand];
    struct placed placed = {.operation = operation,
                            .variant = trial->variant,
                            .mask_needed = trial->mask_needed,
                            .mask = trial->mask,
                            .reordered =
                                !operation->changes && changed_of(overlap) > operation->answered,
                            .early = operation->versions && operation->cas < placing_floor(overlap),
                            .floor = placing_floor(overlap),
                            .flush = engine_flush_state(search->run->model->engine),
                            .changed = changed_of(overlap)};
    if (!placing_make_room(search, (void **)&overlap->placed, overlap->placed_count,
                           &overlap->placed_room, sizeof(placed)) ||
        (!same &&
         !saved_item_take(&placed.after, search->run->model->engine, search->key, SAVED_WHOLE))) {
        search->run->no_memory = true;
        return false;
    }
    if (operation->cas > placed.floor && trial->variant != VARIANT_NEXT_CAS) {
        placed.floor = operation->cas;
    }
    if (operation->changes && operation->answered != NOT_ANSWERED &&
        operation->answered > placed.changed) {
        placed.changed = operation->answered;
    }
    overlap->placed[overlap->placed_count++] = placed;
    overlap->waiting--;
    search->to_place -= placing_is_due(search, operation);
    strand->next++;
    overlap_set_head(strand);
    if (!same) {
        search->state = placed.after.item;
    }
    return true;
}

bool placing_spend(struct search *search)
{
    if (search->trials == 0) {
        return false;
    }
    search->trials--;
    search->spent++;
    return true;
}

bool placing_try(struct search *search, const struct choice *choice)
{
    struct trial trial;
    if (!placing_spend(search)) {
        return false;
    }
    if (placing_execute(search, choice->operation, choice->variant, &trial) &&
        placing_place(search, choice->operation, &trial, false)) {
        return true;
    }
    placing_restore(search);
    return false;
}
