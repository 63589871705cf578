#include "live/play.h"

#include "mcbp/opcode.h"

#include <inttypes.h>

enum {
    UNSENT_MAX = 1 << 20, /* bytes that a socket has not taken yet; more requests wait */
    SEND_AT = 64 * 1024,  /* so much is handed to the socket at once */
    SILENT_MAX = 1024,    /* requests on a connection before it is asked whether they are done */
    DRAINING_MAX = 64,    /* connections that have only their end before them */
    NUDGE_MILLISECONDS = 1000, /* without an answer, before a NOOP asks what became of it */
};

#define WAIT_MAX 1e18 /* nanoseconds: thirty years */

/* ------------------------------------------------------------------------------------ sending */

void order_unsent(struct lane *lane)
{
    struct play *play = lane->play;
    if (!lane->unsent) {
        lane->unsent = true;
        lane->next_unsent = play->unsent;
        play->unsent = lane;
    }
}

static void note_sent(struct lane *lane, uint64_t now)
{
    uint64_t i = lane->unsent_from > lane->head ? lane->unsent_from : lane->head;
    for (; i < lane->end; i++) {
        lane_at(lane, i)->sent_at = now;
    }
    lane->unsent_from = lane->end;
}

static void send_lane(struct lane *lane, uint64_t now)
{
    note_sent(lane, now);
    for (unsigned i = LIVE; i < TRACKS; i++) {
        if (peer_is_open(&lane->peers[i])) {
            peer_send(&lane->peers[i]);
        }
    }
}

static void send_all(struct play *play)
{
    uint64_t now = play->unsent != NULL ? play_now() : 0;
    while (play->unsent != NULL) {
        struct lane *lane = play->unsent;
        play->unsent = lane->next_unsent;
        lane->unsent = false;
        send_lane(lane, now);
    }
}

/* ------------------------------------------------------------------------------- no answer comes
 */

/* Whether its servers have sent something since that was asked last. */
static bool receives(struct lane *lane)
{
    uint64_t received = lane->peers[LIVE].received + lane->peers[OTHER].received;
    bool more = received != lane->received_seen;
    lane->received_seen = received;
    return more;
}

/* Asks what became of requests without an answer; after that, ends the sending side, upon which
 * every server either answers or closes. Not where it has to close without that, nor while it is
 * sending, since it might not go on. */
static void nudge(struct lane *lane)
{
    if (!lane->connected || lane_is_drained(lane)) {
        return;
    }
    bool sending = receives(lane);
    if (!lane->fenced) {
        if (lane->finishing || lane->in_flight > 0 || lane->owed > 0) {
            lane_fence(lane);
        }
    } else if (lane->finishing && !lane->half_closed && !sending && !lane_expects_end(lane)) {
        lane->half_closed = true;
        for (unsigned i = LIVE; i < TRACKS; i++) {
            if (peer_is_open(&lane->peers[i])) {
                peer_half_close(&lane->peers[i]);
            }
        }
    }
}

/* The oldest request that a server has not answered. */
static const struct exchange *waiting(const struct lane *lane, enum track *track)
{
    for (uint64_t i = lane->head; i < lane->end; i++) {
        const struct exchange *exchange = lane_at(lane, i);
        *track = exchange->answers[LIVE].done ? OTHER : LIVE;
        if (!exchange->answers[*track].done && (!exchange->quiet || exchange->owed)) {
            return exchange;
        }
    }
    return NULL;
}

static void give_up(struct play *play)
{
    const struct exchange *exchange = NULL;
    struct lane *lane = play->lanes;
    enum track track = LIVE;
    char text[MCBP_OPCODE_TEXT_SIZE];
    while (lane != NULL && (exchange = waiting(lane, &track)) == NULL) {
        lane = lane->next;
    }
    unsigned timeout = play->options->timeout;
    if (exchange == NULL) {
        play_problem(play, "%s: takes no more requests (for %u.%03u s)", play_server(play, LIVE),
                     timeout / 1000, timeout % 1000);
    } else if (exchange->fence) {
        play_problem(play,
                     "%s: no answer for %u.%03u s; connection %" PRIu64
                     " waits for that to a NOOP at its end",
                     play_server(play, track), timeout / 1000, timeout % 1000, lane->known.id);
    } else {
        play_problem(play,
                     "%s: no answer for %u.%03u s; connection %" PRIu64
                     " waits for that to %s of packet %" PRIu64,
                     play_server(play, track), timeout / 1000, timeout % 1000, lane->known.id,
                     mcbp_opcode_text(exchange->magic, exchange->opcode, text),
                     exchange->origin.packet);
    }
    order_stop(play);
}

/* Connections that a server should have closed and has not. One verdict is enough, and one wait.
 * False: there is none. */
static bool leave_open(struct play *play)
{
    bool any = false;
    for (struct lane *lane = play->lanes; lane != NULL; lane = lane->next) {
        if (lane->connected && !lane_is_drained(lane) && lane_only_open(lane)) {
            lane_leave_open(lane);
            any = true;
        }
    }
    play->lingering |= any;
    return any;
}

static void look_at_clock(struct play *play)
{
    uint64_t idle = (play_now() - play->progress_at) / 1000000;
    unsigned timeout = play->options->timeout;
    unsigned every = timeout / 4 < NUDGE_MILLISECONDS ? timeout / 4 : NUDGE_MILLISECONDS;
    if (idle >= timeout) {
        if (leave_open(play)) {
            play->progress_at = play_now();
            play->nudges = 0;
        } else {
            give_up(play);
        }
    } else if (idle >= (uint64_t)every * (play->nudges + 1)) {
        play->nudges++;
        for (struct lane *lane = play->lanes; lane != NULL; lane = lane->next) {
            nudge(lane);
        }
    }
}

void order_stop(struct play *play)
{
    play->stopped = true;
    for (struct lane *lane = play->lanes; lane != NULL; lane = lane->next) {
        for (unsigned i = LIVE; i < TRACKS; i++) {
            peer_close(&lane->peers[i]);
            lane_settle(lane, (enum track)i, lane->end, true);
        }
    }
}

/* ------------------------------------------------------------------------------------- waiting */

/* Closes the connections that have nothing before them any more. */
static void reap(struct play *play)
{
    for (struct lane **at = &play->draining; *at != NULL;) {
        struct lane *lane = *at;
        if (!lane_is_drained(lane)) {
            at = &lane->next_draining;
            continue;
        }
        *at = lane->next_draining;
        play->draining_count--;
        lane->drained = true;
        for (unsigned i = LIVE; i < TRACKS; i++) {
            peer_close(&lane->peers[i]);
        }
        if (lane->closed) {
            lane_destroy(lane);
        }
    }
}

/* Lets the servers do something. */
static void turn(struct play *play)
{
    send_all(play);
    event_base_loop(play->base, EVLOOP_ONCE);
    reap(play);
    if (play->options->interrupted != NULL && *play->options->interrupted != 0 && !play->stopped) {
        play_problem(play, "interrupted after %" PRIu64 " requests", play->sent);
        order_stop(play);
    }
}

typedef bool (*ready_function)(const struct play *play, const struct lane *lane);

static void wait_until(struct play *play, const struct lane *lane, ready_function ready)
{
    reap(play);
    if (play->stopped || ready(play, lane)) {
        return;
    }
    play->progress_at = play_now();
    play->nudges = 0;
    do {
        turn(play);
        if (!play->stopped) {
            look_at_clock(play);
        }
    } while (!play->stopped && !ready(play, lane));
}

static bool nothing_owed(const struct play *play, const struct lane *lane)
{
    (void)lane;
    return play->owed == 0;
}

static bool nothing_in_flight(const struct play *play, const struct lane *lane)
{
    (void)play;
    return lane->in_flight == 0 && lane->owed == 0;
}

static bool window_open(const struct play *play, const struct lane *lane)
{
    return lane->in_flight < play->options->pipeline;
}

static bool few_silent(const struct play *play, const struct lane *lane)
{
    (void)play;
    uint64_t from = lane->open_from[LIVE];
    if (lane->play->options->against != NULL && lane->open_from[OTHER] < from) {
        from = lane->open_from[OTHER];
    }
    return lane->end - from < SILENT_MAX;
}

static bool little_unsent(const struct play *play, const struct lane *lane)
{
    (void)play;
    return peer_unsent(&lane->peers[LIVE]) < UNSENT_MAX &&
           peer_unsent(&lane->peers[OTHER]) < UNSENT_MAX;
}

/* The recorded time of the request has come, or its turn by --rate. */
static uint64_t due_at(const struct play *play, int64_t time)
{
    const struct live_options *options = play->options;
    uint64_t due = play->began_at;
    if (options->speed > 0 && time > play->first_time) {
        double wait = ((double)time - (double)play->first_time) / options->speed;
        due += wait < WAIT_MAX ? (uint64_t)wait : (uint64_t)WAIT_MAX;
    }
    if (options->rate > 0) {
        uint64_t by_rate =
            play->began_at + (uint64_t)((double)play->sent * 1e9 / (double)options->rate);
        due = by_rate > due ? by_rate : due;
    }
    return due;
}

static void wait_for_time(struct play *play, uint64_t due)
{
    for (uint64_t now = play_now(); now < due && !play->stopped; now = play_now()) {
        uint64_t left = (due - now + 999) / 1000;
        struct timeval time = {.tv_sec = (time_t)(left / 1000000),
                               .tv_usec = (suseconds_t)(left % 1000000)};
        evtimer_add(play->due, &time);
        turn(play);
    }
}

static bool memory_suffices(const struct play *play, const struct lane *lane)
{
    (void)lane;
    return play->blocks.taken_bytes <= play->options->verify.pending_bytes_max;
}

/* Nothing more is to be had from the servers; or enough. */
static bool memory_settled(const struct play *play, const struct lane *lane)
{
    const struct lane *at = play->lanes;
    while (at != NULL && at->in_flight == 0) {
        at = at->next;
    }
    return at == NULL || memory_suffices(play, lane);
}

bool order_wait_memory(struct play *play)
{
    if (!memory_suffices(play, NULL)) {
        wait_until(play, NULL, memory_settled);
    }
    return memory_suffices(play, NULL);
}

void order_wait_turn(struct lane *lane, int64_t time, bool uses_cas)
{
    struct play *play = lane->play;
    const struct live_options *options = play->options;
    if (peer_unsent(&lane->peers[LIVE]) >= SEND_AT) {
        send_lane(lane, play_now());
    }
    if (options->pipeline == 0) {
        wait_until(play, lane, nothing_owed);
    } else {
        /* A CAS comes from an answer before. */
        wait_until(play, lane, uses_cas ? nothing_in_flight : window_open);
    }
    if (!few_silent(play, lane)) {
        lane_fence(lane);
        wait_until(play, lane, few_silent);
    }
    wait_until(play, lane, little_unsent);
    if (play->began_at == 0) {
        play->began_at = play_now();
        play->first_time = time;
    }
    if (options->speed > 0 || options->rate > 0) {
        wait_for_time(play, due_at(play, time));
    }
}

/* --------------------------------------------------------------------------------------- ends
 */

static bool drained(const struct play *play, const struct lane *lane)
{
    (void)play;
    return lane->drained;
}

static bool few_draining(const struct play *play, const struct lane *lane)
{
    (void)lane;
    return play->draining_count < DRAINING_MAX;
}

static bool none_draining(const struct play *play, const struct lane *lane)
{
    (void)lane;
    return play->draining_count == 0;
}

void order_finish(struct lane *lane)
{
    struct play *play = lane->play;
    if (!lane->finishing) {
        lane->finishing = true;
        lane->next_draining = play->draining;
        play->draining = lane;
        play->draining_count++;
        if (lane->connected && !lane_expects_end(lane)) {
            lane_fence(lane);
        }
    }
    if (play->options->pipeline == 0) {
        wait_until(play, lane, drained);
    } else {
        wait_until(play, lane, few_draining);
    }
}

void order_finish_all(struct play *play)
{
    wait_until(play, NULL, none_draining);
    reap(play);
}
