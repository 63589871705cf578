/*
 * Framing: from a conversation's bytes to its MCBP frames, or to the finding that it is something
 * else. Every byte it is given it puts into a class of the ledger.
 */
#ifndef KVREPLAY_REPLAY_FRAMING_H
#define KVREPLAY_REPLAY_FRAMING_H

#include "replay/dissect.h"

struct framing; /* one conversation */

/* What all conversations of a capture share. */
struct framing_context {
    const struct dissect_options *options;
    const struct dissect_consumer *consumer;
    struct capture_result *result;
};

/* NULL if there is no memory. */
struct framing *framing_create(const struct framing_context *context,
                               const struct net_conversation *conversation);

void framing_data(struct framing *framing, enum net_direction direction, struct span bytes,
                  const struct net_origin *origin);
void framing_gap(struct framing *framing, enum net_direction direction);
void framing_end(struct framing *framing, enum net_direction direction);

/* Puts what is left into its class, tells the consumer that the conversation is over, and frees. */
void framing_destroy(struct framing *framing);

#endif
