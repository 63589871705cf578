/*
 * Where captured payload lies in its stream, for those who go back from the stream to the packets.
 */
#include "net/conversation.h"

bool net_flow_place(struct net_flow *flow, const struct net_segment *segment,
                    struct net_place *place)
{
    enum net_direction direction;
    if (segment->protocol != NET_TCP) {
        return false;
    }
    const struct conversation *conversation = table_find(&flow->table, segment, &direction);
    if (conversation == NULL || !conversation->streams[direction].known) {
        return false;
    }
    const struct stream *stream = &conversation->streams[direction];
    uint32_t sequence = segment->sequence + ((segment->flags & NET_SYN) != 0 ? 1 : 0);
    int32_t ahead = (int32_t)(sequence - stream->sequence);
    place->conversation = conversation->known.id;
    place->offset = stream->next + (uint64_t)(int64_t)ahead;
    return true;
}

uint64_t net_stream_next(const struct net_conversation *conversation, enum net_direction direction)
{
    return ((const struct conversation *)conversation)->streams[direction].next;
}
