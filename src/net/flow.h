/*
 * Conversations: TCP reassembled as a receiver would, UDP datagrams by their endpoints.
 *
 * net_flow_receive takes segments in capture order and tells the listener of ordered bytes, gaps
 * and ends. Each payload byte that was captured is counted exactly once: as data, as a duplicate,
 * or as late; with the bytes still held, of which there are none after net_flow_finish, the three
 * add up to the payload bytes received.
 *
 * What acknowledges bytes of the other direction is told of after them, or after the gap that they
 * are in: a response never comes before its request, even where the capture has swapped packets.
 *
 * Memory is bounded by the options, not by the traffic. Not thread safe.
 */
#ifndef KVREPLAY_NET_FLOW_H
#define KVREPLAY_NET_FLOW_H

#include "net/packet.h"

/* Who sent it. The initiator is who sent the SYN; without one, who was seen first. */
enum net_direction { NET_FROM_INITIATOR = 0, NET_FROM_RESPONDER = 1 };

/* Where bytes come from: the packet that carried the first of them. */
struct net_origin {
    uint64_t packet;
    int64_t time; /* Unix time in nanoseconds */
};

struct net_conversation {
    uint64_t id; /* from 1, in order of their first packet */
    enum net_protocol protocol;
    struct net_endpoint initiator;
    struct net_endpoint responder;
    bool
        from_start; /* the SYN was seen: the first bytes of each direction are the stream's first */
    void *user;     /* the listener's own; NULL at first */
};

/*
 * What flows tell of. No call may call back into the flow. The conversation is valid until `closed`
 * returns.
 */
struct net_listener {
    void *context;
    /* The next bytes of a direction's stream (TCP), or one datagram (UDP). Valid during the call.
     */
    void (*data)(void *context, struct net_conversation *conversation, enum net_direction direction,
                 struct span bytes, const struct net_origin *origin);
    /* `lost` bytes of a direction's stream are not in the capture; data goes on behind them. */
    void (*gap)(void *context, struct net_conversation *conversation, enum net_direction direction,
                uint64_t lost);
    /* A direction's stream has ended (FIN or RST, all before it told of). TCP only. */
    void (*end)(void *context, struct net_conversation *conversation, enum net_direction direction);
    /* The conversation is over or forgotten (ended, port reuse, table full, capture over). */
    void (*closed)(void *context, struct net_conversation *conversation);
};

struct net_flow_options {
    size_t conversations_max; /* the one that was idle longest makes room, ended ones first */
    size_t held_bytes_max;    /* memory for out-of-order payload, over all conversations */
    size_t held_segments_max; /* per conversation, before a gap is given up waiting for */
    /* Segments that a conversation without SYN waits for earlier ones before its first bytes are
     * told, should the capture have swapped them. It falls behind others meanwhile: 0 unless that
     * is to be expected. */
    unsigned start_segments;
};

struct net_flow_counters {
    uint64_t conversations;
    uint64_t payload;   /* bytes received as captured: data + duplicate + late */
    uint64_t data;      /* told of by `data` */
    uint64_t duplicate; /* retransmitted or overlapping */
    uint64_t late;      /* for a place that was given up as a gap, or before a mid-stream start */
    uint64_t lost;      /* in gaps, or cut off by the snap length */
};

struct net_flow;

struct net_flow *net_flow_create(const struct net_flow_options *options,
                                 const struct net_listener *listener);
void net_flow_destroy(struct net_flow *flow); /* net_flow_finish first, or ends go untold */

void net_flow_receive(struct net_flow *flow, const struct net_segment *segment,
                      const struct net_origin *origin);

/* A byte of a TCP stream. The stream is the conversation's that the segment's source sends. */
struct net_place {
    uint64_t conversation; /* its id */
    uint64_t offset;       /* of the byte in its stream, from a start that is the stream's own */
};

/*
 * Where the first payload byte of a TCP segment lies, just after net_flow_receive was given it:
 * also of one that brought nothing new. Bytes at the same place are the same byte, sent again.
 * False: it is of no conversation.
 */
bool net_flow_place(struct net_flow *flow, const struct net_segment *segment,
                    struct net_place *place);

/* The offset behind the last byte told of, of a listener's TCP conversation. */
uint64_t net_stream_next(const struct net_conversation *conversation, enum net_direction direction);

/* The capture is over: tells all that is held, with its gaps, and closes every conversation. */
void net_flow_finish(struct net_flow *flow);

const struct net_flow_counters *net_flow_counters(const struct net_flow *flow);

#endif
