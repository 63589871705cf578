#include "live/send.h"

#include "base/endian.h"
#include "live/exchange.h"
#include "live/translate.h"

enum { FENCE_OPAQUE = 0x6b76 }; /* nothing depends on it being another than the client's */

/* ------------------------------------------------------------------------- recorded requests */

/* The request as that server has to get it, and with an opaque that names it. */
static void add_request(struct session *session, enum track track, const struct exchange *exchange,
                        const struct dissect_frame *request)
{
    if (peer_is_open(&session->sides[track].peer)) {
        uint8_t *bytes = translate_request(session, track, request);
        if (bytes == NULL) {
            session->run->no_memory = true;
            return;
        }
        write_be32(bytes + OFFSET_OPAQUE, exchange->sent_opaque);
    }
}

static void note_lateness(struct lateness *lateness, int64_t recorded)
{
    int64_t late = (clock_now(CLOCK_REALTIME) - recorded) / 1000000000;
    lateness->least = !lateness->known || late < lateness->least ? late : lateness->least;
    lateness->most = !lateness->known || late > lateness->most ? late : lateness->most;
    lateness->known = true;
}

static void note_before(struct session *session, struct exchange *exchange,
                        const struct dissect_frame *request)
{
    struct before *before = session->run->found.before;
    if (before == NULL || request->bad_lengths) {
        return;
    }
    if (exchange->opcode == MCBP_SELECT_BUCKET) {
        session->bucket = before_bucket(before, request->frame.key);
    }
    const struct before_place place = {session->bucket, exchange->has_collection};
    before_ask(before, &place, &request->frame, exchange->xattr_paths != 0, &exchange->before);
}

/* What has to be known of the request when the answers to it are compared. */
static void note_request(struct session *session, struct exchange *exchange,
                         const struct dissect_frame *request)
{
    struct live_run *run = session->run;
    exchange->origin = request->origin;
    exchange->vbucket = request->frame.header.vbucket_or_status;
    exchange->has_collection = mcbp_feature_is_in(session->features, MCBP_FEATURE_COLLECTIONS);
    if (!request->bad_lengths) {
        exchange->xattr_paths = translate_xattr_paths(&request->frame);
    }
    note_before(session, exchange, request);
    for (unsigned i = 0; i < TRACKS; i++) {
        exchange->seqnos_before[i] = seqnos_last(&run->seqnos[i], exchange->vbucket);
    }
    note_lateness(&run->lateness, request->origin.time);
}

static void send_later(struct session *session)
{
    if (list_is_empty(&session->unsent)) {
        list_insert_behind(&session->run->sessions.unsent, &session->unsent);
    }
}

void send_request(struct session *session, const struct dissect_frame *frame)
{
    struct live_run *run = session->run;
    const struct mcbp_header *header = &frame->frame.header;
    struct span key = frame->bad_lengths ? span_of(NULL, 0) : frame->frame.key;
    bool sent = !run->stopped && !session->malformed && !session->drained;
    struct exchange *exchange = exchange_push(session, header, key, sent);
    if (exchange == NULL) {
        return;
    }
    note_request(session, exchange, frame);
    if (!sent) {
        run->found.capture->live.not_sent[NOT_SENT_CLOSED]++;
        return;
    }
    if (run->options->rewrite_opaque) {
        exchange->sent_opaque = session->next_opaque++;
    }
    for (unsigned i = LIVE; i < TRACKS; i++) {
        add_request(session, (enum track)i, exchange, frame);
    }
    session->malformed = frame->bad_lengths;
    if (!session_has_quit(session)) {
        session->last = (struct session_last){.origin = frame->origin,
                                              .opaque = header->opaque,
                                              .magic = header->magic,
                                              .opcode = header->opcode};
    }
    run->sent++;
    run->outcome->requests++;
    send_later(session);
}

/* ------------------------------------------------------------------------------ our own NOOP */

/* One that no request on its way has. */
static uint32_t fence_opaque(const struct session *session)
{
    uint32_t opaque = FENCE_OPAQUE;
    for (uint64_t i = session->exchanges.head; i < session->exchanges.end; i++) {
        const struct exchange *exchange = exchange_at(session, i);
        if (exchange->opcode == MCBP_NOOP && exchange->sent_opaque == opaque) {
            opaque++;
            i = session->exchanges.head - 1; /* from the first again */
        }
    }
    return opaque;
}

void send_fence(struct session *session)
{
    struct mcbp_header header = {.magic = MCBP_CLIENT_REQUEST, .opcode = MCBP_NOOP};
    if (session->fenced || session->drained || session->half_closed || session->run->stopped) {
        return;
    }
    header.opaque = fence_opaque(session);
    struct exchange *exchange = exchange_push(session, &header, span_of(NULL, 0), true);
    if (exchange == NULL) {
        return;
    }
    exchange->fence = true;
    exchange->answers[RECORDED].done = true;
    session->run->sessions.awaited--;
    session->fenced = true;
    session->fence_end = session->exchanges.end;
    for (unsigned i = LIVE; i < TRACKS; i++) {
        struct peer *peer = &session->sides[i].peer;
        uint8_t *bytes = peer_is_open(peer) ? peer_add(peer, MCBP_HEADER_SIZE) : NULL;
        if (bytes != NULL) {
            memset(bytes, 0, MCBP_HEADER_SIZE);
            bytes[0] = MCBP_CLIENT_REQUEST;
            bytes[1] = MCBP_NOOP;
            write_be32(bytes + OFFSET_OPAQUE, header.opaque);
            send_later(session);
        }
    }
}

/* ---------------------------------------------------------------------------- to the sockets */

void send_session(struct session *session)
{
    const struct exchanges *exchanges = &session->exchanges;
    uint64_t now = run_now();
    uint64_t from = session->unsent_from;
    for (uint64_t i = from > exchanges->head ? from : exchanges->head; i < exchanges->end; i++) {
        exchange_at(session, i)->sent_at = now;
    }
    session->unsent_from = exchanges->end;
    for (unsigned i = LIVE; i < TRACKS; i++) {
        if (peer_is_open(&session->sides[i].peer)) {
            peer_send(&session->sides[i].peer);
        }
    }
}

void send_sessions(struct sessions *sessions)
{
    while (!list_is_empty(&sessions->unsent)) {
        struct session *session = LIST_MEMBER(sessions->unsent.next, struct session, unsent);
        list_remove(&session->unsent);
        list_init(&session->unsent);
        send_session(session);
    }
}
