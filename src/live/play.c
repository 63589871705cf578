#include "live/play.h"

#include "mcbp/opcode.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TICK_MILLISECONDS = 50,
    TIMEOUT = 10000,
};

uint64_t play_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

const char *play_server(const struct play *play, enum track track)
{
    return track == OTHER ? play->options->against->name : play->options->to->name;
}

void play_problem(struct play *play, const char *format, ...)
{
    struct capture_result *capture = play->capture;
    capture->status = verify_status_worse(capture->status, VERIFY_NO_EVIDENCE);
    if (capture->problem == NULL) {
        va_list arguments;
        va_start(arguments, format);
        if (vasprintf(&capture->problem, format, arguments) < 0) {
            capture->problem = NULL;
        }
        va_end(arguments);
    }
}

/* ------------------------------------------------------------------------- what the servers say */

/* A server sends these of its own accord; they answer nothing. */
static bool is_servers_request(const struct mcbp_header *header)
{
    return header->magic == MCBP_SERVER_REQUEST ||
           (!mcbp_magic_is_response(header->magic) &&
            (mcbp_opcode_is_dcp_message(header->opcode) || header->opcode == MCBP_DCP_NOOP));
}

static void on_live_frame(void *context, const struct mcbp_frame *frame)
{
    struct lane_end *end = context;
    struct lane *lane = end->lane;
    struct play *play = lane->play;
    if (is_servers_request(&frame->header)) {
        lane_asked(lane, end->track, frame);
        return;
    }
    play->answered_at = play_now();
    play->outcome->answers++; /* one to a fence is taken off again */
    lane_answer(lane, end->track, frame, &(struct net_origin){0});
}

static void on_live_sent(void *context, size_t size)
{
    (void)size;
    struct lane_end *end = context;
    end->lane->play->progress_at = play_now();
}

static void on_live_end(void *context, const char *why, struct span rest, bool malformed)
{
    struct lane_end *end = context;
    struct lane *lane = end->lane;
    bool asked = lane_awaits(lane, end->track);
    lane->cut[end->track] = true;
    lane->let_go[end->track] = lane->half_closed && !asked;
    lane->cut_within[end->track] = rest.size > 0;
    snprintf(lane->why[end->track], sizeof(lane->why[end->track]), "%s", why == NULL ? "" : why);
    if (malformed || (rest.size > 0 && !asked)) {
        judge_malformed(lane, rest);
    }
    lane_end(lane, end->track);
}

static const struct peer_events events = {
    .frame = on_live_frame, .sent = on_live_sent, .ended = on_live_end};

static bool connect_peer(struct lane *lane, enum track track)
{
    struct play *play = lane->play;
    const struct live_options *options = play->options;
    const struct target *target = track == OTHER ? options->against : options->to;
    char problem[SOCKETS_PROBLEM_SIZE];
    SSL *tls;
    int fd = target_connect(target, (int)options->timeout, options->interrupted, &tls, problem);
    if (fd < 0) {
        play_problem(play, "%s (for connection %" PRIu64 ")", problem, lane->known.id);
        return false;
    }
    if (!peer_open(&lane->peers[track], play->base, fd, tls, play->room,
                   options->verify.dissect.frame_max, &events, &lane->ends[track])) {
        play->no_memory = true;
        return false;
    }
    return true;
}

/* False: the run is over. */
static bool connect_lane(struct lane *lane)
{
    struct play *play = lane->play;
    lane->connected = true;
    play->outcome->connections++;
    if (!connect_peer(lane, LIVE) || (play_uses(play, OTHER) && !connect_peer(lane, OTHER))) {
        order_stop(play);
        return false;
    }
    return true;
}

/* ----------------------------------------------------------------------------------- requests */

/* Recorded answers that are not there can't be waited for without end. */
static void bound_memory(struct play *play)
{
    if (order_wait_memory(play)) {
        return;
    }
    for (struct lane *lane = play->lanes; lane != NULL; lane = lane->next) {
        lane_settle(lane, RECORDED, lane->end, true);
    }
}

static void on_request(struct lane *lane, const struct dissect_frame *frame)
{
    struct play *play = lane->play;
    const struct mcbp_header *header = &frame->frame.header;
    if (mcbp_magic_is_response(header->magic)) {
        play->capture->live.not_sent[NOT_SENT_ANSWER]++;
        return;
    }
    if (play->options->limit > 0 && play->sent >= play->options->limit) {
        play->capture->live.not_sent[NOT_SENT_LIMIT]++;
        return;
    }
    if (!lane->malformed && !lane->drained) {
        bound_memory(play);
        order_wait_turn(lane, frame->origin.time, header->cas != 0);
        if (!lane->connected && !play->stopped) {
            connect_lane(lane);
        }
    }
    lane_send(lane, frame);
}

/* --------------------------------------------------------------------- what dissecting tells of */

static void not_compared(struct play *play, enum not_compared reason)
{
    if (play_reference(play) == RECORDED) {
        play->capture->live.not_compared++;
        play->capture->live.not_compared_why[reason]++;
    }
}

static void on_recorded_answer(struct lane *lane, const struct dissect_frame *frame)
{
    if (is_servers_request(&frame->frame.header)) {
        lane_asked(lane, RECORDED, &frame->frame);
        not_compared(lane->play, NOT_COMPARED_SERVERS);
    } else if (!lane_answer(lane, RECORDED, &frame->frame, &frame->origin)) {
        not_compared(lane->play, NOT_COMPARED_NO_REQUEST);
    }
}

static struct lane *lane_of(struct play *play, struct dissect_conversation *conversation)
{
    if (conversation->user == NULL && conversation->protocol == NET_TCP) {
        conversation->user = lane_create(play, conversation);
    }
    return conversation->user;
}

static void on_frame(void *context, struct dissect_conversation *conversation,
                     const struct dissect_frame *frame)
{
    struct play *play = context;
    struct lane *lane = lane_of(play, conversation);
    if (lane == NULL) {
        if (frame->role == FROM_CLIENT) {
            play->capture->live.not_sent[NOT_SENT_UDP]++;
        } else {
            not_compared(play, NOT_COMPARED_UDP);
        }
    } else if (frame->role == FROM_CLIENT) {
        on_request(lane, frame);
    } else {
        on_recorded_answer(lane, frame);
    }
}

static void on_lost(void *context, struct dissect_conversation *conversation,
                    enum dissect_role role, bool missing)
{
    struct play *play = context;
    struct lane *lane = lane_of(play, conversation);
    if (role == FROM_CLIENT) {
        play->capture->live.unframed += !missing;
    } else if (lane != NULL) {
        lane->recorded_lost = true;
        for (uint64_t i = lane->open_from[RECORDED]; i < lane->end; i++) {
            lane_at(lane, i)->answers[RECORDED].unknown = true;
        }
    }
}

static void on_end(void *context, struct dissect_conversation *conversation, enum dissect_role role)
{
    struct lane *lane = lane_of(context, conversation);
    if (lane == NULL) {
        return;
    }
    if (role == FROM_CLIENT) {
        order_finish(lane);
    } else {
        lane->recorded_end = true;
        lane->recorded_first = !lane->finishing;
        lane_settle(lane, RECORDED, lane->end, false);
    }
}

static void count_unanswered(struct lane *lane)
{
    for (uint64_t i = lane->open_from[RECORDED]; i < lane->end; i++) {
        const struct exchange *exchange = lane_at(lane, i);
        lane->play->capture->unanswered += !exchange->answers[RECORDED].done && !exchange->quiet;
    }
}

static void on_closed(void *context, struct dissect_conversation *conversation)
{
    struct lane *lane = conversation->user;
    (void)context;
    if (lane == NULL) {
        return;
    }
    count_unanswered(lane);
    lane_settle(lane, RECORDED, lane->end, !lane->recorded_end);
    order_finish(lane);
    lane->closed = true;
    if (lane->drained) {
        lane_destroy(lane);
    }
}

static void on_progress(void *context, uint64_t bytes_read, uint64_t bytes_total)
{
    struct play *play = context;
    const struct verify_options *options = &play->options->verify;
    if (options->progress != NULL) {
        options->progress(options->progress_context, play->capture->path, bytes_read, bytes_total,
                          play->capture->server_frames);
    }
}

static bool on_stop(void *context)
{
    const struct play *play = context;
    const struct live_options *options = play->options;
    bool enough = options->limit > 0 && play->sent >= options->limit && play->awaited == 0;
    return play->stopped || enough || (options->interrupted != NULL && *options->interrupted != 0);
}

/* ------------------------------------------------------------------------------------- a capture
 */

static void begin_capture(struct play *play, struct capture_result *capture)
{
    play->capture = capture;
    play->sent = 0;
    play->lingering = false;
    play->began_at = play->answered_at = 0;
    for (unsigned i = 0; i < TRACKS; i++) {
        /* It may go on where the one before ended, or be of another server's life, with the same
         * CAS values for others: requests may still use those, but nothing is held against them. */
        cas_map_deinit(&play->from_earlier[i]);
        play->from_earlier[i] = play->from_recorded[i];
        play->from_recorded[i] = (struct cas_map){0};
    }
}

static void end_capture(struct play *play)
{
    order_finish_all(play);
    while (play->lanes != NULL) {
        lane_destroy(play->lanes); /* of a run that was stopped */
    }
    play->draining = NULL;
    play->draining_count = 0;
    play->owed = play->awaited = 0;
    if (play->began_at != 0 && play->answered_at > play->began_at) {
        play->outcome->nanoseconds += play->answered_at - play->began_at;
    }
}

static void dissect(struct play *play, const char *path, struct capture_result *result)
{
    struct dissect_consumer consumer = {
        .context = play,
        .frame = on_frame,
        .lost = on_lost,
        .end = on_end,
        .closed = on_closed,
        .progress = on_progress,
        .stop = on_stop,
    };
    dissect_capture(path, &play->options->verify.dissect, &consumer, result);
}

static bool counts_add_up(const struct play *play)
{
    const struct live_counts *counts = &play->capture->live;
    uint64_t not_compared_sum = 0;
    for (unsigned i = 0; i < NOT_COMPARED_REASONS; i++) {
        not_compared_sum += counts->not_compared_why[i];
    }
    return ledger_adds_up(&play->capture->ledger) &&
           counts->check.compared == counts->check.identical + counts->check.different &&
           (play_reference(play) == OTHER ||
            (counts->not_compared == not_compared_sum &&
             counts->check.compared + counts->missing + counts->not_compared ==
                 play->capture->server_frames));
}

static void conclude(struct play *play)
{
    const struct verify_options *options = &play->options->verify;
    struct capture_result *capture = play->capture;
    const struct live_counts *counts = &capture->live;
    if (play->no_memory) {
        play_problem(play, "out of memory");
        capture->status = VERIFY_INTERNAL;
    }
    if (!counts_add_up(play)) {
        play_problem(play, "the counts do not add up; this is a bug of kvreplay");
        capture->status = VERIFY_INTERNAL;
    }
    if (counts->check.different + counts->missing + counts->unexpected + counts->malformed > 0) {
        capture->status = verify_status_worse(capture->status, VERIFY_DIFFERENT);
    }
    if (counts->check.compared < options->require_compared) {
        play_problem(play, "%" PRIu64 " answers compared, %" PRIu64 " required",
                     counts->check.compared, options->require_compared);
    }
    if (options->max_loss != UINT64_MAX && capture->ledger.lost > options->max_loss) {
        play_problem(play, "%" PRIu64 " bytes are missing from the capture, %" PRIu64 " accepted",
                     capture->ledger.lost, options->max_loss);
    }
}

/* ------------------------------------------------------------------------------------- the whole
 */

struct live {
    struct play play;
};

void live_options_init(struct live_options *options)
{
    *options = (struct live_options){.loops = 1, .timeout = TIMEOUT};
    verify_options_init(&options->verify);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context; /* it ends a turn, so that the clock is looked at */
}

static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL || event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) != 0) {
        return NULL;
    }
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct live *live_create(const struct live_options *options, struct live_outcome *outcome)
{
    static const struct timeval tick = {.tv_usec = TICK_MILLISECONDS * 1000};
    struct live *live = calloc(1, sizeof(*live));
    *outcome = (struct live_outcome){0};
    if (live == NULL) {
        return NULL;
    }
    struct play *play = &live->play;
    play->options = options;
    play->outcome = outcome;
    play->base = create_base();
    if (play->base != NULL) {
        play->tick = event_new(play->base, -1, EV_PERSIST, on_tick, NULL);
        play->due = evtimer_new(play->base, on_tick, NULL);
    }
    if (play->tick == NULL || play->due == NULL || evtimer_add(play->tick, &tick) != 0) {
        live_destroy(live);
        return NULL;
    }
    return live;
}

static bool is_over(struct live *live)
{
    return live->play.stopped;
}

void live_capture(struct live *live, const char *path, struct verify_result *result)
{
    struct play *play = &live->play;
    struct capture_result *capture = &result->captures[result->captures_count++];
    capture->path = strdup(path); /* the rest is zero */
    play->result = result;
    play->comparing = true;
    begin_capture(play, capture);
    if (capture->path == NULL) {
        capture->status = VERIFY_INTERNAL;
    } else if (is_over(live)) {
        play_problem(play, "not played, since the run had been given up before");
    } else {
        dissect(play, path, capture);
        end_capture(play);
        conclude(play);
    }
}

void live_begin_loop(struct live *live)
{
    for (unsigned i = 0; i < TRACKS; i++) {
        cas_map_deinit(&live->play.from_recorded[i]);
        cas_map_deinit(&live->play.from_earlier[i]);
    }
    cas_map_deinit(&live->play.from_other);
}

void live_repeat(struct live *live, struct verify_result *result, struct capture_result *capture)
{
    struct play *play = &live->play;
    struct capture_result *again = calloc(1, sizeof(*again));
    if (again == NULL || is_over(live)) {
        capture->status = again == NULL ? VERIFY_INTERNAL : capture->status;
        free(again);
        return;
    }
    again->path = capture->path;
    play->result = result;
    play->comparing = false;
    begin_capture(play, again);
    dissect(play, capture->path, again);
    end_capture(play);
    capture->status = verify_status_worse(capture->status, again->status);
    if (capture->problem == NULL) {
        capture->problem = again->problem;
        again->problem = NULL;
    }
    free(again->problem);
    free(again);
}

void live_destroy(struct live *live)
{
    struct play *play = &live->play;
    live_begin_loop(live);
    if (play->tick != NULL) {
        event_free(play->tick);
    }
    if (play->due != NULL) {
        event_free(play->due);
    }
    if (play->base != NULL) {
        event_base_free(play->base);
    }
    blocks_deinit(&play->blocks);
    free(live);
}

void live_outcome_deinit(struct live_outcome *outcome)
{
    for (unsigned i = 0; i < 256; i++) {
        free(outcome->latencies[i]);
    }
    *outcome = (struct live_outcome){0};
}
