#include "replay/search.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/adopt.h"
#include "replay/reorder.h"

#include <stdlib.h>

enum {
    TRIALS_MAX = 50000, /* executions that one search is worth, first with and then without CAS */
    PROBES = 16,
    NEXT_MAX = 128, /* connections whose turn it may be */
};

static const size_t NOBODY = SIZE_MAX;

/* --------------------------------------------------------------------------------- candidates */

struct candidate *search_add(struct search *search, const struct pending *request, uint64_t id)
{
    if (search->count == SEARCH_CANDIDATES_MAX) {
        search->given_up = true;
        return NULL;
    }
    struct candidate *candidate = &search->candidates[search->count++];
    *candidate = (struct candidate){
        .request = request,
        .connection_id = id,
        .answered = NOT_ANSWERED,
        .now = search->trial->now,
    };
    return candidate;
}

static bool is_required(const struct candidate *candidate)
{
    return candidate->answered != NOT_ANSWERED;
}

static int compare_turns(const void *left, const void *right)
{
    const struct candidate *a = *(const struct candidate *const *)left;
    const struct candidate *b = *(const struct candidate *const *)right;
    if (a->connection_id != b->connection_id) {
        return a->connection_id < b->connection_id ? -1 : 1;
    }
    return a->request->sequence < b->request->sequence   ? -1
           : a->request->sequence > b->request->sequence ? 1
                                                         : 0;
}

/* Connections send one request after the other. */
static void note_turns(struct search *search)
{
    struct candidate **turns = search->turns;
    for (size_t i = 0; i < search->count; i++) {
        turns[i] = &search->candidates[i];
    }
    qsort(turns, search->count, sizeof(turns[0]), compare_turns);
    for (size_t i = 0; i < search->count; i++) {
        bool first = i == 0 || turns[i]->connection_id != turns[i - 1]->connection_id;
        turns[i]->before = first ? NOBODY : (size_t)(turns[i - 1] - search->candidates);
        turns[i]->needed = false;
        if (!first) {
            turns[i - 1]->needed = true;
        }
    }
}

/* ------------------------------------------------------------------------------ whose turn it is
 */

/* What is true of all that is not placed yet. */
struct remaining {
    uint64_t answered;  /* the first answer among them */
    size_t first;       /* whose that is */
    uint64_t answered2; /* the first among the others */
    uint64_t cas;       /* the lowest that has to be told yet; UINT64_MAX: none */
};

static struct remaining look_at_remaining(const struct search *search)
{
    struct remaining remaining = {NOT_ANSWERED, NOBODY, NOT_ANSWERED, UINT64_MAX};
    for (size_t i = 0; i < search->count; i++) {
        const struct candidate *candidate = &search->candidates[i];
        if (candidate->done) {
            continue;
        }
        if (candidate->answered < remaining.answered) {
            remaining.answered2 = remaining.answered;
            remaining.answered = candidate->answered;
            remaining.first = i;
        } else if (candidate->answered < remaining.answered2) {
            remaining.answered2 = candidate->answered;
        }
        if (is_required(candidate) && candidate->cas != 0 && candidate->cas < remaining.cas) {
            remaining.cas = candidate->cas;
        }
    }
    return remaining;
}

/* Nothing that is not placed yet has to come before it. */
static bool may_be_next(const struct search *search, size_t index,
                        const struct remaining *remaining)
{
    const struct candidate *next = &search->candidates[index];
    uint64_t answered = index == remaining->first ? remaining->answered2 : remaining->answered;
    return !next->done && next->request->sequence < answered &&
           (next->before == NOBODY || search->candidates[next->before].done);
}

/* What it came to says that it has changed nothing. */
static bool only_looks(const struct candidate *candidate)
{
    bool changes = overlap_opcode_changes(candidate->request->opcode) ||
                   reorder_is_flush_at_once(candidate->request);
    return !changes || (is_required(candidate) && !overlap_is_success(candidate->answer));
}

/* What is likely to be next comes first: what shows how things are, then changes, by their CAS or
 * in the order in which they were taken to have run; then what may not have run at all. */
static bool comes_before(const struct candidate *a, const struct candidate *b)
{
    bool a_looks = only_looks(a) && is_required(a);
    bool b_looks = only_looks(b) && is_required(b);
    if (a_looks != b_looks) {
        return a_looks;
    }
    if (is_required(a) != is_required(b)) {
        return is_required(a);
    }
    return a->cas != 0 && b->cas != 0 ? a->cas < b->cas : a < b;
}

/* Its answer tells the CAS of a version that it has made. */
static bool makes_version(const struct candidate *candidate)
{
    switch (mcbp_opcode_loud(candidate->request->opcode)) {
    case MCBP_TOUCH:
    case MCBP_GAT:
    case MCBP_GATK:
        return false;
    default:
        return candidate->cas != 0 && !only_looks(candidate);
    }
}

/* Of a doubtful item the CAS is a guess, too. */
static bool knows_cas(const struct engine_item *state)
{
    return state->knowledge == ENGINE_PRESENT && !state->doubtful && !state->cas_unknown;
}

/* Whether the CAS in its answer is above that of the state, and not above what has to come yet. */
static bool cas_fits(const struct candidate *candidate, const struct engine_item *state,
                     const struct remaining *remaining)
{
    return candidate->cas <= remaining->cas &&
           !(knows_cas(state) && makes_version(candidate) && candidate->cas <= state->cas);
}

/* Those whose turn it may be, the likeliest first. Returns how many. */
static size_t list_next(struct search *search, const struct engine_item *state,
                        const struct remaining *remaining, uint16_t next[NEXT_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < search->count; i++) {
        const struct candidate *candidate = &search->candidates[i];
        if (!may_be_next(search, i, remaining) ||
            (search->cas_rises && !cas_fits(candidate, state, remaining))) {
            continue;
        }
        if (count == NEXT_MAX) {
            search->given_up = true;
            break;
        }
        size_t at = count++;
        while (at > 0 && comes_before(candidate, &search->candidates[next[at - 1]])) {
            next[at] = next[at - 1];
            at--;
        }
        next[at] = (uint16_t)i;
    }
    return count;
}

/* ------------------------------------------------------------------------------------- states */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    }
    return hash;
}

static uint64_t hash_of(const struct search *search, const struct engine_item *item)
{
    uint64_t parts[] = {item->knowledge, item->flags,       item->datatype,         item->doubtful,
                        item->cas,       item->cas_unknown, (uint64_t)item->expires};
    uint64_t hash = hash_bytes(0xcbf29ce484222325u, parts, sizeof(parts));
    for (size_t i = 0; i < search->count; i++) {
        hash = (hash ^ search->candidates[i].done) * 0x100000001b3u;
    }
    return hash_bytes(hash, item->value.data, item->value.size) | 1;
}

/* Notes it. True: it was there before. With no room left, nothing is known. */
static bool was_visited(struct search *search, const struct engine_item *item)
{
    uint64_t hash = hash_of(search, item);
    for (size_t i = 0; i < PROBES; i++) {
        uint64_t *entry = &search->visited[(hash + i) % SEARCH_VISITED];
        if (*entry == hash) {
            return true;
        }
        if (*entry == 0) {
            *entry = hash;
            return false;
        }
    }
    return false;
}

static bool same_item(const struct engine_item *a, const struct engine_item *b)
{
    return a->knowledge == b->knowledge && a->doubtful == b->doubtful &&
           a->number_told == b->number_told && a->flags == b->flags && a->datatype == b->datatype &&
           a->expires == b->expires && a->cas == b->cas && a->cas_unknown == b->cas_unknown &&
           span_equal(a->value, b->value);
}

/* ---------------------------------------------------------------------------------- execution */

static bool seed(struct run *run, struct span key, enum variant variant,
                 const struct engine_item *state, const struct trial *trial)
{
    struct engine_item item = *state;
    uint8_t number[ADOPT_NUMBER_SIZE];
    if (variant == VARIANT_OTHER_CAS) {
        item.cas = ~trial->frame.header.cas;
        item.cas_unknown = false;
    } else if (variant == VARIANT_ADOPTED && !adopt_state(run, trial, state, &item, number)) {
        return false;
    }
    return engine_seed(run->engine, key, &item);
}

bool search_execute(struct run *run, struct span key, const struct candidate *candidate,
                    enum variant variant, const struct engine_item *state, struct trial *trial)
{
    struct mcbp_frame recorded;
    *trial = trial_begin(NULL, candidate->request, NULL, candidate->now);
    trial->variant = variant;
    if (reorder_is_flush_at_once(candidate->request)) {
        return engine_seed(run->engine, key, &(struct engine_item){.knowledge = ENGINE_ABSENT});
    }
    if (candidate->answer.size > 0) {
        mcbp_frame_parse(candidate->answer, &recorded);
        // cppcheck-suppress autoVariables // taken back below
        trial->recorded = &recorded;
    }
    bool agrees = seed(run, key, variant, state, trial);
    if (agrees) {
        trial_execute(run, trial, candidate->now);
        agrees =
            is_required(candidate) ? trial->agrees : trial->answer.verdict != ENGINE_NO_SEMANTICS;
    }
    if (agrees && is_required(candidate)) {
        trial_note(run, trial);
    }
    if (variant == VARIANT_OTHER_CAS && trial->response.status == MCBP_STATUS_KEY_EXISTS) {
        engine_seed(run->engine, key, state); /* refused: the item's CAS is as unknown as before */
    }
    trial->recorded = NULL;
    return agrees;
}

static bool variant_applies(const struct search *search, const struct candidate *candidate,
                            enum variant variant, const struct engine_item *state)
{
    const struct pending *request = candidate->request;
    uint8_t loud = mcbp_opcode_loud(request->opcode);
    switch (variant) {
    case VARIANT_OTHER_CAS:
        return state->knowledge == ENGINE_PRESENT && state->cas_unknown &&
               request->frame.header.cas != 0;
    case VARIANT_REFERENCED:
        return state->knowledge == ENGINE_PRESENT && state->value.size > 1 &&
               (loud == MCBP_INCREMENT || loud == MCBP_DECREMENT);
    case VARIANT_ADOPTED: /* without CAS, too much would be possible */
        return (state->knowledge == ENGINE_UNKNOWN || state->doubtful) && search->cas_rises &&
               is_required(candidate) && !reorder_is_flush_at_once(request);
    default:
        return true;
    }
}

static bool place(struct search *search, const struct engine_item *state);

/* *last: no other order needs to be tried from here. */
static bool place_next(struct search *search, const struct engine_item *state,
                       const struct placed *placed, bool *last)
{
    struct candidate *candidate = &search->candidates[placed->candidate];
    struct run *run = search->run;
    struct trial trial;
    struct saved_item after;
    if (!variant_applies(search, candidate, placed->variant, state)) {
        return false;
    }
    if (search->trials == 0) {
        search->given_up = *last = true;
        return false;
    }
    search->trials--;
    if (!search_execute(run, search->key, candidate, placed->variant, state, &trial) ||
        !saved_item_take(&after, run->engine, search->key, candidate->now)) {
        return false;
    }
    bool found = false;
    bool same = same_item(state, &after.item);
    if (!same || is_required(candidate) || candidate->needed) {
        *last = same && only_looks(candidate);
        candidate->done = true;
        search->to_place -= is_required(candidate);
        search->order[search->placed++] = *placed;
        found = place(search, &after.item);
        if (!found) {
            candidate->done = false;
            search->to_place += is_required(candidate);
            search->placed--;
        }
    }
    saved_item_deinit(&after);
    return found;
}

static bool place(struct search *search, const struct engine_item *state)
{
    uint16_t next[NEXT_MAX];
    bool last = false;
    if (search->to_place == 0) {
        return true;
    }
    struct remaining remaining = look_at_remaining(search);
    bool too_high = search->cas_rises && knows_cas(state) && state->cas > remaining.cas;
    if (too_high || was_visited(search, state)) {
        return false;
    }
    size_t count = list_next(search, state, &remaining, next);
    for (size_t i = 0; i < count && !last; i++) {
        for (int variant = VARIANT_PLAIN; variant < VARIANTS && !last; variant++) {
            struct placed placed = {.candidate = next[i], .variant = (enum variant)variant};
            if (place_next(search, state, &placed, &last)) {
                return true;
            }
        }
    }
    return false;
}

bool search_order(struct search *search, const struct engine_item *first)
{
    search->to_place = 0;
    for (size_t i = 0; i < search->count; i++) {
        search->candidates[i].cas = overlap_told_cas(search->candidates[i].answer);
        search->to_place += is_required(&search->candidates[i]);
    }
    note_turns(search);
    search->cas_rises = true;
    search->trials = TRIALS_MAX;
    if (place(search, first)) {
        return true;
    }
    memset(search->visited, 0, sizeof(search->visited));
    search->cas_rises = false;
    search->trials = TRIALS_MAX;
    return place(search, first);
}
