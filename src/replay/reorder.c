#include "replay/reorder.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "replay/search.h"

#include <stdlib.h>

/* --------------------------------------------------------------------------------- candidates */

static struct span answer_of(const struct step *step)
{
    return span_of(step->answer, step->answer_size);
}

static void set_answer(struct candidate *candidate, const struct step *step)
{
    candidate->answered = step->answered;
    candidate->answer = answer_of(step);
    candidate->now = step->now;
    candidate->step = step;
}

static void add_steps(struct search *search, const struct overlap *overlap)
{
    for (size_t i = 0; overlap != NULL && i < overlap->count; i++) {
        const struct step *step = &overlap->steps[i];
        if (step->request.sequence == search->trial->request->sequence) {
            continue; /* the subject: now its answer is known */
        }
        struct candidate *candidate = search_add(search, &step->request, step->connection);
        if (candidate != NULL) {
            set_answer(candidate, step);
        }
    }
}

static void add_subject(struct search *search)
{
    const struct trial *trial = search->trial;
    struct candidate *candidate =
        search_add(search, trial->request, trial->connection->conversation->id);
    search->subject = search->count - 1;
    if (candidate != NULL) {
        candidate->connection = trial->connection;
        candidate->answered = search->run->sequence;
        candidate->answer = trial->recorded != NULL ? trial->recorded->bytes : span_of(NULL, 0);
    }
}

bool reorder_is_flush_at_once(const struct pending *request)
{
    if (mcbp_opcode_loud(request->opcode) != MCBP_FLUSH || request->bad_lengths) {
        return false;
    }
    struct span extras = request->frame.extras;
    return extras.size < sizeof(uint32_t) || read_be32(extras.data) == 0;
}

static bool concerns(struct span key, uint64_t key_hash, const struct pending *request)
{
    if (request->magic != MCBP_CLIENT_REQUEST || request->bad_lengths) {
        return false;
    }
    return reorder_is_flush_at_once(request) ||
           (request->key_hash == key_hash && span_equal(request->frame.key, key));
}

static void add_waiting(struct search *search, const struct overlap *overlap)
{
    uint64_t subject = search->trial->request->sequence;
    for (struct connection *c = search->run->connections; c != NULL; c = c->next) {
        for (size_t i = 0; !c->foreign && i < c->queue.count; i++) {
            const struct pending *request = pending_queue_at(&c->queue, i);
            if (request->sequence == subject ||
                !concerns(search->key, search->trial->request->key_hash, request) ||
                overlap_has_run(overlap, request->sequence)) {
                continue;
            }
            struct candidate *candidate = search_add(search, request, c->conversation->id);
            if (candidate == NULL) {
                return;
            }
            candidate->connection = c;
        }
    }
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
    search_execute(run, key, candidate, variant, &before.item, trial);
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

/* What the order has left out, and what the subject was remembered as before it was answered. */
static void release_left_out(const struct search *search, struct overlap *overlap)
{
    for (size_t i = 0; i < overlap->count; i++) {
        struct step *step = &overlap->steps[i];
        if (step->request.sequence == search->trial->request->sequence) {
            overlap_release_step(search->run, step);
        }
    }
    for (size_t i = 0; i < search->count; i++) {
        const struct candidate *candidate = &search->candidates[i];
        if (candidate->step != NULL && !candidate->done) {
            struct step step = *candidate->step;
            overlap_release_step(search->run, &step);
        }
    }
}

/* The steps of the overlap become those of the order that was found. */
static void remember(struct search *search, struct overlap *overlap)
{
    struct run *run = search->run;
    struct step *steps = reallocarray(NULL, search->placed, sizeof(*steps));
    size_t count = 0;
    if (steps == NULL) {
        run->no_memory = true;
        return;
    }
    for (size_t i = 0; i < search->placed; i++) {
        if (make_step(search, &search->order[i], &steps[count])) {
            count++;
        } else {
            run->no_memory = true;
        }
    }
    release_left_out(search, overlap);
    overlap_set_steps(run, overlap, steps, count);
    if (overlap_is_settled_by(run, overlap, search->trial)) {
        overlap_drop(run, overlap);
    } else if (count > OVERLAP_STEPS_MAX) {
        overlap_lose(run, search->key, overlap->key_hash);
    }
}

static bool find_order(struct search *search, struct overlap *overlap,
                       const struct saved_item *base)
{
    struct run *run = search->run;
    add_steps(search, overlap);
    add_subject(search);
    add_waiting(search, overlap);
    uint64_t cas_adopted = run->capture->cas_adopted;
    bool found = search->count > 1 && search_order(search, &base->item);
    if (found) {
        run_order(search, base);
    }
    run->capture->cas_adopted = cas_adopted + (found && search->trial->answer.cas_unknown);
    return found;
}

enum reorder reorder(struct run *run, struct trial *trial)
{
    struct span key = trial->frame.key;
    struct overlap *overlap = overlap_find(run, key, trial->request->key_hash);
    struct saved_item now;
    struct search *search = calloc(1, sizeof(*search));
    if (search == NULL || !saved_item_take(&now, run->engine, key, trial->now)) {
        run->no_memory = true;
        free(search);
        return REORDER_NONE;
    }
    search->run = run;
    search->trial = trial;
    search->key = key;
    bool found = find_order(search, overlap, overlap != NULL ? &overlap->base : &now);
    bool given_up = search->given_up;
    if (!found) {
        saved_item_restore(&now, run->engine, key);
    } else if (overlap == NULL) {
        overlap = overlap_begin(run, key, trial->request->key_hash, &now);
    }
    if (found && overlap != NULL) {
        remember(search, overlap);
    }
    saved_item_deinit(&now);
    free(search);
    return found ? REORDER_FOUND : given_up ? REORDER_UNDECIDED : REORDER_NONE;
}

/* ---------------------------------------------------------------------------- what is settled */

/* When the oldest request of the key that waits was asked, the trial's among them. */
static uint64_t oldest_waiting(const struct run *run, const struct overlap *overlap,
                               const struct trial *trial)
{
    struct span key = span_of(overlap->key, overlap->key_size);
    uint64_t oldest = trial->request->sequence;
    for (const struct connection *c = run->connections; c != NULL; c = c->next) {
        for (size_t i = 0; i < c->queue.count; i++) {
            const struct pending *request = pending_queue_at(&c->queue, i);
            if (request->sequence < oldest && concerns(key, overlap->key_hash, request)) {
                oldest = request->sequence;
            }
        }
    }
    return oldest;
}

/* It has run before `last` for certain, or is right where it is, whatever else moves. */
static bool is_before(const struct step *step, const struct step *last)
{
    uint64_t cas = overlap_told_cas(answer_of(step));
    return step->answered != NOT_ANSWERED &&
           (!overlap_step_changes(step) || step->answered < last->request.sequence ||
            (cas != 0 && cas <= overlap_told_cas(answer_of(last))));
}

/* It has run behind `last` for certain. */
static bool is_behind(const struct step *step, const struct step *last)
{
    uint64_t cas = overlap_told_cas(answer_of(last));
    return step->request.sequence > last->answered ||
           (cas != 0 && cas <= overlap_told_cas(answer_of(step)));
}

/* The first `count` steps have run before all others, and what they left is known. */
static bool is_beginning(const struct overlap *overlap, size_t count)
{
    const struct step *last = &overlap->steps[count - 1];
    if (!overlap_step_leaves_nothing_open(last)) {
        return false;
    }
    for (size_t i = 0; i < overlap->count; i++) {
        const struct step *step = &overlap->steps[i];
        if (step != last && !(i < count ? is_before : is_behind)(step, last)) {
            return false;
        }
    }
    return true;
}

static size_t count_settled(const struct run *run, const struct overlap *overlap,
                            const struct trial *trial)
{
    enum { TRIED_MAX = 16 };
    uint64_t oldest = oldest_waiting(run, overlap, trial);
    unsigned tried = 0;
    for (size_t count = overlap->count; count > 0 && tried < TRIED_MAX; count--) {
        if (overlap->steps[count - 1].answered < oldest) {
            tried++;
            if (is_beginning(overlap, count)) {
                return count;
            }
        }
    }
    return 0;
}

/* The first `count` steps leave what the overlap begins with from here on. */
static bool run_beginning(struct run *run, struct overlap *overlap, size_t count, int64_t now)
{
    struct span key = span_of(overlap->key, overlap->key_size);
    struct saved_item base;
    saved_item_restore(&overlap->base, run->engine, key);
    for (size_t i = 0; i < count; i++) {
        struct candidate candidate = {.request = &overlap->steps[i].request};
        struct trial trial;
        set_answer(&candidate, &overlap->steps[i]);
        if (!run_next(run, key, &candidate, overlap->steps[i].variant, &trial)) {
            return false;
        }
    }
    if (!saved_item_take(&base, run->engine, key, now)) {
        run->no_memory = true;
        return false;
    }
    overlap_set_base(run, overlap, &base);
    return true;
}

void reorder_settle_beginning(struct run *run, struct overlap *overlap, const struct trial *trial)
{
    struct span key = span_of(overlap->key, overlap->key_size);
    struct saved_item current;
    size_t count = count_settled(run, overlap, trial);
    if (count == 0) {
        return;
    }
    if (!saved_item_take(&current, run->engine, key, trial->now)) {
        run->no_memory = true;
        return;
    }
    uint64_t cas_adopted = run->capture->cas_adopted;
    bool settled = run_beginning(run, overlap, count, trial->now);
    run->capture->cas_adopted = cas_adopted;
    saved_item_restore(&current, run->engine, key);
    saved_item_deinit(&current);
    if (settled) {
        overlap_drop_steps(run, overlap, count);
    }
}
