#include "live/send.h"

#include "base/endian.h"
#include "live/exchange.h"
#include "mcbp/form.h"

enum {
    EXPIRY_SPAN_MAX = 60 * 60 * 24 * 30, /* seconds; what is larger is Unix time */
    FENCE_OPAQUE = 0x6b76,               /* nothing depends on it being another than the client's */
};

static const uint32_t EXPIRY_NO_CREATE = UINT32_MAX; /* of INCREMENT and DECREMENT */

/* ------------------------------------------------------------------------- recorded requests */

/* Where the extras have a time of expiry; NULL: they have none. */
static const uint8_t *expiry_of(const struct mcbp_frame *frame)
{
    int offset = mcbp_opcode_expiry_offset(frame->header.opcode);
    bool has = offset != MCBP_NO_EXPIRY && mcbp_form_has_extras(&frame->header) &&
               frame->extras.size >= (size_t)offset + sizeof(uint32_t);
    return has ? frame->extras.data + offset : NULL;
}

/* A time that is no span from now, but a point in Unix time, would mean something else now. */
static uint32_t expiry_now(uint32_t expiry, int64_t recorded)
{
    int64_t moved = expiry + (clock_now(CLOCK_REALTIME) - recorded + 500000000) / 1000000000;
    bool is_point = expiry > EXPIRY_SPAN_MAX && expiry != EXPIRY_NO_CREATE;
    return is_point && moved > EXPIRY_SPAN_MAX && moved < EXPIRY_NO_CREATE ? (uint32_t)moved
                                                                           : expiry;
}

/*
 * The request's CAS on that server. One that no recorded answer has shown was a wrong one, most
 * often; it must not be, by accident, one that this server has given out.
 */
static uint64_t cas_on(struct cas_maps *maps, enum track track, uint64_t recorded)
{
    uint64_t cas;
    if (cas_map_find(&maps->from_recorded[track], recorded, &cas) ||
        cas_map_find(&maps->from_earlier[track], recorded, &cas)) {
        return cas;
    }
    return cas_map_is_given(&maps->from_recorded[track], recorded) ? ~recorded : recorded;
}

/* The request as that server has to get it: with its CAS, with an opaque that names it, and in
 * its time. */
static void add_request(struct session *session, enum track track, const struct exchange *exchange,
                        const struct dissect_frame *request)
{
    struct live_run *run = session->run;
    struct peer *peer = &session->sides[track].peer;
    const struct mcbp_frame *frame = &request->frame;
    uint8_t *bytes = peer_is_open(peer) ? peer_add(peer, frame->bytes.size) : NULL;
    const uint8_t *expiry = request->bad_lengths ? NULL : expiry_of(frame);
    if (bytes == NULL) {
        run->no_memory |= peer_is_open(peer);
        return;
    }
    memcpy(bytes, frame->bytes.data, frame->bytes.size);
    write_be32(bytes + OFFSET_OPAQUE, exchange->sent_opaque);
    if (expiry != NULL) {
        write_be32(bytes + (expiry - frame->bytes.data),
                   expiry_now(read_be32(expiry), request->origin.time));
    }
    if (frame->header.cas != 0) {
        write_be64(bytes + OFFSET_CAS, cas_on(&run->cas, track, frame->header.cas));
    }
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
    exchange->origin = frame->origin;
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
