#include "live/session.h"

#include "base/endian.h"
#include "live/compare.h"
#include "live/exchange.h"
#include "live/own.h"
#include "live/send.h"
#include "mcbp/status.h"

#include <stdlib.h>

enum {
    STRAYS_MAX = 64,  /* kept; beyond that all are reported at once */
    ROWS_MAX = 65536, /* of one request, if the reference has no more */
};

/* -------------------------------------------------------------------- what has been answered */

static void count_latency(struct live_run *run, const struct exchange *exchange)
{
    const struct answers *answers = &exchange->answers[LIVE];
    struct histogram **latencies = &run->outcome->latencies[exchange->opcode];
    if (exchange->fence || exchange->sent_at == 0 || answers->first == NULL || answers->unknown) {
        return;
    }
    if (*latencies == NULL) {
        *latencies = calloc(1, sizeof(**latencies));
    }
    if (*latencies != NULL) {
        histogram_add(*latencies, run->answered_at - exchange->sent_at);
    }
}

/* Later requests wait for what was answered in the capture before them. */
static void session_count_due(struct session *session, struct exchange *exchange)
{
    bool due = exchange->answers[RECORDED].done && exchange->answers[RECORDED].first != NULL &&
               !exchange_is_answered(exchange);
    session->answers_due += due - exchange->answer_due;
    session->run->sessions.answers_due += due - exchange->answer_due;
    exchange->answer_due = due;
}

static void session_answered(struct session_side *side, struct exchange *exchange, bool unknown)
{
    struct session *session = side->session;
    struct live_run *run = session->run;
    bool were_done = exchange_is_answered(exchange);
    exchange->answers[side->track].done = true;
    exchange->answers[side->track].unknown |= unknown;
    run->sessions.awaited -= side->track == RECORDED;
    session->in_flight -= !exchange->quiet && !were_done && exchange_is_answered(exchange);
    if (side->track == LIVE) {
        count_latency(run, exchange);
    }
    session_count_due(session, exchange);
    if (exchange->answers[RECORDED].done && exchange_is_answered(exchange)) {
        compare_exchange(session, exchange);
        exchange->settled = true;
    }
}

static void session_advance(struct session_side *side)
{
    struct session *session = side->session;
    uint64_t *from = &side->open_from;
    while (*from < session->exchanges.end &&
           exchange_at(session, *from)->answers[side->track].done) {
        (*from)++;
    }
    exchange_drop_settled(session);
}

/* An answer that no request fits wholly may be one's that has none, with a wrong opcode or opaque:
 * then that is one difference, not a missing answer and one too many. */
static void adopt_stray(struct session_side *side, struct exchange *exchange)
{
    for (struct answer **at = &side->strays; *at != NULL; at = &(*at)->next) {
        struct answer *stray = *at;
        struct mcbp_frame frame;
        mcbp_frame_parse(span_of(stray->bytes, stray->size), &frame);
        if (frame.header.opcode == exchange->opcode ||
            frame.header.opaque == exchange->sent_opaque) {
            *at = stray->next;
            stray->next = NULL;
            side->stray_count--;
            exchange->answers[side->track].first = exchange->answers[side->track].last = stray;
            return;
        }
    }
}

/* No more answers come to the requests before that number. */
static void settle_before(struct session_side *side, uint64_t before, bool unknown)
{
    for (uint64_t i = side->open_from; i < before; i++) {
        struct exchange *exchange = exchange_at(side->session, i);
        if (exchange->answers[side->track].done) {
            continue;
        }
        if (!exchange->quiet && exchange->answers[side->track].first == NULL) {
            adopt_stray(side, exchange);
        }
        session_answered(side, exchange, unknown);
    }
    session_advance(side);
}

void session_settle(struct session_side *side, bool unknown)
{
    settle_before(side, side->session->exchanges.end, unknown);
}

bool session_awaits(const struct session_side *side, uint64_t before)
{
    for (uint64_t i = side->open_from; i < before; i++) {
        const struct exchange *exchange = exchange_at(side->session, i);
        if (!exchange->answers[side->track].done && (!exchange->quiet || exchange->answer_due)) {
            return true;
        }
    }
    return false;
}

/* The rows of STAT end with one that has no key; RANGE_SCAN_CONTINUE goes on while it succeeds. */
static bool is_last(const struct exchange *exchange, const struct mcbp_frame *frame)
{
    bool success = frame->header.vbucket_or_status == MCBP_STATUS_SUCCESS;
    switch (exchange->opcode) {
    case MCBP_STAT:
        return !success || frame->key.size == 0;
    case MCBP_RANGE_SCAN_CONTINUE:
        return !success;
    default:
        return true;
    }
}

/* The oldest request that waits for such an answer; session->exchanges.end: none. */
static uint64_t session_find(const struct session_side *side, const struct mcbp_header *header)
{
    const struct session *session = side->session;
    uint64_t i = side->open_from;
    for (; i < session->exchanges.end; i++) {
        const struct exchange *exchange = exchange_at(session, i);
        uint32_t opaque = side->track == RECORDED ? exchange->opaque : exchange->sent_opaque;
        if (!exchange->answers[side->track].done && exchange->opcode == header->opcode &&
            opaque == header->opaque) {
            break;
        }
    }
    return i;
}

/*
 * Quiet requests before an answered one have been passed over in silence. (Servers that answer out
 * of order don't let anything overtake those: unordered execution in kv_engine's
 * docs/UnorderedExecution.md.) Other requests may still be answered; a fence settles that.
 */
static void note_silence(struct session_side *side, uint64_t before)
{
    struct session *session = side->session;
    bool overtaken = false;
    uint64_t from = side->open_from;
    for (uint64_t i = from; i < before; i++) {
        struct exchange *exchange = exchange_at(session, i);
        if (exchange->answers[side->track].done) {
            continue;
        }
        if (exchange->quiet) {
            session_answered(side, exchange, false);
        } else {
            overtaken = true;
        }
    }
    if (overtaken && side->track != RECORDED) {
        send_fence(session);
    }
}

static void report_strays(struct session_side *side)
{
    struct answer *stray = side->strays;
    side->strays = NULL;
    side->stray_count = 0;
    while (stray != NULL) {
        struct answer *next = stray->next;
        compare_stray(side, stray);
        stray = next;
    }
}

/* Every server has answered the fence, or closed. */
static void fence_over(struct session *session)
{
    session->fenced = false;
    if (session->finishing && session->fence_end < session->exchanges.end) {
        send_fence(session); /* behind what has been sent since */
    } else if (session->finishing && session_expects_end(session)) {
        compare_close(session);
    }
}

void session_end(struct session_side *side)
{
    struct session *session = side->session;
    session_settle(side, true);
    report_strays(side);
    if (session->fenced && session->fence_end <= session->exchanges.head) {
        fence_over(session);
    }
}

/* What was sent before the fence has been answered, or never will be. */
static void fence_answered(struct session_side *side, uint64_t number)
{
    struct session *session = side->session;
    settle_before(side, number, false);
    report_strays(side);
    if (exchange_is_answered(exchange_at(session, number))) {
        fence_over(session);
    }
}

static bool keep_stray(struct session_side *side, const struct mcbp_frame *frame)
{
    struct session *session = side->session;
    struct answer *stray = answer_keep(session->run, frame, &(struct net_origin){0});
    if (stray == NULL) {
        return true;
    }
    if (side->open_from == session->exchanges.end) { /* no request waits */
        compare_stray(side, stray);
        return true;
    }
    struct answer **at = &side->strays;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = stray;
    if (++side->stray_count > STRAYS_MAX) {
        report_strays(side);
    }
    send_fence(session);
    return true;
}

/* One of several answers, which some servers never end: beyond as many as the reference has, and
 * ROWS_MAX, they are neither kept nor waited for. */
static bool is_excess_row(const struct session_side *side, const struct exchange *exchange)
{
    enum track reference = run_reference(side->session->run->options);
    size_t expected = exchange->answers[reference].count;
    return side->track != RECORDED &&
           exchange->answers[side->track].count >= (expected > ROWS_MAX ? expected : ROWS_MAX);
}

/* A NOOP of our own is behind quiet requests that may all stay silent. Where it was another answer
 * that had to come, that to the NOOP gets nowhere. */
static void note_fence(struct session_side *side, uint64_t number)
{
    if (side->open_from < number && !session_awaits(side, number)) {
        pacing_progress(&side->session->run->pacing);
    }
}

bool session_answer(struct session_side *side, const struct mcbp_frame *frame,
                    const struct net_origin *origin)
{
    struct session *session = side->session;
    uint64_t number = session_find(side, &frame->header);
    if (number == session->exchanges.end) {
        return side->track != RECORDED && keep_stray(side, frame);
    }
    struct exchange *exchange = exchange_at(session, number);
    struct answer *answer = answer_keep(session->run, frame, origin);
    if (answer == NULL) {
        return true;
    }
    write_be32(answer->bytes + OFFSET_OPAQUE, exchange->opaque); /* as the client has sent it */
    own_note_seqno(session->run, side->track, exchange, frame);
    bool last = is_last(exchange, frame);
    if (!last && is_excess_row(side, exchange)) {
        compare_stray(side, answer);
        return true;
    }
    answer_append(&exchange->answers[side->track], answer);
    if (side->track != RECORDED && !exchange->fence) {
        pacing_progress(&session->run->pacing);
    }
    if (!last) {
        return true;
    }
    note_silence(side, number);
    if (exchange->fence) {
        note_fence(side, number);
        session->run->outcome->answers--;
        exchange->answers[side->track].done = true; /* so that it is settled last */
        fence_answered(side, number);
        exchange->answers[side->track].done = false;
    }
    session_answered(side, exchange, false);
    session_advance(side);
    return true;
}

/* ----------------------------------------------------------------------------- begin and end */

struct session *session_create(struct live_run *run,
                               const struct dissect_conversation *conversation)
{
    struct session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        run->no_memory = true;
        return NULL;
    }
    session->run = run;
    session->known = *conversation;
    session->start = middle_start_of(run->found.middle, conversation->id);
    if (session->start != NULL) {
        session->features = session->start->features;
        session->bucket = before_bucket(run->found.before, session->start->bucket);
    }
    list_insert_behind(&run->sessions.all, &session->link);
    list_init(&session->unsent);
    for (unsigned i = 0; i < TRACKS; i++) {
        session->sides[i] =
            (struct session_side){.session = session, .track = (enum track)i, .peer = {.fd = -1}};
    }
    return session;
}

bool session_expects_end(const struct session *session)
{
    return session->recorded_closed_first && !session->lingers && !session->run->pacing.lingering &&
           (session->malformed || session_has_quit(session));
}

/* ---------------------------------------------------------------- of the servers' own accord */

/* A server sends these of its own accord; they answer nothing. */
static bool is_servers_request(const struct mcbp_header *header)
{
    return header->magic == MCBP_SERVER_REQUEST ||
           (!mcbp_magic_is_response(header->magic) && mcbp_opcode_is_producers(header->opcode));
}

bool session_note_request(struct session_side *side, const struct mcbp_frame *frame)
{
    struct session *session = side->session;
    if (!is_servers_request(&frame->header)) {
        return false;
    }
    struct server_requests *requests = session->server_requests;
    while (requests != NULL && (requests->header.magic != frame->header.magic ||
                                requests->header.opcode != frame->header.opcode)) {
        requests = requests->next;
    }
    if (requests == NULL) {
        requests = blocks_take(&session->run->sessions.blocks, sizeof(*requests));
        if (requests == NULL) {
            session->run->no_memory = true;
            return true;
        }
        *requests =
            (struct server_requests){.next = session->server_requests, .header = frame->header};
        session->server_requests = requests;
    }
    if (side->track == LIVE && requests->counts[LIVE] == 0) {
        size_t size = frame->bytes.size;
        requests->header = frame->header;
        requests->size = size;
        memcpy(requests->bytes, frame->bytes.data,
               size < SERVER_REQUEST_SHOWN ? size : SERVER_REQUEST_SHOWN);
    }
    requests->counts[side->track]++;
    session->run->found.capture->live.servers_requests += side->track == LIVE;
    return true;
}

static void forget_server_requests(struct session *session)
{
    while (session->server_requests != NULL) {
        struct server_requests *requests = session->server_requests;
        session->server_requests = requests->next;
        blocks_give(&session->run->sessions.blocks, requests, sizeof(*requests));
    }
}

bool session_is_drained(const struct session *session)
{
    const struct live_options *options = session->run->options;
    bool cut = session->sides[LIVE].cut && (session->sides[OTHER].cut || !run_uses(options, OTHER));
    bool fenced_off = session->finishing && session->fence_end > 0 && !session->fenced &&
                      session->fence_end == session->exchanges.end;
    return !session->connected || session->run->stopped || cut || fenced_off || session->lingers;
}

void session_close_peers(struct session *session)
{
    for (unsigned i = LIVE; i < TRACKS; i++) {
        peer_close(&session->sides[i].peer);
    }
}

void session_destroy(struct session *session)
{
    compare_session(session);
    forget_server_requests(session);
    list_remove(&session->unsent);
    list_remove(&session->link);
    session_close_peers(session);
    for (unsigned i = 0; i < TRACKS; i++) {
        answer_give_back_all(&session->run->sessions.blocks, session->sides[i].strays);
    }
    exchange_drop_all(session);
    free(session);
}
