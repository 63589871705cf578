#include "replay/linearize.h"

#include "replay/choices.h"
#include "replay/overlap.h"
#include "replay/reads.h"
#include "replay/remaining.h"
#include "replay/run.h"

#include <stdlib.h>

enum {
    DEAD_ENDS = 1 << 12,
    PROBES = 8,
};

/* A state, and what of it has been tried next. */
struct frame {
    size_t placed;  /* operations that led to it */
    size_t choices; /* the first of its own in search.choices */
    size_t next;    /* the one to be tried */
    uint64_t hash;
};

/* ----------------------------------------------------------------------------------- dead ends */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9fb21c651e98df25u;
    return hash ^ hash >> 32;
}

static bool flush_may_be_next(const struct overlap *overlap)
{
    size_t i = 0;
    while (i < overlap->strands_count &&
           (overlap->strands[i].head == NULL || !overlap->strands[i].head->is_flush)) {
        i++;
    }
    return i < overlap->strands_count;
}

/* What a FLUSH may leave depends on who has made it. */
static uint64_t mix_last_change(const struct search *search, uint64_t hash)
{
    const struct operation *change =
        flush_may_be_next(search->overlap) ? placing_last_change(search->overlap) : NULL;
    return change != NULL ? mix(hash, change->request.sequence) : hash;
}

/* Of what is placed, and the state. */
static uint64_t linearize_hash_of(const struct search *search)
{
    const struct engine_item *state = &search->state;
    uint64_t hash = mix(overlap_key_hash(state->value), state->knowledge);
    hash = mix(hash, state->cas);
    hash = mix(hash, (uint64_t)state->flags << 32 | (uint64_t)state->datatype << 3 |
                         (uint64_t)state->doubtful << 2 | (uint64_t)state->cas_unknown << 1);
    hash = mix(hash, (uint64_t)state->certain.kind << 16 | (uint64_t)state->certain.flags << 8 |
                         state->certain.count);
    for (size_t i = 0; i < ENGINE_OTHERS; i++) {
        hash = mix(hash, state->certain.others[i]);
    }
    hash = mix(hash, (uint64_t)state->expires);
    hash = mix(hash, remaining_fades(search) ? (uint64_t)state->stored : 0);
    hash = mix(hash, (uint64_t)placing_flush(search->overlap)->live);
    for (size_t i = 0; i < search->overlap->strands_count; i++) {
        hash = mix(hash, search->overlap->strands[i].next);
    }
    hash = mix_last_change(search, hash);
    if (search->width == SEARCH_ANY_CAS) {
        hash = remaining_early_hash(search, hash, mix);
    }
    return hash | 1;
}

static void note_dead_end(struct search *search, uint64_t hash)
{
    if (search->dead_ends == NULL &&
        (search->dead_ends = calloc(DEAD_ENDS, sizeof(uint64_t))) == NULL) {
        return;
    }
    for (size_t i = 0; i < PROBES; i++) {
        uint64_t *entry = &search->dead_ends[(hash + i) % DEAD_ENDS];
        if (*entry == 0 || i == PROBES - 1) {
            *entry = hash;
            return;
        }
    }
}

static bool is_dead_end(const struct search *search, uint64_t hash)
{
    for (size_t i = 0; search->dead_ends != NULL && i < PROBES; i++) {
        if (search->dead_ends[(hash + i) % DEAD_ENDS] == hash) {
            return true;
        }
    }
    return false;
}

/* ---------------------------------------------------------------------------------- the search */

static void note_best(struct search *search)
{
    const struct overlap *overlap = search->overlap;
    size_t count = overlap->placed_count - search->began;
    size_t adopted = 0;
    for (size_t i = search->began; count == search->best_count && i < overlap->placed_count; i++) {
        adopted += overlap->placed[i].variant == VARIANT_ADOPTED;
    }
    if (count < search->best_count ||
        (count == search->best_count && adopted >= search->best_adopted)) {
        return;
    }
    struct choice *best = reallocarray(search->best, count, sizeof(*best));
    if (best == NULL) {
        return;
    }
    adopted = 0;
    for (size_t i = 0; i < count; i++) {
        const struct placed *placed = &overlap->placed[search->began + i];
        adopted += placed->variant == VARIANT_ADOPTED;
        best[i] = (struct choice){.operation = placed->operation, .variant = placed->variant};
    }
    search->best = best;
    search->best_count = count;
    search->best_adopted = adopted;
}

/* Lays the longest order down that led nowhere. */
static void place_best(struct search *search)
{
    placing_take_back(search, search->began);
    placing_restore(search);
    search->trials += (unsigned)search->best_count;
    for (size_t i = 0; i < search->best_count && placing_try(search, &search->best[i]); i++) {
    }
}

/* A new state: what can run does, and what may come next is listed. False: a dead end. */
static bool enter(struct search *search)
{
    if (!reads_place(search)) {
        return false;
    }
    if (search->to_place == 0) {
        return true;
    }
    struct remaining remaining = remaining_look_on(search);
    uint64_t hash = search->dead_ends != NULL ? linearize_hash_of(search) : 0;
    if (reads_is_too_late(search, &remaining) || is_dead_end(search, hash) ||
        !placing_make_room(search, (void **)&search->frames, search->frames_count,
                           &search->frames_room, sizeof(*search->frames))) {
        return false;
    }
    search->frames[search->frames_count++] = (struct frame){
        .placed = search->overlap->placed_count,
        .choices = search->choices_count,
        .next = search->choices_count,
        .hash = hash,
    };
    return choices_list(search, &remaining);
}

/* Goes on to the next choice that agrees, back to earlier states if need be. False: there is none.
 */
static bool go_on(struct search *search)
{
    while (search->frames_count > 0) {
        struct frame *frame = &search->frames[search->frames_count - 1];
        if (search->overlap->placed_count > frame->placed) {
            note_best(search);
            placing_take_back(search, frame->placed);
        }
        while (frame->next < search->choices_count && search->trials > 0) {
            if (placing_try(search, &search->choices[frame->next++])) {
                return true;
            }
        }
        note_best(search);
        if (search->trials == 0) {
            return false;
        }
        note_dead_end(search, frame->hash != 0 ? frame->hash : linearize_hash_of(search));
        search->choices_count = frame->choices;
        search->frames_count--;
    }
    return false;
}

static bool linearize_is_there(const struct search *search, const struct search_goal *goal)
{
    const struct overlap *overlap = search->overlap;
    if (search->to_place == 0 || goal == NULL || overlap->placed_count < goal->count) {
        return search->to_place == 0;
    }
    const struct operation *operation = goal->operation;
    const struct operation *head =
        operation != NULL ? overlap->strands[operation->strand].head : NULL;
    return head == NULL || head->request.sequence > operation->request.sequence;
}

static enum search_result linearize_on(struct search *search, const struct search_goal *goal)
{
    while (true) {
        size_t frames = search->frames_count;
        bool alive = enter(search);
        if (alive && linearize_is_there(search, goal)) {
            return SEARCH_FOUND;
        }
        if (!alive) {
            note_best(search);
            if (search->frames_count > frames) {
                search->choices_count = search->frames[--search->frames_count].choices;
            }
        }
        if (!go_on(search)) {
            return search->trials == 0 || search->width < SEARCH_ALL || search->run->no_memory
                       ? SEARCH_UNDECIDED
                       : SEARCH_NONE;
        }
    }
}

static size_t count_due(const struct search *search)
{
    size_t count = 0;
    for (size_t i = 0; i < search->overlap->strands_count; i++) {
        const struct strand *strand = &search->overlap->strands[i];
        for (size_t j = strand->next;
             j < strand->count && placing_is_due(search, strand->operations[j]); j++) {
            count++;
        }
    }
    return count;
}

struct search linearize_begin(struct run *run, struct overlap *overlap, uint64_t horizon,
                              unsigned trials, unsigned width)
{
    struct search search = {
        .run = run,
        .overlap = overlap,
        .key = overlap_key(overlap),
        .horizon = horizon,
        .trials = trials,
        .width = width,
        .cas_rises = run->options->masks.count == 0,
        .began = overlap->placed_count,
    };
    search.to_place = count_due(&search);
    placing_restore(&search);
    return search;
}

void linearize_end(struct search *search)
{
    search->run->model->overlaps.trials += search->spent;
    free(search->choices);
    free(search->frames);
    free(search->dead_ends);
    free(search->best);
}

enum search_result linearize(struct run *run, struct overlap *overlap, uint64_t horizon,
                             unsigned trials, unsigned width, const struct search_goal *goal)
{
    uint64_t cas_adopted = run->capture->cas_adopted;
    struct search search = linearize_begin(run, overlap, horizon, trials, width);
    enum search_result result = search.to_place > 0 ? linearize_on(&search, goal) : SEARCH_FOUND;
    if (result != SEARCH_FOUND) {
        place_best(&search);
    }
    run->capture->cas_adopted = cas_adopted;
    linearize_end(&search);
    return result;
}

uint64_t linearize_lowest(const struct overlap *overlap)
{
    return remaining_look(overlap).lowest;
}
