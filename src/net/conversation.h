/*
 * A conversation and a flow from the inside, and what all parts of the flow do to them.
 */
#ifndef KVREPLAY_NET_CONVERSATION_H
#define KVREPLAY_NET_CONVERSATION_H

#include "net/held.h"
#include "net/table.h"

enum {
    GAPS_REMEMBERED = 4,

    /* So many segments of its conversation a captured segment may be away from its place in time:
     * capturing on several queues or processors swaps packets, but tens of them at most. What the
     * receiver had (it was acknowledged) and did not come within them is not in the capture. */
    SEGMENTS_ASTRAY = 64,
    /* The same in segments of all conversations, so that a quiet conversation doesn't fall behind.
     */
    SEGMENTS_ASTRAY_OF_ALL = 1024,
    /* No segment or acknowledgement of a conversation is further than this behind what has been
     * told of; windows are smaller. What is further away is of another conversation. */
    REACH = 1 << 26,
};

/* Where offsets begin: streams whose start isn't certain yet can go back from here. */
static const uint64_t STREAM_START = UINT64_C(1) << 62;

struct stream_gap {
    uint64_t from; /* offsets */
    uint64_t to;
};

/* One direction of a TCP conversation. */
struct stream {
    uint64_t next;     /* offset of the next byte to tell: all before are told of, or given up */
    uint32_t sequence; /* the sequence number of that byte */
    uint32_t start_sequence; /* the sequence number of the first byte */
    bool known;              /* `next` and `sequence` mean something */
    bool fixed;              /* no earlier start will be found */
    bool seen;               /* it has sent a segment */
    bool syn;                /* its SYN was seen, or is known from the acknowledgement of it */
    bool fin;                /* its FIN has come, and may be held */
    bool ended;              /* that was told of */
    bool rst;                /* its RST has come, and may be held */
    uint64_t start;          /* offset of the first byte */
    uint64_t end;            /* offset behind the last byte, if it has ended */
    uint64_t acknowledged;   /* the other side has received the bytes up to here */
    uint64_t waived;         /* what acknowledges bytes up to here needn't wait for them */
    uint64_t cut_to;         /* holes up to here won't be filled: the snap length cut them */
    struct list_link held;   /* struct held, by offset */
    struct stream_gap gaps[GAPS_REMEMBERED]; /* the last ones told of */
    unsigned gap_count;
};

struct conversation {
    struct net_conversation known; /* to the listener; first, so that one pointer is the other */
    uint32_t hash;
    bool running;               /* both streams are known, fixed, seen and not ended */
    bool reset;                 /* RST took effect */
    bool closed;                /* that was told of; it stays to swallow what still comes */
    struct conversation *chain; /* of the table: in the same bucket */
    struct list_link use;       /* of the table: by last use */
    size_t held_count;          /* pieces in both streams */
    struct stream streams[2];   /* by enum net_direction */
    struct list_link holding;   /* of the flow, while held_count > 0 */
    uint64_t held_since;        /* turn when something was last told of, or the waiting began */
    unsigned waited;            /* segments that came while it waits for what was lost */
    unsigned settling;          /* segments to come before uncertain starts are taken for right */
};

struct net_flow {
    struct net_listener listener;
    struct net_flow_counters counters;
    struct net_flow_options options;
    struct table table;
    struct held_memory memory;
    struct list_link holding; /* struct conversation, by held_since */
    uint64_t turn;            /* segments received, with the current one */
};

static inline uint64_t at_most(uint64_t number, uint64_t limit)
{
    return number < limit ? number : limit;
}

/* Tells of all that is held, and that it is over. The conversation stays in the table. */
void conversation_close(struct net_flow *flow, struct conversation *conversation);
/* Makes what is closed or new a conversation that begins with the segment. */
void conversation_begin(struct net_flow *flow, struct conversation *conversation,
                        const struct net_segment *segment);

/* tcp.c: one segment of the conversation, or of the next between the same endpoints. */
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
 * nothing has been told of, who the initiator is may turn out to have been a wrong guess. */
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
/* Whether what acknowledges the other stream up to `needs` may be told of. */
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
/* Counts bytes that come again or too late: what is before `next`, or anything if it has ended. */
void tcp_count_old(struct net_flow *flow, const struct stream *stream, uint64_t offset,
                   uint64_t size);

#endif
