/*
 * memcached's messages over UDP: in which datagrams a message lies that the framing has put
 * together.
 */
#ifndef KVREPLAY_ANONYMISE_DATAGRAMS_H
#define KVREPLAY_ANONYMISE_DATAGRAMS_H

#include "anonymise/talk.h"

/* Gives a datagram to the talk's framing, and tells of its header if it is one of memcached's. */
void datagrams_receive(struct talk *talk, enum net_direction direction, struct span bytes,
                       const struct net_origin *origin);

/* The conversation is over: tells of what can be kept of messages that never became whole. */
void datagrams_finish(struct talk *talk);

/* A frame of the message that became whole with the datagram being received. */
void datagrams_frame(struct talk *talk, const struct dissect_frame *frame);

#endif
