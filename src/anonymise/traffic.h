/*
 * One pass over a capture: its packets with their places in the file, and what they come to.
 */
#ifndef KVREPLAY_ANONYMISE_TRAFFIC_H
#define KVREPLAY_ANONYMISE_TRAFFIC_H

#include "anonymise/container.h"
#include "anonymise/pieces.h"
#include "anonymise/talk.h"

struct traffic_packet {
    const struct net_packet *packet;
    const struct container_part *part;
    const struct layout *layout;
    uint64_t stream; /* where what is behind `kept` lies: in a TCP stream, or the packet's own */
    uint64_t offset;
    bool placed; /* `place` will be, or has been, told of that */
};

/* Any of these may be NULL. */
struct traffic_listener {
    void *context;
    void (*packet)(void *context, const struct traffic_packet *packet);
    /* Parts of the file without a packet. */
    void (*part)(void *context, const struct container_part *part);
    /* A TCP segment's or UDP datagram's payload, or a fragment's share of it. */
    void (*place)(void *context, const struct place *place);
    /* Fragments of a datagram that has become whole; told of before the places in it. */
    void (*datagram)(void *context, const struct ip_datagram *datagram);
    void (*progress)(void *context, uint64_t bytes_read, uint64_t bytes_total);
    /* Conversations are followed if `frame` is not NULL. */
    struct talk_listener talk;
};

enum { TRAFFIC_MESSAGE_SIZE = 640 };

enum traffic_result {
    TRAFFIC_READ,
    TRAFFIC_UNREADABLE, /* `message` says why */
    TRAFFIC_FAILED,     /* the same: no memory, or what can't be */
};

/* `path` is what libpcap reads, `file` the same unpacked; `counts` gets frames and conversations.
 */
enum traffic_result traffic_run(const char *path, struct span file,
                                const struct traffic_listener *listener,
                                struct capture_result *counts, char message[TRAFFIC_MESSAGE_SIZE]);

#endif
