#include "anonymise/datagrams.h"

#include "base/endian.h"
#include "replay/udp.h"

#include <stdlib.h>

enum { WAITING_MAX = UDP_MESSAGES * UDP_DATAGRAMS };

struct talk_datagram {
    enum net_direction direction;
    uint16_t request_id;
    uint16_t sequence;
    uint16_t count;
    uint64_t packet;
    size_t size;                    /* behind memcached's header */
    uint8_t head[MCBP_HEADER_SIZE]; /* what that begins with */
};

static bool read_header(struct span bytes, struct talk_datagram *datagram)
{
    if (bytes.size < UDP_HEADER_SIZE) {
        return false;
    }
    datagram->request_id = read_be16(bytes.data);
    datagram->sequence = read_be16(bytes.data + 2);
    datagram->count = read_be16(bytes.data + 4);
    datagram->size = bytes.size - UDP_HEADER_SIZE;
    memcpy(datagram->head, bytes.data + UDP_HEADER_SIZE,
           datagram->size < MCBP_HEADER_SIZE ? datagram->size : MCBP_HEADER_SIZE);
    return read_be16(bytes.data + 6) == 0 && datagram->count <= UDP_DATAGRAMS &&
           (datagram->sequence < datagram->count || bytes.size == UDP_HEADER_SIZE);
}

static bool same_message(const struct talk_datagram *a, const struct talk_datagram *b)
{
    return a->direction == b->direction && a->request_id == b->request_id && a->count == b->count;
}

/* Keeps a datagram of a message that may become whole; the oldest half makes room. */
static bool keep(struct talk *self, const struct talk_datagram *datagram)
{
    if (self->datagrams == NULL) {
        self->datagrams = calloc(WAITING_MAX, sizeof(*self->datagrams));
    }
    if (self->datagrams == NULL) {
        return false;
    }
    if (self->datagrams_count == WAITING_MAX) {
        self->datagrams_count = WAITING_MAX / 2;
        memmove(self->datagrams, self->datagrams + WAITING_MAX / 2,
                WAITING_MAX / 2 * sizeof(*self->datagrams));
    }
    self->datagrams[self->datagrams_count++] = *datagram;
    return true;
}

/* The pieces of the message that the datagram is of, as far as they have come; the first of each
 * counts. */
static void find_message(struct talk *self, const struct talk_datagram *datagram)
{
    free(self->message);
    self->message_at = 0;
    self->message_count = datagram->count > 0 ? datagram->count : 1;
    self->message = calloc(self->message_count, sizeof(*self->message));
    if (self->message == NULL) {
        self->message_count = 0;
        return;
    }
    if (datagram->count <= 1) {
        self->message[0] = (struct talk_piece){STREAM_OF_PACKET + datagram->packet, UDP_HEADER_SIZE,
                                               datagram->size};
        return;
    }
    for (size_t i = self->datagrams_count; i-- > 0;) {
        const struct talk_datagram *part = &self->datagrams[i];
        if (same_message(part, datagram)) {
            self->message[part->sequence] =
                (struct talk_piece){STREAM_OF_PACKET + part->packet, UDP_HEADER_SIZE, part->size};
        }
    }
}

/* The message was whole: its datagrams are not waited for any more. */
static void forget(struct talk *self, const struct talk_datagram *datagram)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->datagrams_count; i++) {
        if (!same_message(&self->datagrams[i], datagram)) {
            self->datagrams[kept++] = self->datagrams[i];
        }
    }
    self->datagrams_count = kept;
}

/* Tells of the header of a frame whose rest is missing, at `offset` of the packet's payload. */
static void tell_head(const struct talk *self, uint64_t packet, size_t offset, struct span rest)
{
    struct mcbp_frame frame;
    struct span head = span_head(rest, rest.size < MCBP_HEADER_SIZE ? rest.size : MCBP_HEADER_SIZE);
    if (head.size > 0 && self->framed && self->listener->harmless != NULL &&
        mcbp_frame_parse(head, &frame) == MCBP_NEED_MORE) {
        self->listener->harmless(self->listener->context, STREAM_OF_PACKET + packet, offset, head);
    }
}

void datagrams_finish(struct talk *self)
{
    for (size_t i = 0; i < self->datagrams_count; i++) {
        const struct talk_datagram *datagram = &self->datagrams[i];
        if (datagram->sequence == 0) {
            tell_head(self, datagram->packet, UDP_HEADER_SIZE,
                      span_of(datagram->head, datagram->size < MCBP_HEADER_SIZE
                                                  ? datagram->size
                                                  : MCBP_HEADER_SIZE));
        }
    }
}

void datagrams_receive(struct talk *self, enum net_direction direction, struct span bytes,
                       const struct net_origin *origin)
{
    struct talk_datagram datagram = {.direction = direction, .packet = origin->packet};
    if (self->sides[0].told++ == 0 && bytes.size > UDP_HEADER_SIZE) { /* where framing looks too */
        talk_tell_opening(self, STREAM_OF_PACKET + origin->packet, UDP_HEADER_SIZE,
                          span_skip(bytes, UDP_HEADER_SIZE));
    }
    bool known = read_header(bytes, &datagram);
    self->message_count = 0;
    if (known && (datagram.count <= 1 || keep(self, &datagram))) {
        find_message(self, &datagram);
    }
    framing_data(self->framing, direction, bytes, origin);
    if (self->message_at > 0) {
        forget(self, &datagram);
    }
    if (known && datagram.count <= 1 && self->message_at < datagram.size) {
        size_t at = UDP_HEADER_SIZE + self->message_at;
        tell_head(self, origin->packet, at, span_skip(bytes, at));
    }
    if (known && self->framed && self->listener->harmless != NULL) {
        self->listener->harmless(self->listener->context, STREAM_OF_PACKET + origin->packet, 0,
                                 span_head(bytes, UDP_HEADER_SIZE));
    }
}

enum { FRAME_PIECES_MAX = UDP_DATAGRAMS };

void datagrams_frame(struct talk *self, const struct dissect_frame *frame)
{
    struct talk_piece pieces[FRAME_PIECES_MAX];
    size_t count = 0;
    size_t skip = self->message_at;
    size_t lacks = frame->frame.bytes.size;
    for (size_t i = 0; i < self->message_count && lacks > 0; i++) {
        struct talk_piece piece = self->message[i];
        size_t skipped = skip < piece.size ? skip : piece.size;
        skip -= skipped;
        piece.offset += skipped;
        piece.size -= skipped;
        piece.size = piece.size < lacks ? piece.size : lacks;
        lacks -= piece.size;
        if (piece.size > 0) {
            pieces[count++] = piece;
        }
    }
    self->message_at += frame->frame.bytes.size;
    struct talk_frame told = {
        .frame = frame, .pieces = pieces, .count = lacks == 0 ? count : 0, .user = &self->user};
    self->listener->frame(self->listener->context, &told);
}
