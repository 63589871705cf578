/*
 * The JSON documents that clients of a cluster ask for first.
 */
#ifndef KVREPLAY_COUCHBASE_CONFIG_H
#define KVREPLAY_COUCHBASE_CONFIG_H

#include "couchbase/blob.h"
#include "couchbase/couchbase.h"

#include <stdbool.h>

/* Of two configurations, the one with the higher epoch is newer, then that with the higher
 * revision. Source: daemon/cluster_config.h. */
struct config_version {
    int64_t epoch;
    int64_t revision;
};

/* What clients know that were given none. */
static const struct config_version CONFIG_NONE = {-1, 0};

static inline bool config_is_older(struct config_version a, struct config_version b)
{
    return a.epoch < b.epoch || (a.epoch == b.epoch && a.revision < b.revision);
}

/* The terse configuration of the bucket, or of the cluster alone. The node has no name: clients
 * stay with the address that they know. NULL: no memory. */
struct blob *config_create(const struct couchbase_options *options, bool with_bucket,
                           uint64_t manifest_uid, struct config_version version);

/* What statuses mean, for clients that don't know them. Source: docs/ErrorMap.md. */
struct blob *config_create_error_map(void);

#endif
