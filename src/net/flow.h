/*
 * Conversations: TCP reassembled as a receiver would, UDP datagrams by their endpoints.
 *
 * net_flow_receive takes segments in capture order and tells the listener of ordered bytes, gaps
 * and ends. Each payload byte that was captured is counted exactly once: as data, as a duplicate,
 * or as late; with the bytes still held, of which there are none after net_flow_finish, the three
 * add up to the payload bytes received.
 *
 * Bytes that come again are duplicates if they are the same, as far back as is remembered. Of two
 * copies that differ, the one counts whose checksum is right, as it did for the receiver; if that
 * tells nothing, the first one, and the other contradicts it: it is late, and somebody else's.
 *
 * What acknowledges bytes of the other direction is delivered after them, or after the gap that
 * they are in: a response never comes before its request, even where the capture has swapped
 * packets.
 *
 * Memory is bounded by the options, not by the traffic. Not thread safe.
 */
#ifndef KVREPLAY_NET_FLOW_H
#define KVREPLAY_NET_FLOW_H

#include "net/listener.h"

struct net_flow;

struct net_flow *net_flow_create(const struct net_flow_options *options,
                                 const struct net_listener *listener);
void net_flow_destroy(struct net_flow *flow); /* net_flow_finish first, or ends go untold */

void net_flow_receive(struct net_flow *flow, const struct net_segment *segment,
                      const struct net_origin *origin);

/* The offset behind the last byte delivered, of a listener's TCP conversation. */
uint64_t net_stream_next(const struct net_conversation *conversation, enum net_direction direction);

/* The capture is over: tells all that is held, with its gaps, and closes every conversation. */
void net_flow_finish(struct net_flow *flow);

const struct net_flow_counters *net_flow_counters(const struct net_flow *flow);

#endif
