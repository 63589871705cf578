/*
 * memcached's UDP framing: 8 bytes before the data of each datagram (request id, sequence number,
 * number of datagrams in the message, two bytes that nobody reads), so that a message may take
 * several, in any order.
 * Source: doc/protocol.txt in memcached/memcached, "UDP protocol".
 */
#ifndef KVREPLAY_DISSECT_UDP_H
#define KVREPLAY_DISSECT_UDP_H

#include "dissect/consumer.h"

enum {
    UDP_HEADER_SIZE = 8,
    UDP_MESSAGES = 8,     /* being gathered at a time in one conversation; the oldest makes room */
    UDP_DATAGRAMS = 1024, /* of one message: 1024 of 1400 bytes hold memcached's largest item */
};

struct udp_header {
    uint16_t request_id;
    uint16_t sequence;
    uint16_t count;
    uint16_t reserved;
};

struct udp_part {
    uint8_t *bytes; /* NULL: not there yet */
    size_t size;
    struct net_origin origin;
};

struct udp_message {
    struct span bytes; /* without the framing; valid until the next call */
    uint64_t overhead; /* bytes of framing that it had */
    int32_t request_id;
    struct net_origin origin;
    struct dissect_range *ranges; /* where the bytes lie, a range for each datagram */
    size_t ranges_count;
};

struct udp_gathering {
    bool used;
    enum dissect_role role;
    uint16_t request_id;
    uint16_t count;
    uint16_t present;
    uint64_t age;
    struct net_origin origin; /* of the part that came first */
    struct udp_part *parts;
};

struct udp { /* all zero but for given_up and context to begin with */
    struct udp_gathering gatherings[UDP_MESSAGES];
    uint64_t clock;
    uint8_t *joined; /* the message delivered last */
    struct dissect_range *ranges;
    struct dissect_range range; /* its, if it is one datagram */
    uint64_t unparsed;
    uint64_t lost;
    /* Called with the first datagram of a message that will not become whole. May be NULL. */
    void (*given_up)(void *context, enum dissect_role role, const struct udp_message *first);
    void *context;
};

/* False: the datagram is not part of any message. Otherwise header->sequence < header->count. */
bool udp_read_header(struct span datagram, struct udp_header *header);

/* The datagram has memcached's framing, and an MCBP frame begins behind it. */
bool udp_plausible(struct span datagram, size_t frame_max);

/* Adds one datagram. True: a message is complete with it. */
bool udp_add(struct udp *udp, enum dissect_role role, struct span datagram,
             const struct net_origin *origin, struct udp_message *message);

/* Takes bytes off that a message begins with. */
void udp_message_skip(struct udp_message *message, size_t size);

/* Frees. Returns the bytes of messages that never became whole; *lost is what they lacked, taking
 * each missing datagram to be as long as the longest there was. */
uint64_t udp_deinit(struct udp *udp, uint64_t *lost);

#endif
