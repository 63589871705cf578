/*
 * A flow from the inside, and what all parts of it do to it and to its conversations.
 */
#ifndef KVREPLAY_NET_FLOW_PARTS_H
#define KVREPLAY_NET_FLOW_PARTS_H

#include "net/conversation.h"
#include "net/history.h"
#include "net/table.h"

enum {
    /* So many segments of its conversation a captured segment may be away from its place in time:
     * capturing on several queues or processors swaps packets, but tens of them at most. What the
     * receiver had (it was acknowledged) and did not come within them is not in the capture. */
    SEGMENTS_ASTRAY = 64,
    /* The same in segments of all conversations, so that a quiet conversation doesn't fall behind.
     */
    SEGMENTS_ASTRAY_OF_ALL = 1024,
};

/* Segments that wait, as captured, for one conversation's missing bytes (queue.c). */
struct segment_queue {
    struct list_link segments;    /* struct queued_segment, as captured */
    struct list_link *looked_at;  /* the last that was looked at for the missing bytes */
    struct conversation *waiting; /* for them; NULL: none */
    unsigned looked_at_count;     /* since it began to wait, or went on */
};

struct net_flow {
    struct net_listener listener;
    struct net_flow_counters counters;
    struct net_flow_options options;
    struct table table;
    struct held_memory memory;
    struct list_link holding; /* struct conversation, by held_since */
    struct segment_queue queue;
    struct history history;
    uint64_t turn;          /* segments received, with the current one */
    struct net_place place; /* of the current one; conversation 0: none */
};

static inline uint64_t at_most(uint64_t number, uint64_t limit)
{
    return number < limit ? number : limit;
}

/* Tells of all that is held, and that it is over. The conversation stays in the table. */
void conversation_close(struct net_flow *flow, struct conversation *conversation);
/* Makes what is closed or new a conversation that begins with the segment. */
void conversation_begin(struct net_flow *flow, struct conversation *conversation,
                        const struct net_segment *segment, const struct net_origin *origin);

/* flow.c: gives a segment to its conversation. Returns that, or NULL: there is none. */
struct conversation *flow_take(struct net_flow *flow, const struct net_segment *segment,
                               const struct net_origin *origin);
/* Closes a conversation that has ended. */
void conversation_close_if_over(struct net_flow *flow, struct conversation *conversation);

/* queue.c: takes the segment, or keeps it until nothing is waited for. */
void queue_receive(struct net_flow *flow, const struct net_segment *segment,
                   const struct net_origin *origin);
/* Nothing more comes: takes all that is kept. */
void queue_finish(struct net_flow *flow);
/* Drops all that is kept. */
void queue_deinit(struct net_flow *flow);

/* tcp.c: where the segment's first byte lies in its stream. */
uint64_t tcp_offset(const struct stream *stream, const struct net_segment *segment);
/* The offset in the other stream that a segment acknowledges, if it has not been delivered yet;
 * else 0. */
uint64_t tcp_note_acknowledgement(struct stream *other, const struct net_segment *segment);
/* One segment of the conversation, or of the next between the same endpoints. */
void tcp_receive(struct net_flow *flow, struct conversation *conversation,
                 enum net_direction direction, const struct net_segment *segment,
                 const struct net_origin *origin);
/* Gives up what has waited longest for bytes that won't come. */
void tcp_expire(struct net_flow *flow);

/* tcp_start.c */

/* Whether the segment can't be of this conversation, so that a new one begins with it. */
bool tcp_is_another(const struct conversation *conversation, enum net_direction direction,
                    const struct net_segment *segment);
/* Learns from the segment where the streams start. Returns the segment's direction: as long as
 * nothing has been delivered, who the initiator is may turn out to have been a wrong guess. */
enum net_direction tcp_find_start(struct conversation *conversation, enum net_direction direction,
                                  const struct net_segment *segment);
/* Takes what is known of the starts for right. */
void tcp_settle(struct conversation *conversation);

/* tcp_order.c */

/* Tells of all that is held and waits for nothing any more. */
void tcp_advance(struct net_flow *flow, struct conversation *conversation);
/* Gives up one thing that is waited for, and advances. Something must be held. */
void tcp_give_up(struct net_flow *flow, struct conversation *conversation);
/* Whether something is waited for that the receiver had: it is not in the capture. */
bool tcp_waits_for_lost(const struct conversation *conversation);
/* Whether the bytes from `offset` to `end` of a direction are among those. */
bool tcp_is_waited_for(const struct conversation *conversation, enum net_direction direction,
                       uint64_t offset, uint64_t end);
/* Whether what acknowledges the other stream up to `needs` may be delivered. */
bool tcp_is_acknowledgeable(const struct stream *other, uint64_t needs);
/* Tells of the next bytes of a stream. */
void tcp_tell_data(struct net_flow *flow, struct conversation *conversation,
                   enum net_direction direction, struct span bytes,
                   const struct net_origin *origin);
/* Tells of what was acknowledged and never came; nothing is held. */
void tcp_tell_missing_tail(struct net_flow *flow, struct conversation *conversation,
                           enum net_direction direction);
void tcp_tell_end(struct net_flow *flow, struct conversation *conversation,
                  enum net_direction direction);
/* Counts bytes that come again or too late: what is before `next`, or anything if it has ended.
 * `doubtful`: their checksum is wrong, the receiver has dropped them. */
void tcp_count_old(struct net_flow *flow, const struct stream *stream, uint64_t offset,
                   struct span bytes, bool doubtful);

#endif
