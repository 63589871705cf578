/*
 * Framing: from a conversation's bytes to its MCBP frames, or to the finding that it is something
 * else. Every byte it is given it puts into a class of the ledger.
 */
#ifndef KVREPLAY_DISSECT_FRAMING_H
#define KVREPLAY_DISSECT_FRAMING_H

#include "dissect/consumer.h"
#include "result/result.h"

struct framing; /* one conversation */

/* The number of the stream that the source sends. */
uint64_t framing_stream(uint64_t conversation, const struct net_endpoint *source,
                        const struct net_endpoint *destination);

/* What all conversations of a capture share. */
struct framing_context {
    const struct dissect_options *options;
    const struct dissect_consumer *consumer;
    struct capture_result *result;
};

/* NULL if there is no memory. */
struct framing *framing_create(const struct framing_context *context,
                               const struct net_conversation *conversation);

/* `offset` is that of the first byte in its stream; of a datagram 0. */
void framing_data(struct framing *framing, enum net_direction direction, uint64_t offset,
                  struct span bytes, const struct net_origin *origin);
/* `lost` bytes are not in the capture. */
void framing_gap(struct framing *framing, enum net_direction direction, uint64_t lost);
void framing_end(struct framing *framing, enum net_direction direction,
                 const struct net_conversation *conversation);

/* Puts what is left into its class, tells the consumer that the conversation is over, and frees. */
void framing_destroy(struct framing *framing);

#endif
