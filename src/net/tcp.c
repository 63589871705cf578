/*
 * A TCP segment's way: delivered at once if it is the next of its stream, else held.
 */
#include "net/flow_parts.h"
#include "net/sum.h"

/* The usual case: the next bytes of a stream, nothing missing before them. */
static inline bool is_next(const struct conversation *conversation, enum net_direction direction,
                           const struct net_segment *segment)
{
    const struct stream *stream = &conversation->streams[direction];
    const struct stream *other = &conversation->streams[1 - direction];
    return conversation->running && conversation->held_count == 0 && segment->cut == 0 &&
           (segment->flags & (NET_SYN | NET_FIN | NET_RST | NET_ACK)) == NET_ACK &&
           segment->sequence == stream->sequence &&
           (int32_t)(segment->acknowledgement - other->sequence) <= 0;
}

uint64_t tcp_note_acknowledgement(struct stream *other, const struct net_segment *segment)
{
    if ((segment->flags & NET_ACK) == 0 || !other->known || other->ended) {
        return 0;
    }
    int32_t ahead = (int32_t)(segment->acknowledgement - other->sequence);
    if ((ahead <= 0 && other->fixed) || ahead > REACH) {
        return 0;
    }
    uint64_t offset = other->next + (uint64_t)(int64_t)ahead;
    if (offset > other->acknowledged) {
        other->acknowledged = offset;
    }
    return offset;
}

void conversation_close_if_over(struct net_flow *flow, struct conversation *conversation)
{
    const struct stream *streams = conversation->streams;
    if (!conversation->closed &&
        (conversation->known.reset || (streams[0].ended && streams[1].ended))) {
        conversation_close(flow, conversation);
    }
}

static void tcp_make_room(struct net_flow *flow, size_t size)
{
    while (!held_memory_has_room(&flow->memory, size) && !list_is_empty(&flow->holding)) {
        struct conversation *longest =
            LIST_MEMBER(flow->holding.next, struct conversation, holding);
        tcp_give_up(flow, longest);
        conversation_close_if_over(flow, longest);
    }
}

static void count_held(struct net_flow *flow, struct conversation *conversation, size_t pieces)
{
    if (conversation->held_count == 0 && pieces > 0) {
        conversation->held_since = flow->turn;
        conversation->waited = 0;
        list_append(&flow->holding, &conversation->holding);
    }
    conversation->held_count += pieces;
}

/*
 * Whether the receiver may have dropped the segment: its checksum is wrong, where those of its
 * stream tell something. They don't where they are left to the network card, or always wrong.
 */
static bool is_doubtful(struct stream *stream, const struct net_segment *segment)
{
    if (stream->unsummed || segment->transport.size == 0 || segment->cut > 0) {
        return false;
    }
    enum net_sum sum = net_segment_sum(segment);
    bool wrong = sum == NET_SUM_WRONG;
    stream->summed |= sum == NET_SUM_RIGHT;
    stream->unsummed =
        sum == NET_SUM_UNKNOWN || (wrong && !stream->summed && segment->payload.size == 0);
    return wrong && segment->payload.size > 0;
}

/* Counts and takes off the bytes that have been delivered, or given up. */
static struct span skip_old(struct net_flow *flow, const struct stream *stream, uint64_t *offset,
                            struct span bytes, bool doubtful)
{
    uint64_t old = *offset < stream->next ? stream->next - *offset : 0;
    old = stream->ended ? bytes.size : at_most(old, bytes.size);
    if (old > 0) {
        tcp_count_old(flow, stream, *offset, span_head(bytes, old), doubtful);
    }
    *offset += old;
    return span_skip(bytes, old);
}

static void hold_data(struct net_flow *flow, struct conversation *conversation,
                      enum net_direction direction, uint64_t offset, struct span bytes,
                      const struct held_label *label)
{
    struct stream *stream = &conversation->streams[direction];
    tcp_make_room(flow, bytes.size); /* may go on with this very stream */
    bytes = skip_old(flow, stream, &offset, bytes, label->doubtful);
    struct held_added added = held_add_data(&flow->memory, &stream->held, offset, bytes, label);
    flow->counters.duplicate += added.duplicate - added.differing;
    flow->counters.late += added.refused + added.differing;
    flow->counters.contradicting += added.differing;
    count_held(flow, conversation, added.pieces);
}

static void hold_mark(struct net_flow *flow, struct conversation *conversation,
                      enum net_direction direction, enum held_kind kind, uint64_t offset,
                      uint32_t size, const struct held_label *label)
{
    struct list_link *held = &conversation->streams[direction].held;
    count_held(flow, conversation, held_add_mark(&flow->memory, held, kind, offset, size, label));
}

static void tcp_place_data(struct net_flow *flow, struct conversation *conversation,
                           enum net_direction direction, uint64_t offset, struct span bytes,
                           const struct held_label *label)
{
    const struct stream *stream = &conversation->streams[direction];
    bytes = skip_old(flow, stream, &offset, bytes, label->doubtful);
    if (bytes.size == 0) {
        return;
    }
    const struct held *first = held_first(&stream->held);
    if (stream->fixed && offset == stream->next && !label->doubtful &&
        (first == NULL || first->offset >= offset + bytes.size) &&
        tcp_is_acknowledgeable(&conversation->streams[1 - direction], label->needs)) {
        tcp_tell_data(flow, conversation, direction, bytes, &label->origin);
    } else {
        hold_data(flow, conversation, direction, offset, bytes, label);
    }
}

/* Puts the segment's payload, and what else it says of its stream, in their places. */
static void tcp_place(struct net_flow *flow, struct conversation *conversation,
                      enum net_direction direction, const struct net_segment *segment,
                      uint64_t offset, const struct held_label *label)
{
    struct stream *stream = &conversation->streams[direction];
    uint64_t cut = offset + segment->payload.size;
    uint64_t end = cut + segment->cut;

    tcp_place_data(flow, conversation, direction, offset, segment->payload, label);
    if (stream->ended) {
        return;
    }
    if (segment->cut > 0 && end > stream->next) {
        hold_mark(flow, conversation, direction, HELD_CUT, cut, segment->cut, label);
    }
    if ((segment->flags & NET_FIN) != 0 && !stream->fin && end >= stream->next) {
        stream->fin = true;
        hold_mark(flow, conversation, direction, HELD_FIN, end, 0, label);
    }
}

/* RST ends the conversation once all before it has been delivered. Its payload is no stream's. */
static void place_reset(struct net_flow *flow, struct conversation *conversation,
                        enum net_direction direction, const struct net_segment *segment,
                        uint64_t offset, const struct held_label *label)
{
    struct stream *stream = &conversation->streams[direction];
    flow->counters.late += segment->payload.size;
    int64_t ahead = (int64_t)(offset - stream->next);
    if (ahead > REACH || ahead < -REACH || stream->rst) {
        return;
    }
    stream->rst = true;
    hold_mark(flow, conversation, direction, HELD_RST, ahead > 0 ? offset : stream->next, 0, label);
}

/* Ends what has waited long enough, or is too much. */
static void tcp_bound(struct net_flow *flow, struct conversation *conversation)
{
    if (conversation->settling > 0 && --conversation->settling == 0) {
        tcp_settle(conversation);
        tcp_advance(flow, conversation);
    }
    bool queued = flow->options.keep_order; /* then the queue says when it is given up */
    if (conversation->settling > 0 || queued || !tcp_waits_for_lost(conversation)) {
        conversation->waited = 0;
    } else if (conversation->waited++ == 0) {
        conversation->held_since = flow->turn;
        list_move_to_end(&flow->holding, &conversation->holding);
    } else if (conversation->waited > SEGMENTS_ASTRAY) {
        tcp_give_up(flow, conversation);
    }
    while (conversation->held_count > flow->options.held_segments_max) {
        tcp_give_up(flow, conversation);
    }
}

uint64_t tcp_offset(const struct stream *stream, const struct net_segment *segment)
{
    uint32_t sequence = segment->sequence + ((segment->flags & NET_SYN) != 0 ? 1 : 0);
    int32_t ahead = (int32_t)(sequence - stream->sequence);
    return stream->next + (uint64_t)(int64_t)ahead;
}

/* Remembers where the segment's first byte lies; later `sequence` may be too far away to say it. */
static uint64_t note_place(struct net_flow *flow, const struct conversation *conversation,
                           enum net_direction direction, const struct net_segment *segment)
{
    uint64_t offset = tcp_offset(&conversation->streams[direction], segment);
    flow->place = (struct net_place){conversation->known.id, offset};
    return offset;
}

static void receive_any(struct net_flow *flow, struct conversation *conversation,
                        enum net_direction direction, const struct net_segment *segment,
                        const struct net_origin *origin)
{
    if (!conversation->running) {
        direction = tcp_find_start(conversation, direction, segment);
    }
    struct stream *stream = &conversation->streams[direction];
    uint64_t offset = note_place(flow, conversation, direction, segment);
    struct held_label label = {
        .needs = tcp_note_acknowledgement(&conversation->streams[1 - direction], segment),
        .origin = *origin,
        .turn = flow->turn,
        .doubtful = is_doubtful(stream, segment),
    };
    if ((segment->flags & NET_RST) != 0) {
        place_reset(flow, conversation, direction, segment, offset, &label);
    } else {
        tcp_place(flow, conversation, direction, segment, offset, &label);
    }
    tcp_advance(flow, conversation);
    tcp_bound(flow, conversation);
    conversation_close_if_over(flow, conversation);
}

/* What comes after the conversation was closed. */
static void tcp_swallow(struct net_flow *flow, const struct conversation *conversation,
                        enum net_direction direction, const struct net_segment *segment)
{
    const struct stream *stream = &conversation->streams[direction];
    uint64_t offset = stream->known ? note_place(flow, conversation, direction, segment) : 0;
    if (!stream->known || (segment->flags & NET_RST) != 0) {
        flow->counters.late += segment->payload.size;
        return;
    }
    tcp_count_old(flow, stream, offset, segment->payload,
                  !stream->unsummed && net_segment_sum(segment) == NET_SUM_WRONG);
}

void tcp_receive(struct net_flow *flow, struct conversation *conversation,
                 enum net_direction direction, const struct net_segment *segment,
                 const struct net_origin *origin)
{
    if (is_next(conversation, direction, segment) &&
        (segment->payload.size == 0 || !is_doubtful(&conversation->streams[direction], segment))) {
        note_place(flow, conversation, direction, segment);
        if (segment->payload.size > 0) {
            tcp_tell_data(flow, conversation, direction, segment->payload, origin);
        }
        return;
    }
    if (tcp_is_another(conversation, direction, segment)) {
        if (!conversation->closed) {
            conversation_close(flow, conversation);
        }
        conversation_begin(flow, conversation, segment, origin);
        direction = (segment->flags & (NET_SYN | NET_ACK)) == (NET_SYN | NET_ACK)
                        ? NET_FROM_RESPONDER
                        : NET_FROM_INITIATOR;
    }
    if (conversation->closed) {
        tcp_swallow(flow, conversation, direction, segment);
    } else {
        receive_any(flow, conversation, direction, segment, origin);
    }
}

void tcp_expire(struct net_flow *flow)
{
    while (!list_is_empty(&flow->holding)) {
        struct conversation *longest =
            LIST_MEMBER(flow->holding.next, struct conversation, holding);
        if (flow->turn - longest->held_since <= SEGMENTS_ASTRAY_OF_ALL) {
            return;
        }
        if (longest->settling > 0 || tcp_waits_for_lost(longest)) {
            tcp_give_up(flow, longest);
            conversation_close_if_over(flow, longest);
        } else { /* it may still be sent again: look again later */
            longest->held_since = flow->turn;
            list_move_to_end(&flow->holding, &longest->holding);
        }
    }
}
