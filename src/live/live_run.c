#include "base/memory.h"
#include "live/connect.h"
#include "live/exchange.h"
#include "live/live.h"
#include "live/pacing.h"
#include "live/send.h"
#include "live/session.h"
#include "mcbp/status.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TIMEOUT = 10000 };

/* ---------------------------------------------------------------------------------- requests */

/* Of a login that is ours instead. */
static bool is_replaced_login(const struct live_run *run, uint8_t opcode)
{
    return run->options->login != NULL && mcbp_opcode_family(opcode) == MCBP_FAMILY_AUTHENTICATE;
}

static void on_request(struct session *session, const struct dissect_frame *frame)
{
    struct live_run *run = session->run;
    const struct mcbp_header *header = &frame->frame.header;
    if (mcbp_magic_is_response(header->magic)) {
        run->found.capture->live.not_sent[NOT_SENT_ANSWER]++;
        return;
    }
    if (is_replaced_login(run, header->opcode)) {
        run->found.capture->live.not_sent[NOT_SENT_LOGIN]++;
        return;
    }
    if (run->options->limit > 0 && run->sent >= run->options->limit) {
        run->found.capture->live.not_sent[NOT_SENT_LIMIT]++;
        return;
    }
    if (!session->malformed && !session->drained) {
        pacing_wait_turn(session, frame->origin.time, header->cas != 0);
        if (!session->connected && !run->stopped && !connect_session(session)) {
            pacing_stop(run);
        }
    }
    send_request(session, frame);
}

/* --------------------------------------------------------------- what the dissector delivers */

static void count_not_compared(struct live_run *run, enum not_compared reason)
{
    if (run_reference(run->options) == RECORDED) {
        run->found.capture->live.not_compared++;
        run->found.capture->live.not_compared_why[reason]++;
    }
}

static void on_recorded_answer(struct session *session, const struct dissect_frame *frame)
{
    const struct mcbp_header *header = &frame->frame.header;
    if (header->opcode == MCBP_HELLO && mcbp_magic_is_response(header->magic) &&
        header->vbucket_or_status == MCBP_STATUS_SUCCESS) {
        session->features = mcbp_feature_set_of(frame->frame.value);
    }
    if (session_note_request(&session->sides[RECORDED], &frame->frame)) {
        count_not_compared(session->run, NOT_COMPARED_SERVERS);
    } else if (is_replaced_login(session->run, header->opcode)) {
        count_not_compared(session->run, NOT_COMPARED_LOGIN);
    } else if (!session_answer(&session->sides[RECORDED], &frame->frame, &frame->origin)) {
        count_not_compared(session->run, NOT_COMPARED_NO_REQUEST);
    }
}

static struct session *session_of(struct live_run *run, struct dissect_conversation *conversation)
{
    if (conversation->user == NULL && conversation->protocol == NET_TCP) {
        conversation->user = session_create(run, conversation);
    }
    return conversation->user;
}

static void run_on_frame(void *context, struct dissect_conversation *conversation,
                         const struct dissect_frame *frame)
{
    struct live_run *run = context;
    struct session *session = session_of(run, conversation);
    if (session == NULL) {
        if (frame->role == FROM_CLIENT) {
            run->found.capture->live.not_sent[NOT_SENT_UDP]++;
        } else {
            count_not_compared(run, NOT_COMPARED_UDP);
        }
    } else if (frame->role == FROM_CLIENT) {
        on_request(session, frame);
    } else {
        on_recorded_answer(session, frame);
    }
}

static void run_on_lost(void *context, struct dissect_conversation *conversation,
                        enum dissect_role role, uint64_t missing)
{
    struct live_run *run = context;
    struct session *session = session_of(run, conversation);
    if (role == FROM_CLIENT) {
        run->found.capture->live.unframed += missing == 0;
    } else if (session != NULL) {
        session->recorded_lost = true;
        for (uint64_t i = session->sides[RECORDED].open_from; i < session->exchanges.end; i++) {
            exchange_at(session, i)->answers[RECORDED].unknown = true;
        }
    }
}

static void run_on_end(void *context, struct dissect_conversation *conversation,
                       enum dissect_role role)
{
    struct session *session = session_of(context, conversation);
    if (session == NULL) {
        return;
    }
    if (role == FROM_CLIENT) {
        pacing_finish(session);
    } else {
        session->recorded_closed = true;
        session->recorded_closed_first = !session->finishing;
        session_settle(&session->sides[RECORDED], false);
    }
}

static void count_unanswered(struct session *session)
{
    for (uint64_t i = session->sides[RECORDED].open_from; i < session->exchanges.end; i++) {
        const struct exchange *exchange = exchange_at(session, i);
        session->run->found.capture->unanswered +=
            !exchange->answers[RECORDED].done && !exchange->quiet;
    }
}

static void run_on_closed(void *context, struct dissect_conversation *conversation)
{
    struct session *session = conversation->user;
    (void)context;
    if (session == NULL) {
        return;
    }
    count_unanswered(session);
    session_settle(&session->sides[RECORDED], !session->recorded_closed);
    pacing_finish(session);
    session->closed = true;
    if (session->drained) {
        session_destroy(session);
    }
}

static void run_on_progress(void *context, uint64_t bytes_read, uint64_t bytes_total)
{
    struct live_run *run = context;
    const struct verify_options *options = &run->options->verify;
    if (options->progress != NULL) {
        options->progress(options->progress_context, run->found.capture->path, bytes_read,
                          bytes_total, run->found.capture->server_frames);
    }
}

static bool run_on_stop(void *context)
{
    const struct live_run *run = context;
    const struct live_options *options = run->options;
    bool enough = options->limit > 0 && run->sent >= options->limit && run->sessions.awaited == 0;
    return run->stopped || enough || (options->interrupted != NULL && *options->interrupted != 0);
}

/* --------------------------------------------------------------------------------- a capture */

/* Of connections that had begun before, logins of our own have to agree on what theirs had. */
static void begin_in_middle(struct live_run *run)
{
    struct findings *found = &run->found;
    if (run->options->login != NULL) {
        found->middle = middle_find(found->capture->path, &run->options->verify.dissect);
    }
    if (found->middle != NULL && (found->before = before_create()) == NULL) {
        middle_destroy(found->middle);
        found->middle = NULL;
        run->no_memory = true;
    }
}

static void begin_capture(struct live_run *run, struct verify_result *result,
                          struct capture_result *capture, bool comparing)
{
    run->found = (struct findings){.result = result,
                                   .capture = capture,
                                   .failures_before = memory_failures(),
                                   .differences_before = result->differences_count,
                                   .comparing = comparing};
    run->sent = 0;
    run->answered_at = run->pacing.began_at = 0;
    run->pacing.lingering = false;
    for (unsigned i = 0; i < TRACKS; i++) {
        /* It may go on where the one before ended, or be of another server's life, with the same
         * values for others: requests may still use those, but nothing is held against them. */
        bindings_deinit(&run->translations.from_earlier[i]);
        run->translations.from_earlier[i] = run->translations.from_recorded[i];
        run->translations.from_recorded[i] = (struct bindings){0};
    }
    seqnos_deinit(&run->seqnos[RECORDED]);
    begin_in_middle(run);
}

static void end_capture(struct live_run *run)
{
    struct sessions *sessions = &run->sessions;
    pacing_finish_all(run);
    while (!list_is_empty(&sessions->all)) { /* of a run that was stopped */
        session_destroy(LIST_MEMBER(sessions->all.next, struct session, link));
    }
    sessions->draining = NULL;
    sessions->draining_count = 0;
    sessions->answers_due = sessions->awaited = 0;
    middle_destroy(run->found.middle);
    before_destroy(run->found.before);
    run->found.middle = NULL;
    run->found.before = NULL;
    if (run->pacing.began_at != 0 && run->answered_at > run->pacing.began_at) {
        run->outcome->nanoseconds += run->answered_at - run->pacing.began_at;
    }
}

/* Plays it, until all has been answered. */
static void play_capture(struct live_run *run, const char *path)
{
    struct dissect_consumer consumer = {
        .context = run,
        .frame = run_on_frame,
        .lost = run_on_lost,
        .end = run_on_end,
        .closed = run_on_closed,
        .progress = run_on_progress,
        .stop = run_on_stop,
    };
    dissect_capture(path, &run->options->verify.dissect, &consumer, run->found.capture);
    end_capture(run);
}

static bool run_adds_up(const struct live_run *run)
{
    const struct live_counts *counts = &run->found.capture->live;
    uint64_t not_compared_sum = 0;
    for (unsigned i = 0; i < NOT_COMPARED_REASONS; i++) {
        not_compared_sum += counts->not_compared_why[i];
    }
    return ledger_adds_up(&run->found.capture->ledger) &&
           counts->check.compared == counts->check.identical + counts->check.different &&
           (run_reference(run->options) == OTHER ||
            (counts->not_compared == not_compared_sum &&
             counts->check.compared + counts->missing + counts->not_compared ==
                 run->found.capture->server_frames));
}

/* Whatever was missing may have made any difference, so none is invented. */
static void run_out_of_memory(const struct findings *found)
{
    found->capture->live = (struct live_counts){0};
    found->result->differences_count = found->differences_before;
    free(found->capture->problem);
    found->capture->problem = strdup("out of memory");
    found->capture->status = VERIFY_INTERNAL;
}

static void run_conclude(struct live_run *run)
{
    const struct verify_options *options = &run->options->verify;
    struct capture_result *capture = run->found.capture;
    const struct live_counts *counts = &capture->live;
    if (run->no_memory || memory_failures() != run->found.failures_before) {
        run_out_of_memory(&run->found);
        return;
    }
    if (!run_adds_up(run)) {
        capture_result_worsen(capture, VERIFY_INTERNAL,
                              "the counts do not add up; this is a bug of kvreplay");
    }
    if (counts->check.different + counts->missing + counts->unexpected + counts->malformed > 0) {
        capture->status = verify_status_worse(capture->status, VERIFY_DIFFERENT);
    }
    if (counts->check.compared < options->require_compared) {
        capture_result_worsen(capture, VERIFY_NO_EVIDENCE,
                              "%" PRIu64 " answers compared, %" PRIu64 " required",
                              counts->check.compared, options->require_compared);
    }
    char loss[LOSS_TEXT_SIZE];
    if (capture_loss_text(capture, options->max_loss, loss) != NULL) {
        capture_result_worsen(capture, VERIFY_NO_EVIDENCE, "%s", loss);
    }
}

/* --------------------------------------------------------------------------------- the whole */

void live_options_init(struct live_options *options)
{
    *options = (struct live_options){.loops = 1, .timeout = TIMEOUT};
    verify_options_init(&options->verify);
}

struct live_run *live_run_create(const struct live_options *options, struct live_outcome *outcome)
{
    struct live_run *run = calloc(1, sizeof(*run));
    *outcome = (struct live_outcome){0};
    if (run == NULL) {
        return NULL;
    }
    run->options = options;
    run->outcome = outcome;
    list_init(&run->sessions.all);
    list_init(&run->sessions.unsent);
    if (!pacing_init(&run->pacing)) {
        live_run_destroy(run);
        return NULL;
    }
    return run;
}

void live_run_capture(struct live_run *run, const char *path, struct verify_result *result)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    capture->path = path; /* the rest is zero */
    begin_capture(run, result, capture, true);
    if (run->stopped) {
        capture_result_worsen(capture, VERIFY_NO_EVIDENCE,
                              "not played, since the run had been given up before");
    } else {
        play_capture(run, path);
        run_conclude(run);
    }
}

void live_run_begin_loop(struct live_run *run)
{
    for (unsigned i = 0; i < TRACKS; i++) {
        bindings_deinit(&run->translations.from_recorded[i]);
        bindings_deinit(&run->translations.from_earlier[i]);
    }
    bindings_deinit(&run->translations.from_other);
}

void live_run_repeat(struct live_run *run, struct verify_result *result,
                     struct capture_result *capture)
{
    struct capture_result *again = calloc(1, sizeof(*again));
    if (again == NULL || run->stopped) {
        capture->status = again == NULL ? VERIFY_INTERNAL : capture->status;
        free(again);
        return;
    }
    again->path = capture->path;
    begin_capture(run, result, again, false);
    play_capture(run, capture->path);
    capture->status = verify_status_worse(capture->status, again->status);
    capture->interrupted |= again->interrupted;
    if (capture->problem == NULL) {
        capture->problem = again->problem;
        again->problem = NULL;
    }
    capture_result_deinit(again);
    free(again);
}

void live_run_destroy(struct live_run *run)
{
    live_run_begin_loop(run);
    for (unsigned i = 0; i < TRACKS; i++) {
        seqnos_deinit(&run->seqnos[i]);
    }
    buffer_deinit(&run->expected);
    pacing_deinit(&run->pacing);
    blocks_deinit(&run->sessions.blocks);
    free(run);
}

void live_outcome_deinit(struct live_outcome *outcome)
{
    for (unsigned i = 0; i < 256; i++) {
        free(outcome->latencies[i]);
    }
    *outcome = (struct live_outcome){0};
}
