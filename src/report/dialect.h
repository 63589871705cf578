/*
 * Whether a connection speaks Couchbase's dialect, and what HELLO has granted on it, as far as its
 * frames have shown it.
 */
#ifndef KVREPLAY_REPORT_DIALECT_H
#define KVREPLAY_REPORT_DIALECT_H

#include "mcbp/feature.h"
#include "mcbp/frame.h"

/* Zeroed: memcached's. */
struct frame_dialect {
    bool couchbase;
    mcbp_feature_set features;
};

/* Learns from the connection's next frame. */
void frame_dialect_learn(struct frame_dialect *dialect, const struct mcbp_frame *frame);

/* This frame is Couchbase's: its connection's are, or memcached has no such opcode. */
bool frame_dialect_is_couchbase(const struct frame_dialect *dialect,
                                const struct mcbp_frame *frame);

#endif
