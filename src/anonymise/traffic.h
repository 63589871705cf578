/*
 * Where the packets that are dissected lie in the file: a walk over its parts beside dissect's.
 */
#ifndef KVREPLAY_ANONYMISE_TRAFFIC_H
#define KVREPLAY_ANONYMISE_TRAFFIC_H

#include "anonymise/container.h"
#include "anonymise/layout.h"
#include "dissect/consumer.h"

struct traffic_packet {
    const struct dissect_packet *read;
    struct container_part part;
    struct layout layout;
};

struct traffic {
    struct container container;
    bool disagrees; /* libpcap has found another packet than is in the file */
    void *context;
    /* Parts of the file without a packet. May be NULL. */
    void (*part)(void *context, const struct container_part *part);
};

/* Finds the next packet, as consumer.packet is called for it. False: it disagrees, now or before.
 */
bool traffic_find(struct traffic *traffic, const struct dissect_packet *read,
                  struct traffic_packet *packet);

/* There is no packet behind the last one. */
bool traffic_is_over(struct traffic *traffic);

#endif
