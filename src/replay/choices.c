#include "replay/choices.h"

#include "mcbp/opcode.h"
#include "replay/cas.h"
#include "replay/delayed.h"
#include "replay/likely.h"
#include "replay/operation.h"
#include "replay/placing.h"
#include "replay/race.h"
#include "replay/reads.h"
#include "replay/run.h"

enum {
    ANSWERED_TOGETHER = 512, /* frames of several connections that a server answers at once */
    NEAR = 8,                /* CAS values between what a server runs in a row */
};

/* The server's clock ticks once a second, at a phase that the capture does not tell. */
static bool is_near(int64_t second, const struct operation *operation)
{
    return second != 0 && second >= trial_earliest(&operation->request, operation->now) &&
           second <= operation->now + 1;
}

static bool is_left(const struct search *search, const struct operation *operation)
{
    struct engine_flush flush = engine_flush_state(search->run->model->engine);
    return !operation->is_flush && delayed_may_have_left(&flush, &search->state, operation->now);
}

static bool is_taken(const struct search *search, const struct operation *operation)
{
    struct engine_flush flush = engine_flush_state(search->run->model->engine);
    return !operation->is_flush && (delayed_may_have_taken(&flush, &search->state) ||
                                    remaining_may_be_taken_by_second(search));
}

static bool clock_matters(const struct search *search, const struct operation *operation)
{
    struct engine_flush flush = engine_flush_state(search->run->model->engine);
    return is_near(search->state.expires, operation) ||
           (!flush.at_once && is_near(flush.delayed, operation));
}

/* A FLUSH at once comes upon the change that was placed last. */
static bool is_outlived(const struct search *search, const struct operation *operation)
{
    const struct operation *change = placing_last_change(search->overlap);
    return search->width > 0 && operation->is_flush && operation->removes &&
           operation->flush.delayed == 0 && search->state.knowledge == ENGINE_PRESENT &&
           change != NULL && race_may_outlive(change->request.opcode) &&
           operations_overlap(change, operation);
}

static bool variant_applies(const struct search *search, const struct operation *operation,
                            enum variant variant)
{
    const struct engine_item *state = &search->state;
    switch (variant) {
    case VARIANT_OTHER_CAS:
        return state->knowledge == ENGINE_PRESENT && state->cas_unknown &&
               operation->request.frame.header.cas != 0;
    case VARIANT_NO_CAS:
        return cas_is_open(search->run) && operation->request.frame.header.cas != 0;
    case VARIANT_REFERENCED:
        return state->knowledge == ENGINE_PRESENT && state->value.size > 1 &&
               mcbp_opcode_counts(operation->request.opcode);
    case VARIANT_LOST_ADD:
        return reads_has_lost_add(search, operation);
    case VARIANT_NO_MEMORY:
        return reads_lacks_memory(search, operation);
    case VARIANT_EARLIER:
    case VARIANT_LATER:
        return clock_matters(search, operation);
    case VARIANT_TAKEN:
        return is_taken(search, operation);
    case VARIANT_LEFT:
        return is_left(search, operation);
    case VARIANT_OUTLIVED:
        return is_outlived(search, operation);
    case VARIANT_ADOPTED:
        return (state->knowledge == ENGINE_UNKNOWN || state->doubtful) && !operation->is_flush &&
               operation->answered != NOT_ANSWERED && !operation->untold &&
               remaining_maker(search->overlap, operation) == NULL;
    default:
        return variant == VARIANT_PLAIN;
    }
}

/* What the next version, or the answer that is due first, needs. */
struct wanted {
    bool absent;       /* that nothing is there */
    bool version;      /* a version that no answer to a change tells of */
    struct span value; /* and its value */
    bool blocked;      /* what was answered first has to run before */
    uint64_t answered; /* the first answer that tells its CAS, or NOT_ANSWERED */
};

static bool needs_absent(const struct operation *operation)
{
    return operation != NULL && operation->needs == NEEDS_ABSENT;
}

static uint64_t answer_with(const struct strand *strand, uint64_t cas)
{
    size_t i = strand->next;
    while (i < strand->count && strand->operations[i]->cas != cas) {
        i++;
    }
    return i < strand->count ? strand->operations[i]->answered : NOT_ANSWERED;
}

/* The strand's head runs before changes with that CAS or a higher one, or is the one with it. */
static uint64_t ends_before(const struct strand *strand)
{
    uint64_t below = strand->head != NULL ? strand->head->stretch->below : NO_CAS;
    return below < strand->lowest ? below : strand->lowest;
}

static struct wanted look_at_wanted(const struct search *search, const struct remaining *remaining)
{
    const struct overlap *overlap = search->overlap;
    struct wanted wanted = {.answered = NOT_ANSWERED};
    bool made = false;
    if (remaining->first != SIZE_MAX) {
        wanted.absent = needs_absent(overlap->strands[remaining->first].head);
    }
    for (size_t i = 0; i < overlap->strands_count && remaining->lowest != NO_CAS; i++) {
        const struct operation *head = overlap->strands[i].head;
        if (overlap->strands[i].lowest != remaining->lowest) {
            continue;
        }
        bool next = remaining_may_be_next(overlap, i, remaining);
        wanted.absent |= needs_absent(head);
        wanted.blocked |= !next;
        uint64_t answered = answer_with(&overlap->strands[i], remaining->lowest);
        wanted.answered = answered < wanted.answered ? answered : wanted.answered;
        if (head->versions && head->cas == remaining->lowest && next) {
            made = true;
        } else if (head->cas == remaining->lowest && head->recorded.extras.size > 0) {
            wanted.version = true;
            wanted.value = head->recorded.value;
        }
    }
    wanted.version &= !made;
    wanted.absent &= search->state.knowledge == ENGINE_PRESENT;
    return wanted;
}

static bool is_soon(const struct operation *operation, const struct wanted *wanted)
{
    return operation->answered <= wanted->answered ||
           operation->answered - wanted->answered <= ANSWERED_TOGETHER;
}

/* A server runs what it has of one connection in a row, so that a change without a CAS of its own
 * is numbered shortly behind the change that its connection made before, or before the next. */
static bool is_near_others(const struct operation *operation, uint64_t lowest, uint64_t end)
{
    return lowest - operation->stretch->above <= NEAR || end - lowest <= NEAR;
}

static bool helps(const struct search *search, const struct operation *operation,
                  const struct wanted *wanted)
{
    return (wanted->absent && operation->removes && is_soon(operation, wanted)) ||
           (wanted->version && operation->changes && operation->cas == 0 && !operation->removes &&
            likely_leaves(&search->state, operation, wanted->value));
}

/* The strand's head was silent, and it is the answer with the strand's next CAS that shows it:
 * both ran in a row, most likely. */
static bool is_tied(const struct strand *strand)
{
    return strand->head->answer == NULL && strand->lowest != NO_CAS &&
           answer_with(strand, strand->lowest) == strand->answered;
}

static enum rank rank_of_likely(const struct search *search, const struct operation *operation,
                                const struct remaining *remaining, const struct wanted *wanted)
{
    if (operation->likely <= remaining->lowest) {
        return operation->likely < remaining->lowest ? RANK_BEFORE : RANK_HELPS;
    }
    return helps(search, operation, wanted) ? RANK_SOON : RANK_LATER;
}

/*
 * The lower, the likelier it is next. First what was answered before the next version, then what
 * that needs, the version itself, and what was answered soon after it; then the rest, and in the
 * end what may not have run at all.
 */
static enum rank rank_of(const struct search *search, const struct operation *operation,
                         const struct remaining *remaining, const struct wanted *wanted)
{
    const struct strand *strand = &search->overlap->strands[operation->strand];
    if (operation->answered == NOT_ANSWERED) {
        return RANK_UNANSWERED;
    }
    if ((wanted->blocked && operation->strand == remaining->first) ||
        (!operation->changes && !remaining_is_known(&search->state))) {
        return RANK_FIRST;
    }
    if (operation->versions) {
        return operation->cas <= placing_floor(search->overlap) ? RANK_FIRST /* it is late */
               : operation->cas == remaining->lowest            ? RANK_VERSION
               : operation->cas == remaining->lowest2           ? RANK_LATER
                                                                : RANK_UNANSWERED;
    }
    if (operation->likely != NO_CAS) {
        return rank_of_likely(search, operation, remaining, wanted);
    }
    uint64_t end = ends_before(strand);
    bool later = end > remaining->lowest && is_tied(strand);
    if (end <= remaining->lowest || (operation->answered <= wanted->answered && !later)) {
        return RANK_BEFORE;
    }
    if (helps(search, operation, wanted)) {
        return RANK_HELPS;
    }
    bool soon = operation->cas == 0 && remaining->lowest != NO_CAS
                    ? is_near_others(operation, remaining->lowest, end)
                    : later || is_soon(operation, wanted);
    return soon ? RANK_SOON : RANK_LATER;
}

static bool is_likelier(const struct choice *a, const struct choice *b)
{
    return a->rank < b->rank ||
           (a->rank == b->rank && a->operation->answered < b->operation->answered);
}

static bool add_choice(struct search *search, const struct choice *choice, size_t from)
{
    if (!placing_make_room(search, (void **)&search->choices, search->choices_count,
                           &search->choices_room, sizeof(*choice))) {
        return false;
    }
    size_t at = search->choices_count++;
    for (; at > from && is_likelier(choice, &search->choices[at - 1]); at--) {
        search->choices[at] = search->choices[at - 1];
    }
    search->choices[at] = *choice;
    return true;
}

/* Lists what may be next. */
bool choices_list(struct search *search, const struct remaining *remaining)
{
    static const enum rank widest[SEARCH_WIDTHS] = {RANK_VERSION, RANK_SOON, RANK_UNANSWERED,
                                                    RANK_UNANSWERED};
    size_t from = search->choices_count;
    struct wanted wanted = look_at_wanted(search, remaining);
    bool settled = remaining_is_known(&search->state) && !remaining_fades(search);
    for (size_t i = 0; i < search->overlap->strands_count; i++) {
        struct operation *head = search->overlap->strands[i].head;
        if (search->width > 0 && remaining_may_be_next(search->overlap, i, remaining) &&
            reads_may_show_next_cas(search, head, remaining)) {
            struct choice choice = {head, VARIANT_NEXT_CAS, RANK_SOON};
            if (!add_choice(search, &choice, from)) {
                return false;
            }
        }
        if (!remaining_may_be_next(search->overlap, i, remaining) ||
            !remaining_may_agree(search, head) || !remaining_cas_fits(search, head, remaining) ||
            !remaining_is_in_stretch(search, head, remaining) || (!head->changes && settled)) {
            continue; /* a read that agreed would be placed */
        }
        enum rank rank = rank_of(search, head, remaining, &wanted);
        if (rank > widest[search->width]) {
            continue;
        }
        for (int variant = VARIANT_PLAIN; variant < VARIANTS; variant++) {
            struct choice choice = {head, (enum variant)variant, rank};
            if (variant == VARIANT_ADOPTED && !head->changes && rank < RANK_VERSION) {
                choice.rank = RANK_VERSION; /* it may show what a change has left that helps */
            }
            if (variant_applies(search, head, choice.variant) &&
                !add_choice(search, &choice, from)) {
                return false;
            }
        }
    }
    return true;
}
