/*
 * What a flow (flow.h) delivers: conversations and their bytes; what it is made with, and what it
 * counts.
 */
#ifndef KVREPLAY_NET_LISTENER_H
#define KVREPLAY_NET_LISTENER_H

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
    struct net_origin began; /* its first packet */
    bool reset;              /* RST has ended it, from `reset_by` */
    enum net_direction reset_by;
    void *user; /* the listener's own; NULL at first */
};

/* A byte of a TCP stream, which is the one that the segment's source sends. */
struct net_place {
    uint64_t conversation; /* its id */
    uint64_t offset;       /* of the byte in its stream, from a start that is the stream's own */
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
    /* A direction's stream has ended (FIN or RST, all before it delivered). An RST ends both, first
     * that of its sender. TCP only. */
    void (*end)(void *context, struct net_conversation *conversation, enum net_direction direction);
    /* The conversation is over or forgotten (ended, port reuse, table full, capture over). */
    void (*closed)(void *context, struct net_conversation *conversation);
    /* A segment has had its turn, as each has once. `place` is that of its first payload byte, also
     * if it brought nothing new: bytes at the same place are the same byte, sent again. NULL: it is
     * of no TCP stream. The call may be NULL. */
    void (*taken)(void *context, const struct net_segment *segment, const struct net_origin *origin,
                  const struct net_place *place);
};

struct net_flow_options {
    size_t conversations_max; /* the one that was idle longest makes room, ended ones first */
    size_t held_bytes_max;    /* memory for out-of-order payload, over all conversations */
    size_t held_segments_max; /* per conversation, before a gap is given up waiting for */
    /* Segments that a conversation without SYN waits for earlier ones before its first bytes are
     * told, should the capture have swapped them. It falls behind others meanwhile: 0 unless that
     * is to be expected. */
    unsigned start_segments;
    /* While a conversation waits for bytes that the other side has acknowledged, segments of all
     * others wait too, in memory of held_bytes_max, so that conversations are delivered in the
     * order in which they were captured, also where bytes turn out to be lost. */
    bool keep_order;
};

struct net_flow_counters {
    uint64_t conversations;
    uint64_t payload;   /* bytes received as captured: data + duplicate + late */
    uint64_t data;      /* delivered by `data` */
    uint64_t duplicate; /* retransmitted or overlapping */
    uint64_t late;      /* for a place that was given up as a gap, or before a mid-stream start */
    uint64_t lost;      /* in gaps, or cut off by the snap length */
    uint64_t contradicting; /* of those late: other bytes than came before at their place, or before
                             * the beginning of a stream whose SYN was seen */
};

#endif
