/*
 * From a captured packet to a TCP segment or UDP datagram: link layer, IPv4 with fragments, IPv6
 * with extension headers. Never reads past what was captured, trusts no length.
 */
#ifndef KVREPLAY_NET_DECODE_H
#define KVREPLAY_NET_DECODE_H

#include "net/packet.h"

struct net_decoder; /* holds the fragments of datagrams that are not whole yet */

struct net_decoder_options {
    size_t
        fragment_bytes_max; /* 64 KiB for each datagram held, at least one; the oldest go first */
};

struct net_decoder *net_decoder_create(const struct net_decoder_options *options);
void net_decoder_destroy(struct net_decoder *decoder);

/*
 * Decodes one packet. The segment's payload points into the packet or, if it was fragmented, into
 * memory of the decoder's that is valid until the next call.
 */
enum net_decoded net_decode(struct net_decoder *decoder, const struct net_packet *packet,
                            struct net_segment *segment, uint32_t *cut);

/* The datagram that the last packet made whole, valid until the next one; NULL: that was no
 * fragment. */
const struct net_datagram *net_decoder_datagram(const struct net_decoder *decoder);

/*
 * Captured payload bytes of fragments that became part of no segment, up to now: those given up
 * because the rest never came or was cut, and those that repeat what had come before.
 */
uint64_t net_decoder_abandoned(const struct net_decoder *decoder);
uint64_t net_decoder_repeated(const struct net_decoder *decoder);

/* The capture is over: what is still held is abandoned. */
void net_decoder_finish(struct net_decoder *decoder);

#endif
