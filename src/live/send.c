#include "live/play.h"

#include "base/endian.h"
#include "mcbp/opcode.h"

#include <time.h>

enum {
    EXPIRY_SPAN_MAX = 60 * 60 * 24 * 30, /* seconds; what is larger is Unix time */
    FENCE_OPAQUE = 0x6b76,               /* nothing depends on it being another than the client's */
};

static const uint32_t EXPIRY_NO_CREATE = UINT32_MAX; /* of INCREMENT and DECREMENT */

/* ------------------------------------------------------------------------ recorded requests */

/* Where the extras have a time of expiry; NULL: they have none. */
static const uint8_t *expiry_of(const struct mcbp_frame *frame)
{
    struct span extras = frame->extras;
    switch (mcbp_opcode_loud(frame->header.opcode)) {
    case MCBP_SET:
    case MCBP_ADD:
    case MCBP_REPLACE:
        return extras.size == 8 ? extras.data + 4 : NULL;
    case MCBP_INCREMENT:
    case MCBP_DECREMENT:
        return extras.size == 20 ? extras.data + 16 : NULL;
    case MCBP_TOUCH:
    case MCBP_GAT:
    case MCBP_GATK:
    case MCBP_FLUSH:
        return extras.size == 4 ? extras.data : NULL;
    default:
        return NULL;
    }
}

/* A time that is no span from now, but a point in Unix time, would mean something else now. */
static uint32_t expiry_now(uint32_t expiry, int64_t recorded)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    int64_t now = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    int64_t moved = expiry + (now - recorded + 500000000) / 1000000000;
    bool is_point = expiry > EXPIRY_SPAN_MAX && expiry != EXPIRY_NO_CREATE;
    return is_point && moved > EXPIRY_SPAN_MAX && moved < EXPIRY_NO_CREATE ? (uint32_t)moved
                                                                           : expiry;
}

/* The request as that server has to get it: with its CAS, with an opaque that tells, and in its
 * time. */
static void add_request(struct lane *lane, enum track track, const struct exchange *exchange,
                        const struct dissect_frame *request)
{
    struct play *play = lane->play;
    struct peer *peer = &lane->peers[track];
    const struct mcbp_frame *frame = &request->frame;
    uint8_t *bytes = peer_is_open(peer) ? peer_add(peer, frame->bytes.size) : NULL;
    const uint8_t *expiry = request->bad_lengths ? NULL : expiry_of(frame);
    uint64_t cas;
    if (bytes == NULL) {
        play->no_memory |= peer_is_open(peer);
        return;
    }
    memcpy(bytes, frame->bytes.data, frame->bytes.size);
    write_be32(bytes + OFFSET_OPAQUE, exchange->sent_opaque);
    if (expiry != NULL) {
        write_be32(bytes + (expiry - frame->bytes.data),
                   expiry_now(read_be32(expiry), request->origin.time));
    }
    if (frame->header.cas != 0 &&
        (cas_map_find(&play->from_recorded[track], frame->header.cas, &cas) ||
         cas_map_find(&play->from_earlier[track], frame->header.cas, &cas))) {
        write_be64(bytes + OFFSET_CAS, cas);
    }
}

void lane_send(struct lane *lane, const struct dissect_frame *frame)
{
    struct play *play = lane->play;
    const struct mcbp_header *header = &frame->frame.header;
    struct span key = frame->bad_lengths ? span_of(NULL, 0) : frame->frame.key;
    bool sent = !play->stopped && !lane->malformed && !lane->drained;
    struct exchange *exchange = lane_push(lane, header, key, sent);
    if (exchange == NULL) {
        return;
    }
    exchange->origin = frame->origin;
    if (!sent) {
        play->capture->live.not_sent[NOT_SENT_CLOSED]++;
        return;
    }
    if (play->options->rewrite_opaque) {
        exchange->sent_opaque = lane->next_opaque++;
    }
    for (unsigned i = LIVE; i < TRACKS; i++) {
        add_request(lane, (enum track)i, exchange, frame);
    }
    lane->malformed = frame->bad_lengths;
    lane->last = (struct lane_last){.origin = frame->origin,
                                    .opaque = header->opaque,
                                    .magic = header->magic,
                                    .opcode = header->opcode};
    play->sent++;
    play->outcome->requests++;
    order_unsent(lane);
}

/* ----------------------------------------------------------------------------------- our own NOOP
 */

/* One that no request on its way has. */
static uint32_t fence_opaque(const struct lane *lane)
{
    uint32_t opaque = FENCE_OPAQUE;
    for (uint64_t i = lane->head; i < lane->end; i++) {
        const struct exchange *exchange = lane_at(lane, i);
        if (exchange->opcode == MCBP_NOOP && exchange->sent_opaque == opaque) {
            opaque++;
            i = lane->head - 1; /* from the first again */
        }
    }
    return opaque;
}

static void send_fence(struct lane *lane, struct peer *peer, uint32_t opaque)
{
    uint8_t *bytes = peer_is_open(peer) ? peer_add(peer, MCBP_HEADER_SIZE) : NULL;
    if (bytes != NULL) {
        memset(bytes, 0, MCBP_HEADER_SIZE);
        bytes[0] = MCBP_CLIENT_REQUEST;
        bytes[1] = MCBP_NOOP;
        write_be32(bytes + OFFSET_OPAQUE, opaque);
        order_unsent(lane);
    }
}

void lane_fence(struct lane *lane)
{
    struct mcbp_header header = {.magic = MCBP_CLIENT_REQUEST, .opcode = MCBP_NOOP};
    if (lane->fenced || lane->drained || lane->half_closed || lane->play->stopped) {
        return;
    }
    header.opaque = fence_opaque(lane);
    struct exchange *exchange = lane_push(lane, &header, span_of(NULL, 0), true);
    if (exchange == NULL) {
        return;
    }
    exchange->fence = true;
    exchange->answers[RECORDED].done = true;
    lane->play->awaited--;
    lane->fenced = true;
    lane->fence_end = lane->end;
    for (unsigned i = LIVE; i < TRACKS; i++) {
        send_fence(lane, &lane->peers[i], header.opaque);
    }
}
