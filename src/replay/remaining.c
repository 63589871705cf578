#include "replay/remaining.h"

#include "mcbp/opcode.h"
#include "replay/cas.h"
#include "replay/delayed.h"
#include "replay/likely.h"
#include "replay/race.h"
#include "replay/run.h"

struct remaining remaining_look(const struct overlap *overlap)
{
    struct remaining remaining = {NOT_ANSWERED, SIZE_MAX, NOT_ANSWERED, NO_CAS,
                                  NO_CAS,       NO_CAS,   NO_CAS};
    for (size_t i = 0; i < overlap->strands_count; i++) {
        const struct strand *strand = &overlap->strands[i];
        if (strand->answered < remaining.answered) {
            remaining.answered2 = remaining.answered;
            remaining.answered = strand->answered;
            remaining.first = i;
        } else if (strand->answered < remaining.answered2) {
            remaining.answered2 = strand->answered;
        }
        if (strand->lowest < remaining.lowest) {
            remaining.lowest2 = remaining.lowest;
            remaining.lowest = strand->lowest;
        } else if (strand->lowest > remaining.lowest && strand->lowest < remaining.lowest2) {
            remaining.lowest2 = strand->lowest;
        }
        if (strand->head != NULL && strand->head->stretch->below < remaining.below) {
            remaining.below = strand->head->stretch->below;
        }
    }
    remaining.ceiling = remaining.lowest;
    return remaining;
}

/* Nothing that is not placed has to come before the strand's head. */
bool remaining_may_be_next(const struct overlap *overlap, size_t index,
                           const struct remaining *remaining)
{
    const struct strand *strand = &overlap->strands[index];
    uint64_t answered = index == remaining->first ? remaining->answered2 : remaining->answered;
    return strand->head != NULL && strand->head->request.sequence < answered;
}

struct operation *remaining_maker(const struct overlap *overlap, const struct operation *operation)
{
    if (operation->cas == 0 || operation->versions) {
        return NULL;
    }
    for (size_t i = 0; i < overlap->strands_count; i++) {
        const struct strand *strand = &overlap->strands[i];
        for (size_t j = strand->next; j < strand->count; j++) {
            struct operation *other = strand->operations[j];
            if (other->versions && other->cas == operation->cas) {
                return other;
            }
        }
    }
    return NULL;
}

bool remaining_may_be_taken_by_second(const struct search *search)
{
    if (!cas_is_off(search->run)) {
        return false;
    }
    struct engine_flush flush = engine_flush_state(search->run->model->engine);
    return delayed_may_have_taken_by_second(&flush, &search->state);
}

/* Whether it is there depends on the time. */
bool remaining_fades(const struct search *search)
{
    struct engine_flush flush = engine_flush_state(search->run->model->engine);
    return search->state.expires != 0 || search->state.expiry_unknown ||
           delayed_leaves_open(&flush, &search->state) || remaining_may_be_taken_by_second(search);
}

/* All that is there is known. */
bool remaining_is_known(const struct engine_item *state)
{
    return state->knowledge == ENGINE_ABSENT ||
           (state->knowledge == ENGINE_PRESENT && !state->doubtful && !state->cas_unknown);
}

bool remaining_may_agree(const struct search *search, const struct operation *operation)
{
    const struct engine_item *state = &search->state;
    bool present = state->knowledge == ENGINE_PRESENT;
    return operation->needs == NEEDS_NOTHING || present == (operation->needs == NEEDS_PRESENT) ||
           !remaining_is_known(state) || remaining_fades(search);
}

/* The first operation of the strand with that CAS; NULL: none. */
static const struct operation *teller_of(const struct strand *strand, uint64_t cas)
{
    size_t i = strand->next;
    while (i < strand->count && strand->operations[i]->cas != cas) {
        i++;
    }
    return i < strand->count ? strand->operations[i] : NULL;
}

/* The quiet change may have left what the operation shows of it. TOUCH shows no value. */
static bool may_have_left(const struct search *search, const struct operation *change,
                          const struct operation *teller)
{
    return !teller->versions && (mcbp_opcode_family(teller->request.opcode) == MCBP_FAMILY_TOUCH ||
                                 likely_leaves(&search->state, change, teller->recorded.value));
}

/* The change, which has no place yet, may have made the version that the operation tells of. */
static bool may_have_made(const struct search *search, const struct operation *change,
                          const struct operation *teller)
{
    return race_is_numbered_early(change->request.opcode) &&
           (change->versions ? change->cas == teller->cas
                             : change->hidden && may_have_left(search, change, teller));
}

bool remaining_straggles(const struct search *search, uint64_t cas)
{
    const struct overlap *overlap = search->overlap;
    const struct operation *teller = NULL;
    for (size_t i = 0; teller == NULL && i < overlap->strands_count; i++) {
        teller = overlap->strands[i].lowest == cas ? teller_of(&overlap->strands[i], cas) : NULL;
    }
    for (size_t i = 0; teller != NULL && i < overlap->strands_count; i++) {
        const struct operation *head = overlap->strands[i].head;
        if (head != NULL && may_have_made(search, head, teller)) {
            return search->width == SEARCH_ANY_CAS;
        }
    }
    return false;
}

struct remaining remaining_look_on(const struct search *search)
{
    const struct overlap *overlap = search->overlap;
    struct remaining remaining = remaining_look(overlap);
    if (search->width != SEARCH_ANY_CAS) {
        return remaining;
    }
    uint64_t straggling = NO_CAS;
    remaining.ceiling = NO_CAS;
    for (size_t i = 0; i < overlap->strands_count; i++) {
        uint64_t lowest = overlap->strands[i].lowest;
        if (lowest < remaining.ceiling && lowest != straggling) {
            if (remaining_straggles(search, lowest)) {
                straggling = lowest;
            } else {
                remaining.ceiling = lowest;
            }
        }
    }
    return remaining;
}

/* The highest number that had been given when placed[i] had run, as far as that is known now: what
 * has been told since of the version that was there then was its number already. */
static uint64_t numbered_by(const struct overlap *overlap, size_t i, size_t count)
{
    uint64_t floor = overlap->placed[i].floor;
    for (size_t j = i + 1; j < count && !overlap->placed[j].operation->versions &&
                           !overlap->placed[j].operation->hidden;
         j++) {
        floor = overlap->placed[j].floor;
    }
    return floor;
}

/* The change is placed as the one with that index, or is to be. It got its number when it had been
 * asked for and the last request of its connection had run: above all that had been given by then.
 */
static uint64_t numbered_above(const struct overlap *overlap, const struct operation *change,
                               size_t index)
{
    for (size_t i = index; i-- > 0;) {
        const struct placed *placed = &overlap->placed[i];
        const struct operation *other = placed->operation;
        if (other->strand == change->strand || other->answered < change->request.sequence ||
            (placed->variant == VARIANT_ADOPTED && other->cas != 0)) {
            return numbered_by(overlap, i, index);
        }
    }
    return overlap->base_floor;
}

static bool is_told(const struct overlap *overlap, uint64_t cas)
{
    for (size_t i = overlap->placed_count; i-- > 0 && overlap->placed[i].floor >= cas;) {
        if (overlap->placed[i].operation->cas == cas) {
            return true;
        }
    }
    return false;
}

/* It may have got that CAS before what has run before it got higher ones. */
static bool may_be_early(const struct overlap *overlap, const struct operation *change,
                         size_t index, uint64_t cas)
{
    return race_is_numbered_early(change->request.opcode) &&
           cas > numbered_above(overlap, change, index) && !is_told(overlap, cas);
}

static size_t hidden_maker(const struct overlap *overlap)
{
    size_t i = overlap->placed_count;
    while (i-- > 0 && !overlap->placed[i].operation->versions) {
        if (overlap->placed[i].operation->hidden) {
            return i;
        }
    }
    return SIZE_MAX;
}

uint64_t remaining_early_hash(const struct search *search, uint64_t hash,
                              uint64_t (*mix)(uint64_t hash, uint64_t word))
{
    const struct overlap *overlap = search->overlap;
    size_t maker = hidden_maker(overlap);
    uint64_t floor = placing_floor(overlap);
    for (size_t i = 0; i < overlap->strands_count; i++) {
        const struct operation *head = overlap->strands[i].head;
        if (head != NULL && race_is_numbered_early(head->request.opcode) &&
            (head->hidden || (head->versions && head->cas <= floor))) {
            hash = mix(hash, numbered_above(overlap, head, overlap->placed_count));
        }
    }
    return maker == SIZE_MAX
               ? hash
               : mix(hash, numbered_above(overlap, overlap->placed[maker].operation, maker));
}

/* The version that is there has not told its CAS, and may have got that one. */
static bool hidden_may_be_early(const struct overlap *overlap, uint64_t cas)
{
    size_t maker = hidden_maker(overlap);
    return maker != SIZE_MAX && may_be_early(overlap, overlap->placed[maker].operation, maker, cas);
}

/* What tells of a version shows the latest. A version gets a CAS above those before, unless it was
 * numbered early. */
static bool fits_any_order(const struct search *search, const struct operation *operation,
                           const struct remaining *remaining)
{
    const struct overlap *overlap = search->overlap;
    uint64_t floor = placing_floor(overlap);
    if (operation->versions) {
        return operation->cas > floor
                   ? operation->cas <= remaining->ceiling
                   : may_be_early(overlap, operation, overlap->placed_count, operation->cas);
    }
    return remaining_is_known(&search->state)
               ? operation->cas == search->state.cas
               : operation->cas > floor || (search->state.doubtful && operation->cas == floor) ||
                     hidden_may_be_early(overlap, operation->cas);
}

static bool fits_order(const struct search *search, const struct operation *operation,
                       const struct remaining *remaining)
{
    uint64_t floor = placing_floor(search->overlap);
    return operation->cas <= remaining->lowest &&
           (operation->versions                  ? operation->cas > floor
            : remaining_is_known(&search->state) ? operation->cas == search->state.cas
                                                 : operation->cas >= floor);
}

bool remaining_cas_fits(const struct search *search, const struct operation *operation,
                        const struct remaining *remaining)
{
    return !search->cas_rises || operation->cas == 0 ||
           (search->width == SEARCH_ANY_CAS ? fits_any_order(search, operation, remaining)
                                            : fits_order(search, operation, remaining));
}

/* The server's numbers say that it has run after, and before, what is in question here. Other
 * servers may number the changes of each key by themselves; then only the widest search is right.
 */
bool remaining_is_in_stretch(const struct search *search, const struct operation *operation,
                             const struct remaining *remaining)
{
    if (search->width >= SEARCH_ALL || !search->cas_rises || !operation->changes) {
        return true;
    }
    return operation->cas != 0 ? operation->cas <= remaining->below || !operation->versions
                               : operation->stretch->above < remaining->lowest;
}
