/*
 * The JSON documents that clients of a cluster ask for first.
 */
#ifndef KVREPLAY_COUCHBASE_CONFIG_H
#define KVREPLAY_COUCHBASE_CONFIG_H

#include "couchbase/blob.h"
#include "couchbase/couchbase.h"

#include <stdbool.h>

enum { CONFIG_EPOCH = 1 };

/* The terse configuration of the bucket, or of the cluster alone. The node has no name: clients
 * stay with the address that they know. NULL: no memory. */
struct blob *config_create(const struct couchbase_options *options, bool with_bucket,
                           uint64_t manifest_uid, int64_t revision);

/* What statuses mean, for clients that don't know them. Source: docs/ErrorMap.md. */
struct blob *config_create_error_map(void);

#endif
