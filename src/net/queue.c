/*
 * The order between conversations. What one of them waits for is found out to be lost many segments
 * later; those of the others would be delivered before what it has already, and in particular
 * before the answers to requests that they depend on. So all segments wait, and are looked through
 * for the missing bytes only.
 */
#include "net/flow_parts.h"

struct queued_segment {
    struct list_link link;
    struct net_segment segment; /* its transport is in `bytes`, or its payload alone */
    struct net_origin origin;
    size_t size; /* of those */
    uint8_t bytes[];
};

static void give(struct net_flow *flow, struct queued_segment *queued)
{
    list_remove(&queued->link);
    blocks_give(&flow->memory.blocks, queued, sizeof(*queued) + queued->size);
}

void queue_deinit(struct net_flow *flow)
{
    struct list_link *segments = &flow->queue.segments;
    while (!list_is_empty(segments)) {
        give(flow, LIST_MEMBER(segments->next, struct queued_segment, link));
    }
}

/* False: there is no room. */
static bool queue_append(struct net_flow *flow, const struct net_segment *segment,
                         const struct net_origin *origin)
{
    struct span bytes = segment->transport.size > 0 ? segment->transport : segment->payload;
    size_t size = bytes.size;
    struct queued_segment *queued = NULL;
    if (held_memory_has_room(&flow->memory, sizeof(*queued) + size)) {
        queued = blocks_take(&flow->memory.blocks, sizeof(*queued) + size);
    }
    if (queued == NULL) {
        return false;
    }
    if (size > 0) {
        memcpy(queued->bytes, bytes.data, size);
    }
    queued->size = size;
    queued->segment = *segment;
    queued->segment.payload = span_skip(span_of(queued->bytes, size), size - segment->payload.size);
    if (segment->transport.size > 0) {
        queued->segment.transport = span_of(queued->bytes, size);
    }
    queued->origin = *origin;
    list_append(&flow->queue.segments, &queued->link);
    return true;
}

/* ------------------------------------------------------------------------------------- waiting */

static bool waits(const struct conversation *conversation)
{
    return conversation->known.protocol == NET_TCP && !conversation->closed &&
           conversation->held_count > 0 && conversation->settling == 0 &&
           tcp_waits_for_lost(conversation);
}

/* Begins to wait, goes on waiting, or ends. */
static void set_waiting(struct net_flow *flow, struct conversation *conversation)
{
    struct segment_queue *queue = &flow->queue;
    queue->waiting = conversation != NULL && waits(conversation) ? conversation : NULL;
    queue->looked_at = &queue->segments;
    queue->looked_at_count = 0;
}

static void queue_take(struct net_flow *flow, const struct net_segment *segment,
                       const struct net_origin *origin)
{
    set_waiting(flow, flow_take(flow, segment, origin));
}

static void take_queued(struct net_flow *flow, struct queued_segment *queued)
{
    queue_take(flow, &queued->segment, &queued->origin);
    give(flow, queued);
}

static bool queue_is_of(struct net_flow *flow, const struct conversation *conversation,
                        const struct net_segment *segment, enum net_direction *direction)
{
    return table_find(&flow->table, segment, direction) == conversation;
}

/* What the segments looked at acknowledge tells whether a byte is missing or a FIN. */
static void note_acknowledgements(struct net_flow *flow, struct conversation *conversation)
{
    struct list_link *link = &flow->queue.segments;
    while (link != flow->queue.looked_at) {
        link = link->next;
        const struct net_segment *segment =
            &LIST_MEMBER(link, struct queued_segment, link)->segment;
        enum net_direction direction;
        if (queue_is_of(flow, conversation, segment, &direction)) {
            tcp_note_acknowledgement(&conversation->streams[1 - direction], segment);
        }
    }
}

static void queue_give_up(struct net_flow *flow)
{
    struct conversation *conversation = flow->queue.waiting;
    struct stream *streams = conversation->streams;
    uint64_t acknowledged[] = {streams[0].acknowledged, streams[1].acknowledged};
    note_acknowledgements(flow, conversation);
    tcp_give_up(flow, conversation);
    streams[0].acknowledged = acknowledged[0];
    streams[1].acknowledged = acknowledged[1];
    conversation_close_if_over(flow, conversation);
    set_waiting(flow, conversation);
}

/* The segment has some of what its conversation waits for. */
static bool brings_missing(const struct conversation *conversation, enum net_direction direction,
                           const struct net_segment *segment)
{
    uint64_t offset = tcp_offset(&conversation->streams[direction], segment);
    uint64_t end =
        offset + segment->payload.size + segment->cut + ((segment->flags & NET_FIN) != 0 ? 1 : 0);
    return (segment->flags & NET_SYN) == 0 &&
           tcp_is_waited_for(conversation, direction, offset, end);
}

/* Takes the segments of the conversation that waits, up to and with `last`: of bytes that come
 * twice, those that came first count. */
static void take_up_to(struct net_flow *flow, const struct list_link *last)
{
    struct conversation *conversation = flow->queue.waiting;
    struct list_link *link = flow->queue.segments.next;
    bool more = true;
    while (more) {
        struct queued_segment *queued = LIST_MEMBER(link, struct queued_segment, link);
        enum net_direction direction;
        more = link != last;
        link = link->next;
        if (queue_is_of(flow, conversation, &queued->segment, &direction)) {
            take_queued(flow, queued);
        }
    }
}

/* Looks at the next segment for what is missing. */
static void look_at_next(struct net_flow *flow)
{
    struct segment_queue *queue = &flow->queue;
    struct list_link *next = queue->looked_at->next;
    const struct net_segment *segment = &LIST_MEMBER(next, struct queued_segment, link)->segment;
    enum net_direction direction;
    queue->looked_at = next;
    queue->looked_at_count++;
    if (queue_is_of(flow, queue->waiting, segment, &direction) &&
        brings_missing(queue->waiting, direction, segment)) {
        take_up_to(flow, next);
    } else if (queue->looked_at_count > SEGMENTS_ASTRAY_OF_ALL) {
        queue_give_up(flow);
    }
}

/* Takes what is kept, as far as nothing is waited for. */
static void queue_advance(struct net_flow *flow)
{
    struct segment_queue *queue = &flow->queue;
    while (!list_is_empty(&queue->segments)) {
        if (queue->waiting == NULL) {
            take_queued(flow, LIST_MEMBER(queue->segments.next, struct queued_segment, link));
        } else if (queue->looked_at->next != &queue->segments) {
            look_at_next(flow);
        } else {
            return;
        }
    }
}

void queue_receive(struct net_flow *flow, const struct net_segment *segment,
                   const struct net_origin *origin)
{
    while (flow->queue.waiting != NULL && !queue_append(flow, segment, origin)) {
        queue_give_up(flow);
        queue_advance(flow);
    }
    if (flow->queue.waiting == NULL) {
        queue_take(flow, segment, origin);
    } else {
        queue_advance(flow);
    }
}

void queue_finish(struct net_flow *flow)
{
    queue_advance(flow);
    while (flow->queue.waiting != NULL) {
        queue_give_up(flow);
        queue_advance(flow);
    }
}
