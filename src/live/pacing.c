#include "live/pacing.h"

#include "base/memory.h"
#include "live/compare.h"
#include "live/exchange.h"
#include "live/send.h"
#include "live/session.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    TICK_MILLISECONDS = 50,
    UNSENT_MAX = 1 << 20, /* bytes that a socket has not taken yet; more requests wait */
    SEND_AT = 64 * 1024,  /* so much is handed to the socket at once */
    SILENT_MAX = 1024,    /* requests on a connection before it is asked whether they are done */
    DRAINING_MAX = 64,    /* connections that have only their end before them */
    NUDGE_MILLISECONDS = 1000, /* without an answer, before a NOOP asks what became of it */
    REQUEST_TEXT_SIZE = 40,    /* " of packet N", or that it is a NOOP of our own */
};

#define WAIT_MAX 1e18 /* nanoseconds: thirty years */

/* ----------------------------------------------------------------------------- begin and end */

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

bool pacing_init(struct pacing *pacing)
{
    static const struct timeval tick = {.tv_usec = TICK_MILLISECONDS * 1000};
    pacing->base = create_base();
    if (pacing->base != NULL) {
        pacing->tick = event_new(pacing->base, -1, EV_PERSIST, on_tick, NULL);
        pacing->due = evtimer_new(pacing->base, on_tick, NULL);
    }
    return pacing->tick != NULL && pacing->due != NULL && evtimer_add(pacing->tick, &tick) == 0;
}

void pacing_deinit(struct pacing *pacing)
{
    if (pacing->tick != NULL) {
        event_free(pacing->tick);
    }
    if (pacing->due != NULL) {
        event_free(pacing->due);
    }
    if (pacing->base != NULL) {
        event_base_free(pacing->base);
    }
}

/* --------------------------------------------------------------------------- no answer comes */

/* Asks what became of requests without an answer; after that, ends the sending side, upon which
 * every server either answers or closes. Not where it has to close without that, nor while it is
 * sending, since it might not go on. */
static void nudge(struct session *session)
{
    if (!session->connected || session_is_drained(session)) {
        return;
    }
    uint64_t received = session->sides[LIVE].peer.received + session->sides[OTHER].peer.received;
    bool sending = received != session->received_seen;
    session->received_seen = received;
    if (!session->fenced) {
        if (session->finishing || session->in_flight > 0 || session->answers_due > 0) {
            send_fence(session);
        }
    } else if (session->finishing && !session->half_closed && !sending &&
               !session_expects_end(session)) {
        session->half_closed = true;
        for (unsigned i = LIVE; i < TRACKS; i++) {
            if (peer_is_open(&session->sides[i].peer)) {
                peer_half_close(&session->sides[i].peer);
            }
        }
    }
}

/* The oldest request that a server has not answered. */
static const struct exchange *waiting(const struct session *session, enum track *track)
{
    for (uint64_t i = session->exchanges.head; i < session->exchanges.end; i++) {
        const struct exchange *exchange = exchange_at(session, i);
        *track = exchange->answers[LIVE].done ? OTHER : LIVE;
        if (!exchange->answers[*track].done && (!exchange->quiet || exchange->answer_due)) {
            return exchange;
        }
    }
    return NULL;
}

static void pacing_give_up(struct live_run *run)
{
    const struct pacing *pacing = &run->pacing;
    bool busy = pacing->active_at > pacing->waiting_at; /* with what is of no use */
    const struct exchange *exchange = NULL;
    uint64_t id = 0; /* of the connection that waits */
    enum track track = LIVE;
    char text[MCBP_OPCODE_TEXT_SIZE];
    char request[MCBP_OPCODE_TEXT_SIZE + REQUEST_TEXT_SIZE] = "a NOOP at its end";
    LIST_EACH (struct session, session, &run->sessions.all, link) {
        if ((exchange = waiting(session, &track)) != NULL) {
            id = session->known.id;
            break;
        }
    }
    unsigned timeout = run->options->timeout;
    if (exchange == NULL) {
        capture_result_worsen(run->found.capture, VERIFY_NO_EVIDENCE, "%s: %s for %u.%03u s",
                              run_target(run->options, LIVE)->name,
                              busy ? "has answered no request" : "takes no more requests",
                              timeout / 1000, timeout % 1000);
    } else {
        if (!exchange->fence) {
            snprintf(request, sizeof(request), "%s of packet %" PRIu64,
                     mcbp_opcode_text(exchange->magic, exchange->opcode, text),
                     exchange->origin.packet);
        }
        capture_result_worsen(
            run->found.capture, VERIFY_NO_EVIDENCE,
            "%s: no answer for %u.%03u s; connection %" PRIu64 " waits for that to %s",
            run_target(run->options, track)->name, timeout / 1000, timeout % 1000, id, request);
    }
    pacing_stop(run);
}

/* Everything has been answered, only a server's end is not there. */
static bool only_end_is_missing(const struct session *session)
{
    return session->connected && !session_is_drained(session) && session->finishing &&
           session_expects_end(session) && session->answers_due == 0 &&
           session->in_flight == (session->fenced ? 1 : 0);
}

/* Waits no more for connections that a server should have closed and has not. One verdict is
 * enough, and one wait. False: there is none. */
static bool leave_open(struct live_run *run)
{
    bool any = false;
    LIST_EACH (struct session, session, &run->sessions.all, link) {
        if (only_end_is_missing(session)) {
            session->lingers = any = true;
            compare_close(session);
            session_end(&session->sides[LIVE]);
            session_end(&session->sides[OTHER]);
        }
    }
    run->pacing.lingering |= any;
    return any;
}

static void look_at_clock(struct live_run *run)
{
    struct pacing *pacing = &run->pacing;
    uint64_t now = run_now();
    uint64_t idle = (now - pacing->active_at) / 1000000;
    uint64_t waited = (pacing->waited + now - pacing->waiting_at) / 1000000;
    unsigned timeout = run->options->timeout;
    unsigned every = timeout / 4 < NUDGE_MILLISECONDS ? timeout / 4 : NUDGE_MILLISECONDS;
    if (waited >= timeout) {
        if (leave_open(run)) {
            pacing_progress(pacing);
        } else {
            pacing_give_up(run);
        }
    } else if (idle >= (uint64_t)every * (pacing->nudges + 1)) {
        pacing->nudges++;
        LIST_EACH (struct session, session, &run->sessions.all, link) {
            nudge(session);
        }
    }
}

void pacing_stop(struct live_run *run)
{
    run->stopped = true;
    LIST_EACH (struct session, session, &run->sessions.all, link) {
        for (unsigned i = LIVE; i < TRACKS; i++) {
            peer_close(&session->sides[i].peer);
            session_settle(&session->sides[i], true);
        }
    }
}

/* ----------------------------------------------------------------------------------- waiting */

/* Closes the connections that have nothing before them any more. */
static void reap(struct sessions *sessions)
{
    for (struct session **at = &sessions->draining; *at != NULL;) {
        struct session *session = *at;
        if (!session_is_drained(session)) {
            at = &session->next_draining;
            continue;
        }
        *at = session->next_draining;
        sessions->draining_count--;
        session->drained = true;
        session_close_peers(session);
        if (session->closed) {
            session_destroy(session);
        }
    }
}

/* Lets the servers do something. */
static void turn(struct live_run *run)
{
    send_sessions(&run->sessions);
    event_base_loop(run->pacing.base, EVLOOP_ONCE);
    reap(&run->sessions);
    if (memory_failures() != run->found.failures_before && !run->stopped) {
        pacing_stop(run);
    }
    if (run->options->interrupted != NULL && *run->options->interrupted != 0 && !run->stopped) {
        capture_result_worsen(run->found.capture, VERIFY_NO_EVIDENCE,
                              "interrupted after %" PRIu64 " requests", run->sent);
        pacing_stop(run);
    }
}

static bool memory_suffices(const struct live_run *run)
{
    return run->sessions.blocks.taken_bytes <= run->options->verify.pending_bytes_max;
}

/* Nothing more is to be had from the servers; or enough. */
static bool memory_settled(const struct live_run *run)
{
    LIST_EACH (const struct session, session, &run->sessions.all, link) {
        if (session->in_flight > 0) {
            return memory_suffices(run);
        }
    }
    return true;
}

static bool few_silent(const struct session *session)
{
    uint64_t from = session->sides[LIVE].open_from;
    if (session->run->options->against != NULL && session->sides[OTHER].open_from < from) {
        from = session->sides[OTHER].open_from;
    }
    return session->exchanges.end - from < SILENT_MAX;
}

/* What is waited for: of the run, then of a session. */
enum wait {
    NO_ANSWER_DUE,
    MEMORY_SETTLED,
    FEW_DRAINING,
    NONE_DRAINING,
    NOTHING_IN_FLIGHT,
    WINDOW_OPEN,
    FEW_SILENT,
    LITTLE_UNSENT,
    DRAINED,
};

static bool wait_is_over(enum wait wait, const struct live_run *run, const struct session *session)
{
    switch (wait) {
    case NO_ANSWER_DUE:
        return run->sessions.answers_due == 0;
    case MEMORY_SETTLED:
        return memory_settled(run);
    case FEW_DRAINING:
        return run->sessions.draining_count < DRAINING_MAX;
    case NONE_DRAINING:
        return run->sessions.draining_count == 0;
    case NOTHING_IN_FLIGHT:
        return session->in_flight == 0 && session->answers_due == 0;
    case WINDOW_OPEN:
        return session->in_flight < run->options->pipeline;
    case FEW_SILENT:
        return few_silent(session);
    case LITTLE_UNSENT:
        return peer_unsent(&session->sides[LIVE].peer) < UNSENT_MAX &&
               peer_unsent(&session->sides[OTHER].peer) < UNSENT_MAX;
    case DRAINED:
        return session->drained;
    }
    return true;
}

static void wait_until(enum wait wait, struct live_run *run, const struct session *session)
{
    struct pacing *pacing = &run->pacing;
    reap(&run->sessions);
    if (run->stopped || wait_is_over(wait, run, session)) {
        return;
    }
    pacing->active_at = pacing->waiting_at = run_now();
    pacing->nudges = 0;
    do {
        turn(run);
        if (!run->stopped) {
            look_at_clock(run);
        }
    } while (!run->stopped && !wait_is_over(wait, run, session));
    pacing->waited += run_now() - pacing->waiting_at;
}

/* -------------------------------------------------------------------------- before a request */

/* The recorded time of the request has come, or its turn by --rate. */
static uint64_t due_at(const struct live_run *run, int64_t time)
{
    const struct live_options *options = run->options;
    const struct pacing *pacing = &run->pacing;
    uint64_t due = pacing->began_at;
    if (options->speed > 0 && time > pacing->first_time) {
        double wait = ((double)time - (double)pacing->first_time) / options->speed;
        due += wait < WAIT_MAX ? (uint64_t)wait : (uint64_t)WAIT_MAX;
    }
    if (options->rate > 0) {
        uint64_t by_rate =
            pacing->began_at + (uint64_t)((double)run->sent * 1e9 / (double)options->rate);
        due = by_rate > due ? by_rate : due;
    }
    return due;
}

static void wait_for_time(struct live_run *run, uint64_t due)
{
    for (uint64_t now = run_now(); now < due && !run->stopped; now = run_now()) {
        uint64_t left = (due - now + 999) / 1000;
        struct timeval time = {.tv_sec = (time_t)(left / 1000000),
                               .tv_usec = (suseconds_t)(left % 1000000)};
        evtimer_add(run->pacing.due, &time);
        turn(run);
    }
}

/* Recorded answers that are not there can't be waited for without end. */
static void bound_memory(struct live_run *run)
{
    if (!memory_suffices(run)) {
        wait_until(MEMORY_SETTLED, run, NULL);
    }
    if (!memory_suffices(run)) {
        LIST_EACH (struct session, session, &run->sessions.all, link) {
            session_settle(&session->sides[RECORDED], true);
        }
    }
}

void pacing_wait_turn(struct session *session, int64_t time, bool uses_cas)
{
    struct live_run *run = session->run;
    const struct live_options *options = run->options;
    bound_memory(run);
    if (peer_unsent(&session->sides[LIVE].peer) >= SEND_AT) {
        send_session(session);
    }
    if (options->pipeline == 0) {
        wait_until(NO_ANSWER_DUE, run, session);
    } else {
        /* A CAS comes from an answer before. */
        wait_until(uses_cas ? NOTHING_IN_FLIGHT : WINDOW_OPEN, run, session);
    }
    if (!few_silent(session)) {
        send_fence(session);
        wait_until(FEW_SILENT, run, session);
    }
    wait_until(LITTLE_UNSENT, run, session);
    if (run->pacing.began_at == 0) {
        run->pacing.began_at = run_now();
        run->pacing.first_time = time;
    }
    if (options->speed > 0 || options->rate > 0) {
        wait_for_time(run, due_at(run, time));
    }
}

/* -------------------------------------------------------------------------------------- ends */

void pacing_finish(struct session *session)
{
    struct live_run *run = session->run;
    if (!session->finishing) {
        session->finishing = true;
        session->next_draining = run->sessions.draining;
        run->sessions.draining = session;
        run->sessions.draining_count++;
        if (session->connected && !session_expects_end(session)) {
            send_fence(session);
        }
    }
    wait_until(run->options->pipeline == 0 ? DRAINED : FEW_DRAINING, run, session);
}

void pacing_finish_all(struct live_run *run)
{
    wait_until(NONE_DRAINING, run, NULL);
    reap(&run->sessions);
}
