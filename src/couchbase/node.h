/*
 * A node from the inside.
 */
#ifndef KVREPLAY_COUCHBASE_NODE_H
#define KVREPLAY_COUCHBASE_NODE_H

#include "couchbase/collections.h"
#include "couchbase/config.h"
#include "couchbase/couchbase.h"
#include "couchbase/documents.h"
#include "couchbase/scan.h"

struct vbucket {
    uint64_t uuid;
    uint64_t seqno;
    uint64_t cas;              /* the last one given out */
    uint64_t deleted_revision; /* the highest that a deleted document has had */
    struct documents documents;
};

struct configuration {
    struct config_version version;
    struct blob *json;
};

struct couchbase_node {
    char *bucket;
    size_t memory;     /* that documents take, tombstones among them; bytes */
    size_t memory_max; /* 0: no limit */
    unsigned vbuckets_count;
    struct vbucket *vbuckets;
    bool last_write_wins; /* the higher CAS does, where meta data is compared; else the revision */
    const struct sasl_users *users; /* NULL: anybody may log in */
    struct collections collections;
    struct scans scans;
    struct couchbase_options options; /* but for what they point to */
    struct configuration bucket_config;
    struct configuration global_config; /* of the cluster */
    int64_t configurations;             /* of either that there have been */
    int64_t global_configurations;
    struct blob *error_map;

    /* What the last answer points to. */
    uint8_t duration[3]; /* frame info 0 */
    uint8_t extras[COUCHBASE_RESPONSES][24];
    uint8_t key[COUCHBASE_KEY_MAX + 4]; /* of a collection's longest id and the longest key */
    struct blob *given[COUCHBASE_RESPONSES];
};

/* What the last answer referred to is given up. */
void node_forget_answer(struct couchbase_node *node);

/* Drops all tombstones. */
void node_purge(struct couchbase_node *node);

/* The configuration is that from here on, whose JSON is taken over. */
void node_configure(struct couchbase_node *node, struct configuration *configuration,
                    struct config_version version, struct blob *json);

/* Takes the collections over, and drops documents of those that are gone; the configuration is a
 * new one. False: no memory, and nothing has changed. */
bool node_set_collections(struct couchbase_node *node, struct collections *collections);

#endif
