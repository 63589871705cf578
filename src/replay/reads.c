#include "replay/reads.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/operation.h"
#include "replay/placing.h"
#include "replay/race.h"
#include "replay/run.h"

/* The item is as it was, but for what a read may not change. */
static bool is_same(const struct engine_item *a, const struct engine_item *b)
{
    return a->knowledge == b->knowledge && a->doubtful == b->doubtful && a->cas == b->cas &&
           a->cas_unknown == b->cas_unknown && a->expires == b->expires &&
           a->expiry_unknown == b->expiry_unknown && a->value.size == b->value.size;
}

/* Another connection's request that runs into it overlaps with it, and may have got that CAS. */
static bool is_run_into(const struct overlap *overlap, const struct operation *operation,
                        bool (*by)(uint8_t opcode), uint64_t cas)
{
    for (size_t i = 0; i < overlap->strands_count; i++) {
        const struct strand *strand = &overlap->strands[i];
        for (size_t j = 0; j < strand->count && i != operation->strand; j++) {
            const struct operation *other = strand->operations[j];
            if (other->changes && by(other->request.opcode) &&
                operations_overlap(other, operation) &&
                (cas == 0 || other->cas == 0 || other->cas == cas)) {
                return true;
            }
        }
    }
    return false;
}

/* It looked, and another request added the item then. */
bool reads_has_lost_add(const struct search *search, const struct operation *operation)
{
    bool may_be_gone = search->state.knowledge != ENGINE_PRESENT || remaining_fades(search);
    return operation->raced && may_be_gone &&
           is_run_into(search->overlap, operation, race_is_stored_by, 0);
}

/* memcached without memory for the joined value says no more than that it is not stored. */
bool reads_lacks_memory(const struct search *search, const struct operation *operation)
{
    return search->run->model->out_of_memory && search->state.knowledge == ENGINE_PRESENT &&
           mcbp_opcode_concatenates(operation->request.opcode) && operation->answer != NULL &&
           operation->recorded.header.vbucket_or_status == MCBP_STATUS_NOT_STORED;
}

static enum variant variant_of(const struct search *search, const struct operation *operation)
{
    return reads_has_lost_add(search, operation)   ? VARIANT_LOST_ADD
           : reads_lacks_memory(search, operation) ? VARIANT_NO_MEMORY
                                                   : VARIANT_PLAIN;
}

static bool shows_next_cas(const struct search *search, const struct operation *operation)
{
    return search->state.knowledge == ENGINE_PRESENT
               ? race_may_show_next_cas(operation->request.opcode, &operation->recorded)
               : race_may_tell_next_cas(&operation->request.frame, &operation->recorded);
}

/* It shows what is there, or makes an item, with the CAS of a counter that is next. */
bool reads_may_show_next_cas(const struct search *search, const struct operation *operation,
                             const struct remaining *remaining)
{
    bool makes_item = search->state.knowledge != ENGINE_PRESENT; /* others may have seen its CAS */
    return operation->answer != NULL && operation->cas != 0 &&
           (operation->cas == remaining->lowest || makes_item) &&
           operation->cas > placing_floor(search->overlap) && shows_next_cas(search, operation) &&
           is_run_into(search->overlap, operation, race_gives_next_cas, operation->cas);
}

/* A read that agrees with what is known, and leaves it so. *dead: none that could come later would
 * make it right. */
static bool try_read(struct search *search, struct operation *operation, bool *dead)
{
    struct trial trial;
    struct engine_item before = search->state;
    bool fades = remaining_fades(search); /* a miss leaves no item that would say so */
    if (!placing_spend(search)) {
        return false;
    }
    bool agrees = placing_execute(search, operation, variant_of(search, operation), &trial);
    placing_look(search);
    if (agrees && is_same(&before, &search->state)) {
        return placing_place(search, operation, &trial, before.stored == search->state.stored);
    }
    *dead = search->cas_rises && !agrees && operation->cas != 0 && operation->cas == before.cas &&
            !fades;
    placing_restore(search);
    return false;
}

static bool is_read(const struct search *search, size_t index, const struct remaining *remaining)
{
    const struct operation *head = search->overlap->strands[index].head;
    return head != NULL && !head->changes && remaining_is_known(&search->state) &&
           remaining_may_agree(search, head) &&
           remaining_may_be_next(search->overlap, index, remaining) &&
           remaining_cas_fits(search, head, remaining);
}

/* Places all reads that can run now. False: no order leads on from here. */
bool reads_place(struct search *search)
{
    bool dead = false;
    bool more = remaining_is_known(&search->state);
    while (more) {
        struct remaining remaining = remaining_look(search->overlap);
        more = false;
        for (size_t i = 0; i < search->overlap->strands_count && !dead; i++) {
            while (is_read(search, i, &remaining) &&
                   try_read(search, search->overlap->strands[i].head, &dead)) {
                more = true;
                if (i == remaining.first) {
                    break; /* what remains is to be looked at anew */
                }
            }
        }
        more &= !dead;
    }
    return !dead;
}

/* The lowest CAS yet to be told is that of a version which is not there any more. */
bool reads_is_too_late(const struct search *search, const struct remaining *remaining)
{
    const struct engine_item *state = &search->state;
    bool shown = state->doubtful || (state->cas_unknown ? search->width == SEARCH_ANY_CAS
                                                        : state->cas == remaining->lowest);
    return search->cas_rises && state->knowledge != ENGINE_UNKNOWN &&
           remaining->lowest <= placing_floor(search->overlap) &&
           !(state->knowledge == ENGINE_PRESENT && shown) &&
           !remaining_straggles(search, remaining->lowest);
}
