#include "replay/reorder.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <stdlib.h>

enum {
    CANDIDATES_MAX = OVERLAP_STEPS_ROOM + 64,
    TRIALS_MAX = 50000, /* executions that one answer is worth */
    VISITED = 1 << 14,
    PROBES = 16,
};

/* A request that has its place in the order to be found, or may have. */
struct candidate {
    const struct pending *request;
    struct connection *connection; /* NULL: it is remembered as a step */
    uint64_t connection_id;
    uint64_t answered; /* NOT_ANSWERED: it may have run or not, and come to anything */
    struct span answer;
    int64_t now;
    struct step *step; /* that it was remembered as, or NULL */
};

struct placed {
    size_t candidate;
    enum variant variant;
};

struct search {
    struct run *run;
    struct trial *trial;
    struct span key;
    struct candidate candidates[CANDIDATES_MAX];
    size_t count;
    size_t subject;  /* the candidate that the trial is about */
    size_t to_place; /* candidates that have to be placed yet */
    bool done[CANDIDATES_MAX];
    struct placed order[CANDIDATES_MAX];
    size_t placed;
    unsigned trials;
    uint64_t visited[VISITED]; /* hashes of what was run and came to nothing */
};

/* --------------------------------------------------------------------------------- candidates */

static struct candidate *add(struct search *search, const struct pending *request, uint64_t id)
{
    if (search->count == CANDIDATES_MAX) {
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

static void add_steps(struct search *search, struct overlap *overlap)
{
    for (size_t i = 0; overlap != NULL && i < overlap->count; i++) {
        struct step *step = &overlap->steps[i];
        if (step->request.sequence == search->trial->request->sequence) {
            continue; /* the subject: now its answer is known */
        }
        struct candidate *candidate = add(search, &step->request, step->connection);
        candidate->answered = step->answered;
        candidate->answer = span_of(step->answer, step->answer_size);
        candidate->now = step->now;
        candidate->step = step;
    }
}

static void add_subject(struct search *search)
{
    const struct trial *trial = search->trial;
    search->subject = search->count;
    struct candidate *candidate = add(search, trial->request, trial->connection->conversation->id);
    candidate->connection = trial->connection;
    candidate->answered = search->run->sequence;
    candidate->answer = trial->recorded != NULL ? trial->recorded->bytes : span_of(NULL, 0);
}

bool reorder_is_flush_at_once(const struct pending *request)
{
    if (mcbp_opcode_loud(request->opcode) != MCBP_FLUSH || request->bad_lengths) {
        return false;
    }
    struct span extras = request->frame.extras;
    return extras.size < sizeof(uint32_t) || read_be32(extras.data) == 0;
}

static bool concerns(const struct search *search, const struct pending *request)
{
    if (request->magic != MCBP_CLIENT_REQUEST || request->bad_lengths) {
        return false;
    }
    return reorder_is_flush_at_once(request) ||
           (request->key_hash == search->trial->request->key_hash &&
            span_equal(request->frame.key, search->key));
}

static void add_waiting(struct search *search, const struct overlap *overlap)
{
    uint64_t subject = search->trial->request->sequence;
    for (struct connection *c = search->run->connections; c != NULL; c = c->next) {
        for (size_t i = 0; !c->foreign && i < c->queue.count; i++) {
            const struct pending *request = pending_queue_at(&c->queue, i);
            if (request->sequence == subject || !concerns(search, request) ||
                overlap_has_run(overlap, request->sequence)) {
                continue;
            }
            struct candidate *candidate = add(search, request, c->conversation->id);
            if (candidate == NULL) {
                return;
            }
            candidate->connection = c;
        }
    }
}

/* Nothing that is not placed yet has to come before it. */
static bool may_be_next(const struct search *search, size_t index)
{
    const struct candidate *next = &search->candidates[index];
    for (size_t i = 0; i < search->count; i++) {
        const struct candidate *other = &search->candidates[i];
        if (i == index || search->done[i]) {
            continue;
        }
        if ((other->answered != NOT_ANSWERED && other->answered < next->request->sequence) ||
            (other->connection_id == next->connection_id &&
             other->request->sequence < next->request->sequence)) {
            return false;
        }
    }
    return true;
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
    uint64_t parts[] = {item->knowledge, item->flags,       item->datatype,
                        item->cas,       item->cas_unknown, (uint64_t)item->expires};
    uint64_t hash = hash_bytes(0xcbf29ce484222325u, parts, sizeof(parts));
    hash = hash_bytes(hash, search->done, search->count * sizeof(search->done[0]));
    return hash_bytes(hash, item->value.data, item->value.size) | 1;
}

/* Notes it. True: it was there before. With no room left, nothing is known. */
static bool was_visited(struct search *search, const struct engine_item *item)
{
    uint64_t hash = hash_of(search, item);
    for (size_t i = 0; i < PROBES; i++) {
        uint64_t *entry = &search->visited[(hash + i) % VISITED];
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

/* ---------------------------------------------------------------------------------- execution */

/* The trial of a candidate on a state. False: that is not what was recorded, or makes no sense. */
static bool execute(struct run *run, struct span key, const struct candidate *candidate,
                    enum variant variant, const struct engine_item *state, struct trial *trial)
{
    struct engine_item item = *state;
    struct mcbp_frame recorded;
    *trial = trial_begin(NULL, candidate->request, NULL, candidate->now);
    trial->variant = variant;
    if (reorder_is_flush_at_once(candidate->request)) {
        item = (struct engine_item){.knowledge = ENGINE_ABSENT};
        return engine_seed(run->engine, key, &item);
    }
    if (variant == VARIANT_OTHER_CAS) {
        item.cas = ~trial->frame.header.cas;
        item.cas_unknown = false;
    }
    if (!engine_seed(run->engine, key, &item)) {
        return false;
    }
    if (candidate->answer.size > 0) {
        mcbp_frame_parse(candidate->answer, &recorded);
        // cppcheck-suppress autoVariables // taken back below
        trial->recorded = &recorded;
    }
    trial_execute(run, trial, candidate->now);
    trial->recorded = NULL;
    if (variant == VARIANT_OTHER_CAS && trial->response.status == MCBP_STATUS_KEY_EXISTS) {
        engine_seed(run->engine, key, state); /* refused: the item's CAS is as unknown as before */
    }
    return candidate->answered == NOT_ANSWERED ? trial->answer.verdict != ENGINE_NO_SEMANTICS
                                               : trial->agrees;
}

static bool variant_applies(const struct candidate *candidate, enum variant variant,
                            const struct engine_item *state)
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
    default:
        return true;
    }
}

static bool place(struct search *search, const struct engine_item *state);

static bool place_next(struct search *search, const struct engine_item *state,
                       const struct placed *placed)
{
    const struct candidate *candidate = &search->candidates[placed->candidate];
    struct run *run = search->run;
    struct trial trial;
    struct saved_item after;
    if (!variant_applies(candidate, placed->variant, state)) {
        return false;
    }
    search->trials++;
    if (!execute(run, search->key, candidate, placed->variant, state, &trial) ||
        !saved_item_take(&after, run->engine, search->key, candidate->now)) {
        return false;
    }
    bool required = candidate->answered != NOT_ANSWERED;
    search->done[placed->candidate] = true;
    search->to_place -= required;
    search->order[search->placed++] = *placed;
    bool found = place(search, &after.item);
    saved_item_deinit(&after);
    if (!found) {
        search->done[placed->candidate] = false;
        search->to_place += required;
        search->placed--;
    }
    return found;
}

static bool place(struct search *search, const struct engine_item *state)
{
    if (search->to_place == 0) {
        return true;
    }
    if (was_visited(search, state)) {
        return false;
    }
    for (size_t i = 0; i < search->count; i++) {
        if (search->done[i] || !may_be_next(search, i)) {
            continue;
        }
        for (int variant = VARIANT_PLAIN; variant < VARIANTS; variant++) {
            struct placed placed = {.candidate = i, .variant = (enum variant)variant};
            if (search->trials < TRIALS_MAX && place_next(search, state, &placed)) {
                return true;
            }
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------- result */

/* Runs a candidate on what the key holds. False: no memory. */
static bool run_next(struct run *run, struct span key, const struct candidate *candidate,
                     enum variant variant, struct trial *trial)
{
    struct saved_item before;
    if (!saved_item_take(&before, run->engine, key, candidate->now)) {
        run->no_memory = true;
        return false;
    }
    execute(run, key, candidate, variant, &before.item, trial);
    saved_item_deinit(&before);
    return true;
}

/* Runs what has been placed once more, for good. */
static void run_order(struct search *search, const struct saved_item *base)
{
    struct run *run = search->run;
    struct trial *subject = search->trial;
    saved_item_restore(base, run->engine, search->key);
    for (size_t i = 0; i < search->placed; i++) {
        struct trial trial;
        const struct placed *placed = &search->order[i];
        if (run_next(run, search->key, &search->candidates[placed->candidate], placed->variant,
                     &trial) &&
            placed->candidate == search->subject) {
            trial.recorded = subject->recorded;
            trial.connection = subject->connection;
            *subject = trial;
            trial_keep(run, subject);
        }
    }
}

static bool make_step(const struct search *search, const struct placed *placed, struct step *step)
{
    const struct candidate *candidate = &search->candidates[placed->candidate];
    if (candidate->step != NULL) {
        *step = *candidate->step;
        step->variant = placed->variant;
        return true;
    }
    bool subject = placed->candidate == search->subject;
    struct trial trial =
        trial_begin(candidate->connection, candidate->request, NULL, candidate->now);
    trial.recorded = subject ? search->trial->recorded : NULL;
    trial.variant = placed->variant;
    return overlap_make_step(search->run, &trial, candidate->answered, step);
}

/* The steps of the overlap become those of the order that was found. */
static void remember(struct search *search, struct overlap *overlap)
{
    struct run *run = search->run;
    struct step steps[CANDIDATES_MAX] = {0};
    bool kept[OVERLAP_STEPS_ROOM] = {false};
    size_t count = 0;
    overlap->bytes = 0;
    for (size_t i = 0; i < search->placed; i++) {
        const struct candidate *candidate = &search->candidates[search->order[i].candidate];
        if (candidate->step != NULL) {
            kept[candidate->step - overlap->steps] = true;
        }
        if (make_step(search, &search->order[i], &steps[count])) {
            overlap->bytes += overlap_step_size(&steps[count]);
            count++;
        }
    }
    for (size_t i = 0; i < overlap->count; i++) {
        if (!kept[i]) {
            overlap_release_step(run, &overlap->steps[i]);
        }
    }
    overlap->count = count < OVERLAP_STEPS_ROOM ? count : OVERLAP_STEPS_ROOM;
    memcpy(overlap->steps, steps, overlap->count * sizeof(*steps));
    for (size_t i = overlap->count; i < count; i++) {
        overlap_release_step(run, &steps[i]);
    }
    if (count > OVERLAP_STEPS_ROOM || overlap_is_settled_by(run, overlap, search->trial)) {
        overlap_drop(run, overlap);
    }
}

static bool search_order(struct search *search, struct overlap *overlap, struct saved_item *base)
{
    const struct trial *trial = search->trial;
    add_steps(search, overlap);
    add_subject(search);
    add_waiting(search, overlap);
    for (size_t i = 0; i < search->count; i++) {
        search->to_place += search->candidates[i].answered != NOT_ANSWERED;
    }
    uint64_t cas_adopted = search->run->capture->cas_adopted;
    bool found = search->count > 1 && place(search, &base->item);
    if (found) {
        run_order(search, base);
    }
    search->run->capture->cas_adopted = cas_adopted + (found && trial->answer.cas_unknown);
    return found;
}

bool reorder(struct run *run, struct trial *trial)
{
    struct span key = trial->frame.key;
    uint64_t key_hash = trial->request->key_hash;
    struct overlap *overlap = overlap_find(run, key, key_hash);
    struct saved_item now;
    struct saved_item base;
    struct search *search = calloc(1, sizeof(*search));
    if (search == NULL || !saved_item_take(&now, run->engine, key, trial->now)) {
        run->no_memory = true;
        free(search);
        return false;
    }
    search->run = run;
    search->trial = trial;
    search->key = key;
    base = overlap != NULL ? overlap->base : now;
    bool found = search_order(search, overlap, &base);
    if (!found) {
        saved_item_restore(&now, run->engine, key);
    } else if (overlap == NULL) {
        overlap = overlap_begin(run, key, key_hash, &now);
    }
    if (found && overlap != NULL) {
        remember(search, overlap);
    }
    saved_item_deinit(&now);
    free(search);
    return found;
}

static bool fix(struct run *run, struct overlap *overlap, size_t count, int64_t now)
{
    struct span key = span_of(overlap->key, overlap->key_size);
    struct saved_item base;
    saved_item_restore(&overlap->base, run->engine, key);
    for (size_t i = 0; i < count; i++) {
        struct step *step = &overlap->steps[i];
        struct candidate candidate = {.request = &step->request,
                                      .answered = step->answered,
                                      .answer = span_of(step->answer, step->answer_size),
                                      .now = step->now};
        struct trial trial;
        if (!run_next(run, key, &candidate, step->variant, &trial)) {
            return false;
        }
    }
    if (!saved_item_take(&base, run->engine, key, now)) {
        return false;
    }
    saved_item_deinit(&overlap->base);
    overlap->base = base;
    return true;
}

/* The older half, but none that waits for its answer and none behind one. */
static size_t count_fixable(const struct overlap *overlap)
{
    size_t count = 0;
    while (count < OVERLAP_STEPS_MAX / 2 && overlap->steps[count].answered != NOT_ANSWERED) {
        count++;
    }
    return count;
}

bool reorder_fix_beginning(struct run *run, struct overlap *overlap, int64_t now)
{
    struct span key = span_of(overlap->key, overlap->key_size);
    struct saved_item current;
    size_t count = count_fixable(overlap);
    if (count == 0 || !saved_item_take(&current, run->engine, key, now)) {
        return false;
    }
    uint64_t cas_adopted = run->capture->cas_adopted;
    bool fixed = fix(run, overlap, count, now);
    run->capture->cas_adopted = cas_adopted;
    saved_item_restore(&current, run->engine, key);
    saved_item_deinit(&current);
    for (size_t i = 0; fixed && i < count; i++) {
        overlap->bytes -= overlap_step_size(&overlap->steps[i]);
        overlap_release_step(run, &overlap->steps[i]);
    }
    if (fixed) {
        overlap->count -= count;
        memmove(overlap->steps, overlap->steps + count, overlap->count * sizeof(struct step));
    }
    return fixed;
}
