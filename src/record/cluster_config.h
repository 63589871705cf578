/*
 * The configuration of a Couchbase cluster, JSON text in which servers tell clients where the nodes
 * are, with other addresses in it: those of a proxy. What is not an address stays as it is, byte by
 * byte.
 *
 * Addresses of the data service are looked for in nodesExt (also among the alternate ones of a
 * node) and in the serverList of vBucketServerMap.
 */
#ifndef KVREPLAY_RECORD_CLUSTER_CONFIG_H
#define KVREPLAY_RECORD_CLUSTER_CONFIG_H

#include "base/buffer.h"

/* The two ports of the data service. */
enum cluster_port { CLUSTER_PLAIN, CLUSTER_TLS };

/* An address that clients are told, one of a node's. */
struct cluster_node {
    struct span host;  /* as the text has it; empty: the one that the client is connected to */
    uint16_t ports[2]; /* by enum cluster_port; 0: it has none */
    bool is_sender;    /* the node itself that tells it */
    bool is_odd;       /* one of the ports is no port: none counts */
    uint16_t told;     /* the proxy's port, which is set by the caller; 0: the address stays */
};

/* What may have to be written anew. */
struct cluster_place {
    enum cluster_place_kind { CLUSTER_HOST, CLUSTER_PORT_NAME, CLUSTER_PORT, CLUSTER_SERVER } kind;
    enum cluster_port port;
    size_t node; /* its index */
    size_t begin;
    size_t end;
};

enum { CLUSTER_NODES_MAX = 512, CLUSTER_PLACES_MAX = 4 * CLUSTER_NODES_MAX };

struct cluster_config {
    struct span text;
    struct cluster_node nodes[CLUSTER_NODES_MAX];
    size_t nodes_count;
    struct cluster_place places[CLUSTER_PLACES_MAX]; /* in the order of the text */
    size_t places_count;
};

/* Finds them in the text, which is referred to. False: it is no JSON, or has more than fits in. */
bool cluster_config_read(struct span text, struct cluster_config *config);

/*
 * Adds the text to `out`, with the address of each node that is told another port made
 * "$HOST" and that port, under the name that clients with or without TLS look for (`port`). False:
 * no memory; what was added is of no use.
 */
bool cluster_config_write(const struct cluster_config *config, enum cluster_port port,
                          struct buffer *out);

#endif
