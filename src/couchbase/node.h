/*
 * A node from the inside.
 */
#ifndef KVREPLAY_COUCHBASE_NODE_H
#define KVREPLAY_COUCHBASE_NODE_H

#include "couchbase/collections.h"
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
    int64_t revision;                 /* of the bucket's configuration; rises with every change */
    struct blob *cluster_config;      /* JSON: of the bucket, and of the cluster */
    struct blob *global_config;
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

/* Takes the collections over, and drops documents of those that are gone; the configuration is a
 * new one. False: no memory, and nothing has changed. */
bool node_set_collections(struct couchbase_node *node, struct collections *collections);

#endif
