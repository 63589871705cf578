/*
 * What the bytes of one frame of Couchbase's dialect mean: bits by their names, framing extras,
 * extras, and values that have a form. Formats are those of docs/ and include/memcached/
 * protocol_binary.h in couchbase/kv_engine. Nothing is told of credentials.
 */
#ifndef KVREPLAY_REPORT_DESCRIBE_H
#define KVREPLAY_REPORT_DESCRIBE_H

#include "mcbp/collection.h"
#include "mcbp/feature.h"
#include "mcbp/frame.h"
#include "report/fields.h"

enum { DESCRIBE_LIST_MAX = 64 /* items of a list; behind them, how many were left out */ };

void describe_frame(struct fields *fields, const struct mcbp_frame *frame,
                    mcbp_feature_set features);

/* The frame's key begins with a collection's number, if its connection has these features. */
bool describe_collection(const struct mcbp_frame *frame, mcbp_feature_set features,
                         struct mcbp_collection_key *key);

#endif
