/*
 * Where streams start. A SYN says it, and what acknowledges a SYN says it of the other side.
 * Without them the first sequence number seen is the start.
 */
#include "net/flow_parts.h"

enum {
    /* A SYN so little before a start that was guessed is the conversation's own, captured late. */
    LATE_SYN = 1 << 20,
};

static int32_t distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

static bool syn_is_another(const struct conversation *conversation, const struct stream *stream,
                           const struct net_segment *segment)
{
    uint32_t first = segment->sequence + 1;
    if (stream->known && first == stream->start_sequence) {
        return false; /* retransmitted, or captured late */
    }
    if (conversation->closed) {
        return true;
    }
    if (!stream->known) {
        return false;
    }
    int32_t before = distance(first, stream->start_sequence);
    return stream->syn || before < 0 || before > LATE_SYN;
}

bool tcp_is_another(const struct conversation *conversation, enum net_direction direction,
                    const struct net_segment *segment)
{
    const struct stream *stream = &conversation->streams[direction];
    if ((segment->flags & NET_RST) != 0) {
        return false;
    }
    if ((segment->flags & NET_SYN) != 0) {
        return syn_is_another(conversation, stream, segment);
    }
    if (!stream->known || (segment->payload.size == 0 && segment->cut == 0)) {
        return false;
    }
    int32_t ahead = distance(stream->sequence, segment->sequence);
    return ahead < -REACH || (conversation->closed && ahead > REACH);
}

static void set_start(struct stream *stream, uint32_t sequence)
{
    if (stream->known) {
        stream->next += (uint64_t)(int64_t)distance(stream->sequence, sequence);
    } else {
        stream->next = STREAM_START;
    }
    stream->known = true;
    stream->sequence = sequence;
    stream->start_sequence = sequence;
    stream->start = stream->next;
}

/* What a segment says of the stream it belongs to. */
static void start_by_sequence(struct conversation *conversation, struct stream *stream,
                              const struct net_segment *segment)
{
    bool syn = (segment->flags & NET_SYN) != 0;
    uint32_t sequence = segment->sequence + (syn ? 1 : 0);
    int32_t ahead = stream->known ? distance(stream->sequence, sequence) : 0;

    if (!stream->known || (syn && !stream->fixed)) {
        set_start(stream, sequence);
    } else if (!stream->seen && !conversation->known.from_start) {
        /* The start was guessed from the other side's acknowledgement: what it has not acknowledged
         * may have been sent before the capture began. */
        if (ahead > 0 || !stream->fixed) {
            set_start(stream, sequence);
        }
    } else if (!stream->fixed && ahead < 0 && ahead >= -REACH) {
        set_start(stream, sequence);
    }
    stream->seen = true;
    if (syn || (segment->flags & NET_RST) != 0 || conversation->settling == 0) {
        stream->fixed = true;
    }
    if (syn && sequence == stream->start_sequence) {
        stream->syn = true;
    }
}

/* What a segment's acknowledgement says of the other stream. */
static void start_by_acknowledgement(const struct conversation *conversation,
                                     const struct stream *stream, struct stream *other,
                                     const struct net_segment *segment)
{
    uint32_t sequence = segment->acknowledgement;
    bool syn = (segment->flags & NET_SYN) != 0;
    /* What is sent behind a SYN, with no data yet, acknowledges the other's SYN and nothing more.
     * The first data may come again, and acknowledge more then. */
    bool first = stream->syn && segment->sequence == stream->start_sequence;
    bool certain = syn || (first && segment->payload.size == 0 && segment->cut == 0);
    int32_t before = other->known ? distance(sequence, other->sequence) : 0;

    if (!other->known ||
        (!other->fixed && conversation->known.from_start && before > 0 && before <= REACH)) {
        set_start(other, sequence);
    }
    if (certain || conversation->settling == 0) {
        other->fixed = true;
    }
    if (certain && sequence == other->start_sequence) {
        other->syn = true;
    }
}

static void swap_directions(struct conversation *conversation)
{
    struct net_endpoint initiator = conversation->known.initiator;
    conversation->known.initiator = conversation->known.responder;
    conversation->known.responder = initiator;

    struct stream *streams = conversation->streams;
    struct stream first = streams[0];
    streams[0] = streams[1];
    streams[1] = first;
    for (int i = 0; i < 2; i++) { /* the rings have moved, and with them their own link */
        struct list_link *held = &streams[i].held;
        if (held->next == &streams[1 - i].held) {
            list_init(held);
        } else {
            held->next->previous = held;
            held->previous->next = held;
        }
    }
}

static void update_running(struct conversation *conversation)
{
    bool running = true;
    for (int i = 0; i < 2; i++) {
        const struct stream *stream = &conversation->streams[i];
        running = running && stream->known && stream->fixed && stream->seen && !stream->ended;
    }
    conversation->running = running;
    if (running) {
        conversation->settling = 0;
    }
}

/* Whether the listener knows nothing yet of who is the initiator. */
static bool nothing_told(const struct conversation *conversation)
{
    const struct stream *streams = conversation->streams;
    return streams[0].next == streams[0].start && streams[1].next == streams[1].start;
}

enum net_direction tcp_find_start(struct conversation *conversation, enum net_direction direction,
                                  const struct net_segment *segment)
{
    if ((segment->flags & NET_SYN) != 0 && conversation->settling > 0 &&
        !conversation->known.from_start && nothing_told(conversation)) {
        bool is_initiator = (segment->flags & NET_ACK) == 0;
        if (is_initiator != (direction == NET_FROM_INITIATOR)) {
            swap_directions(conversation);
            direction = 1 - direction;
        }
        conversation->known.from_start = true;
    }
    struct stream *stream = &conversation->streams[direction];
    start_by_sequence(conversation, stream, segment);
    if ((segment->flags & NET_ACK) != 0) {
        start_by_acknowledgement(conversation, stream, &conversation->streams[1 - direction],
                                 segment);
    }
    update_running(conversation);
    return direction;
}

void tcp_settle(struct conversation *conversation)
{
    conversation->settling = 0;
    for (int i = 0; i < 2; i++) {
        conversation->streams[i].fixed = conversation->streams[i].known;
    }
    update_running(conversation);
}
