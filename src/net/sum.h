/*
 * Whether the checksum of a TCP segment is right. Often it says nothing: senders leave it to their
 * network card, and a recorder on the same machine sees what was there before.
 */
#ifndef KVREPLAY_NET_SUM_H
#define KVREPLAY_NET_SUM_H

#include "net/packet.h"

enum net_sum { NET_SUM_UNKNOWN, NET_SUM_RIGHT, NET_SUM_WRONG };

enum net_sum net_segment_sum(const struct net_segment *segment);

#endif
