#include "replay/backtrack.h"

#include "replay/likely.h"
#include "replay/remaining.h"
#include "replay/run.h"

#include <stdlib.h>

enum {
    BACK_MIN = 8,       /* operations that are taken back first; */
    BACK_STEP = 4,      /* that many times as many the next time */
    PAST = 16,          /* operations that an order has to lead further by */
    TRIALS = 2000,      /* executions that a search is worth */
    TRIALS_BACK = 64,   /* for each operation that is taken back, */
    TRIALS_MAX = 30000, /* at most */
    TRIALS_AT_FIRST = 32768,
    TRIALS_EARNED = 4,    /* by each operation */
    TRIALS_PART = 8,      /* of what is left, for one search: an eighth */
    EARLY_TRIALS = 24576, /* where CAS values need not rise, in all; */
    EARLY_PART = 2,       /* a half of what is left for one search */
};

/* ------------------------------------------------------------------------------------ the budget
 */

/*
 * The time that a capture takes has to be in proportion to its size, whatever it holds. So each
 * operation earns some executions, and one search may take a part of what has been earned and not
 * been used. Placing operations in their likeliest order, which is needed anyway, is always
 * granted.
 */
static unsigned affordable(const struct run *run, size_t most)
{
    const struct overlaps *all = &run->model->overlaps;
    uint64_t earned = TRIALS_AT_FIRST + TRIALS_EARNED * all->operations;
    uint64_t left = earned > all->trials ? (earned - all->trials) / TRIALS_PART : 0;
    return left < most ? (unsigned)left : (unsigned)most;
}

/* Enough for each operation that waits, and a few detours. */
static unsigned few_trials(const struct run *run, const struct overlap *overlap)
{
    return affordable(run, TRIALS) + 4 * (unsigned)overlap->waiting;
}

/* A key with failures is not worth as much. */
static size_t worth(const struct overlap *overlap, size_t back)
{
    size_t most = TRIALS_MAX >> (overlap->failures < 4 ? overlap->failures : 4);
    return back < most / TRIALS_BACK ? back * TRIALS_BACK : most;
}

/* --------------------------------------------------------------------------------- what is wrong
 */

struct operation *backtrack_culprit(const struct overlap *overlap)
{
    struct remaining remaining = remaining_look(overlap);
    for (size_t i = 0; i < overlap->strands_count && remaining.lowest != NO_CAS; i++) {
        struct operation *head = overlap->strands[i].head;
        if (head != NULL && head->cas == remaining.lowest &&
            remaining_may_be_next(overlap, i, &remaining) &&
            (!head->changes || head->cas <= placing_floor(overlap))) {
            return head;
        }
    }
    return remaining.first != SIZE_MAX ? overlap->strands[remaining.first].head : NULL;
}

/* A GET's answer shows what the change has stored. */
static bool shows_stored(const struct mcbp_frame *answer, const struct mcbp_frame *change)
{
    enum { FLAGS_SIZE = 4 };
    return span_equal(answer->value, change->value) &&
           span_equal(answer->extras, span_of(change->extras.data, FLAGS_SIZE));
}

bool backtrack_contradicts_version(const struct overlap *overlap, const struct operation *culprit)
{
    for (size_t i = overlap->placed_count; i > 0 && culprit->cas != 0 && !culprit->changes; i--) {
        const struct operation *operation = overlap->placed[i - 1].operation;
        if (operation->versions || (operation->changes && operation->cas == 0)) {
            return operation->settles && operation->cas == culprit->cas &&
                   !shows_stored(&culprit->recorded, &operation->request.frame);
        }
    }
    return false;
}

static bool is_contradicted(const struct overlap *overlap)
{
    const struct operation *culprit = backtrack_culprit(overlap);
    return culprit != NULL && backtrack_contradicts_version(overlap, culprit);
}

/* ------------------------------------------------------------------------------------ the search
 */

/* What is placed, in a copy; NULL: no memory. */
static struct choice *backtrack_keep(const struct overlap *overlap, size_t *count)
{
    struct choice *order = reallocarray(NULL, overlap->placed_count + 1, sizeof(*order));
    *count = order != NULL ? overlap->placed_count : 0;
    for (size_t i = 0; i < *count; i++) {
        const struct placed *placed = &overlap->placed[i];
        order[i] = (struct choice){.operation = placed->operation, .variant = placed->variant};
    }
    return order;
}

/* Places it so again. */
static void lay(struct run *run, struct overlap *overlap, const struct choice *order, size_t count)
{
    uint64_t cas_adopted = run->capture->cas_adopted;
    placing_undo(overlap, 0);
    struct search search = linearize_begin(run, overlap, 0, (unsigned)count, 0);
    for (size_t i = 0; i < count && placing_try(&search, &order[i]); i++) {
    }
    run->capture->cas_adopted = cas_adopted;
    linearize_end(&search);
}

/* Only an order that goes against CAS values leads on. */
static void note_early(struct run *run)
{
    if (!run->model->overlaps.numbers_early) {
        run->model->overlaps.numbers_early = true;
        provisional_withdraw_early(&run->provisional, run->model);
    }
}

/* Versions may have been numbered before others that ran before them. */
static enum search_result search_early(struct run *run, struct overlap *overlap, uint64_t horizon,
                                       const struct search_goal *goal)
{
    struct overlaps *all = &run->model->overlaps;
    uint64_t left = all->early_trials < EARLY_TRIALS ? EARLY_TRIALS - all->early_trials : 0;
    uint64_t before = all->trials;
    enum search_result result =
        linearize(run, overlap, horizon, (unsigned)(left / EARLY_PART), SEARCH_ANY_CAS, goal);
    all->early_trials += all->trials - before;
    all->trials = before;
    return result;
}

/* With ever unlikelier choices; the likeliest alone have not led on. */
static enum search_result search_wider(struct run *run, struct overlap *overlap, uint64_t horizon,
                                       size_t most, const struct search_goal *goal)
{
    enum search_result result = SEARCH_UNDECIDED;
    size_t placed = overlap->placed_count;
    for (unsigned width = 1; width < SEARCH_ANY_CAS && result == SEARCH_UNDECIDED; width++) {
        placing_undo(overlap, placed);
        result = linearize(run, overlap, horizon, affordable(run, most), width, goal);
    }
    enum search_result in_order = result;
    if (result != SEARCH_NONE && (result == SEARCH_FOUND || !run->model->overlaps.numbers_early)) {
        return result;
    }
    placing_undo(overlap, placed);
    result = search_early(run, overlap, horizon, goal);
    if (result == SEARCH_FOUND && in_order == SEARCH_NONE) {
        note_early(run);
    }
    bool given_up = result == SEARCH_UNDECIDED && !run->no_memory;
    return given_up && in_order == SEARCH_NONE ? SEARCH_NONE_IN_ORDER : result;
}

/*
 * Takes back more and more of what is placed, until an order leads past what that did not. How it
 * goes on is no matter yet: a search that had to get past all that is in its way at once would
 * need too long.
 */
static enum search_result get_past(struct run *run, struct overlap *overlap, uint64_t horizon)
{
    size_t kept;
    struct choice *order = backtrack_keep(overlap, &kept);
    struct search_goal goal = {backtrack_culprit(overlap), kept + PAST};
    enum search_result result = SEARCH_UNDECIDED;
    size_t back = BACK_MIN;
    size_t from;
    do {
        from = back < kept ? kept - back : 0;
        placing_undo(overlap, from);
        result = search_wider(run, overlap, horizon, worth(overlap, back), &goal);
        if (result != SEARCH_FOUND && from > 0 && is_contradicted(overlap)) {
            free(order);
            return SEARCH_NONE;
        }
        back *= BACK_STEP;
    } while (result != SEARCH_FOUND && from > 0);
    if (result != SEARCH_FOUND) { /* the likeliest order shows best what is wrong */
        lay(run, overlap, order, kept);
    }
    free(order);
    return result;
}

enum search_result backtrack_search(struct run *run, struct overlap *overlap, uint64_t horizon)
{
    enum search_result result;
    likely_guess(run, overlap);
    do {
        result = linearize(run, overlap, horizon, few_trials(run, overlap), 0, NULL);
    } while (result != SEARCH_FOUND && (result = get_past(run, overlap, horizon)) == SEARCH_FOUND);
    return result;
}
