#include "net/flow.h"

#include "net/flow_parts.h"

#include <stdlib.h>

struct net_flow *net_flow_create(const struct net_flow_options *options,
                                 const struct net_listener *listener)
{
    struct net_flow *flow = calloc(1, sizeof(*flow));
    if (flow == NULL) {
        return NULL;
    }
    flow->options = *options;
    flow->listener = *listener;
    list_init(&flow->holding);
    list_init(&flow->queue.segments);
    flow->memory.limit = options->held_bytes_max;
    if (!table_init(&flow->table, options->conversations_max) || !history_init(&flow->history)) {
        net_flow_destroy(flow);
        return NULL;
    }
    return flow;
}

static void give_held(struct net_flow *flow, struct conversation *conversation)
{
    for (int i = 0; i < 2; i++) {
        struct held *held;
        while ((held = held_first(&conversation->streams[i].held)) != NULL) {
            list_remove(&held->link);
            held_give(&flow->memory, held);
        }
    }
    list_remove(&conversation->holding);
}

void net_flow_destroy(struct net_flow *flow)
{
    if (flow == NULL) {
        return;
    }
    while (!list_is_empty(&flow->holding)) {
        give_held(flow, LIST_MEMBER(flow->holding.next, struct conversation, holding));
    }
    queue_deinit(flow);
    held_memory_deinit(&flow->memory);
    table_deinit(&flow->table);
    history_deinit(&flow->history);
    free(flow);
}

const struct net_flow_counters *net_flow_counters(const struct net_flow *flow)
{
    return &flow->counters;
}

void conversation_begin(struct net_flow *flow, struct conversation *conversation,
                        const struct net_segment *segment, const struct net_origin *origin)
{
    bool syn = segment->protocol == NET_TCP && (segment->flags & NET_SYN) != 0;
    bool answers = syn && (segment->flags & NET_ACK) != 0; /* by the responder */

    conversation->known = (struct net_conversation){
        .id = ++flow->counters.conversations,
        .protocol = segment->protocol,
        .initiator = answers ? segment->destination : segment->source,
        .responder = answers ? segment->source : segment->destination,
        .from_start = syn,
        .began = *origin,
    };
    for (int i = 0; i < 2; i++) {
        conversation->streams[i] = (struct stream){.known = false};
        list_init(&conversation->streams[i].held);
    }
    conversation->running = false;
    conversation->closed = false;
    conversation->settling = answers ? 0 : syn ? SEGMENTS_ASTRAY : flow->options.start_segments;
    conversation->held_count = 0;
    table_set_live(&flow->table, conversation);
}

static void tell_reset(struct net_flow *flow, struct conversation *conversation)
{
    enum net_direction sender = conversation->known.reset_by;
    for (unsigned i = 0; i < 2; i++) {
        enum net_direction direction = i == 0 ? sender : 1 - sender;
        if (!conversation->streams[direction].ended) {
            tcp_tell_end(flow, conversation, direction);
        }
    }
}

void conversation_close(struct net_flow *flow, struct conversation *conversation)
{
    while (conversation->held_count > 0) {
        tcp_give_up(flow, conversation);
    }
    for (enum net_direction i = NET_FROM_INITIATOR; i <= NET_FROM_RESPONDER; i++) {
        tcp_tell_missing_tail(flow, conversation, i);
    }
    if (conversation->known.reset) {
        tell_reset(flow, conversation);
    }
    conversation->closed = true;
    conversation->running = false;
    table_set_closed(&flow->table, conversation);
    flow->listener.closed(flow->listener.context, &conversation->known);
}

/* Makes room in the table for one conversation. */
static bool evict(struct net_flow *flow)
{
    struct conversation *idlest = table_idlest(&flow->table);
    if (idlest == NULL) {
        return false;
    }
    if (!idlest->closed) {
        conversation_close(flow, idlest);
    }
    table_remove(&flow->table, idlest);
    return true;
}

static struct conversation *flow_begin(struct net_flow *flow, const struct net_segment *segment,
                                       const struct net_origin *origin,
                                       enum net_direction *direction)
{
    struct conversation *conversation;
    do {
        conversation = table_add(&flow->table, segment);
    } while (conversation == NULL && evict(flow));
    if (conversation == NULL) {
        return NULL;
    }
    conversation_begin(flow, conversation, segment, origin);
    const struct net_endpoint *initiator = &conversation->known.initiator;
    bool is_initiator = initiator->port == segment->source.port &&
                        memcmp(initiator->address, segment->source.address, 16) == 0;
    *direction = is_initiator ? NET_FROM_INITIATOR : NET_FROM_RESPONDER;
    return conversation;
}

static void receive_datagram(struct net_flow *flow, struct conversation *conversation,
                             enum net_direction direction, const struct net_segment *segment,
                             const struct net_origin *origin)
{
    const struct net_listener *listener = &flow->listener;
    flow->counters.data += segment->payload.size;
    flow->counters.lost += segment->cut;
    if (segment->payload.size > 0) {
        listener->data(listener->context, &conversation->known, direction, segment->payload,
                       origin);
    }
    if (segment->cut > 0) {
        listener->gap(listener->context, &conversation->known, direction, segment->cut);
    }
}

static void check_ledger(const struct net_flow *flow)
{
    const struct net_flow_counters *counters = &flow->counters;
    assert(counters->payload ==
           counters->data + counters->duplicate + counters->late + flow->memory.payload);
    (void)counters;
}

struct conversation *flow_take(struct net_flow *flow, const struct net_segment *segment,
                               const struct net_origin *origin)
{
    flow->turn++;
    flow->place = (struct net_place){0};
    flow->counters.payload += segment->payload.size;
    if (!list_is_empty(&flow->holding)) {
        tcp_expire(flow);
    }
    enum net_direction direction;
    struct conversation *conversation = table_find(&flow->table, segment, &direction);
    bool resets = segment->protocol == NET_TCP && (segment->flags & NET_RST) != 0;
    if (conversation == NULL && !resets) {
        conversation = flow_begin(flow, segment, origin, &direction);
    }
    if (conversation == NULL) { /* an RST that ends nothing we know of, or no memory */
        flow->counters.late += segment->payload.size;
    } else if (segment->protocol == NET_TCP) {
        tcp_receive(flow, conversation, direction, segment, origin);
    } else {
        receive_datagram(flow, conversation, direction, segment, origin);
    }
    check_ledger(flow);
    if (flow->listener.taken != NULL) {
        flow->listener.taken(flow->listener.context, segment, origin,
                             flow->place.conversation != 0 ? &flow->place : NULL);
    }
    return conversation;
}

void net_flow_receive(struct net_flow *flow, const struct net_segment *segment,
                      const struct net_origin *origin)
{
    if (flow->options.keep_order) {
        queue_receive(flow, segment, origin);
    } else {
        flow_take(flow, segment, origin);
    }
}

uint64_t net_stream_next(const struct net_conversation *conversation, enum net_direction direction)
{
    return ((const struct conversation *)conversation)->streams[direction].next;
}

void net_flow_finish(struct net_flow *flow)
{
    queue_finish(flow);
    while (!list_is_empty(&flow->table.live)) {
        conversation_close(flow, LIST_MEMBER(flow->table.live.next, struct conversation, use));
    }
    check_ledger(flow);
    assert(flow->memory.payload == 0);
}
