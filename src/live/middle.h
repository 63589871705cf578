/*
 * Connections of Couchbase's dialect that had begun before the capture: what was agreed on then, as
 * far as what they send and get shows it. It is found out as verify does (replay/dialect.h,
 * shadow/shadow.h), but before anything is sent, so that replay can agree on the same.
 */
#ifndef KVREPLAY_LIVE_MIDDLE_H
#define KVREPLAY_LIVE_MIDDLE_H

#include "dissect/consumer.h"
#include "mcbp/feature.h"

/* How such a connection goes on. */
struct middle_start {
    uint64_t connection;
    mcbp_feature_set features;
    struct span bucket; /* empty: nothing has named it */
    bool needs_bucket;  /* before its first recorded request */
};

/* All of a capture. */
struct middle;

/* Reads the capture once. NULL: there is no such connection, or it can't be read (which reading it
 * again shows), or no memory. */
struct middle *middle_find(const char *path, const struct dissect_options *options);
void middle_destroy(struct middle *middle); /* NULL is allowed, here and below */

/* NULL: the connection is none of these, or brings its own HELLO. */
const struct middle_start *middle_start_of(const struct middle *middle, uint64_t connection);

#endif
