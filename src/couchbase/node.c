#include "couchbase/node.h"

#include <stdlib.h>
#include <sys/random.h>

static bool create_vbuckets(struct couchbase_node *node)
{
    node->vbuckets = calloc(node->vbuckets_count, sizeof(*node->vbuckets));
    for (unsigned i = 0; node->vbuckets != NULL && i < node->vbuckets_count; i++) {
        struct vbucket *vbucket = &node->vbuckets[i];
        uint64_t random[3];
        if (getrandom(random, sizeof(random), 0) != sizeof(random)) {
            return false;
        }
        vbucket->uuid = random[0] >> 16; /* servers' have 48 bits */
        vbucket->documents.seed[0] = random[1];
        vbucket->documents.seed[1] = random[2] | 1;
        vbucket->documents.memory = &node->memory;
    }
    return node->vbuckets != NULL;
}

void node_forget_answer(struct couchbase_node *node)
{
    for (size_t i = 0; i < COUCHBASE_RESPONSES; i++) {
        blob_drop(node->given[i]);
        node->given[i] = NULL;
    }
}

struct couchbase_node *couchbase_node_create(const struct couchbase_options *options)
{
    struct couchbase_node *node = calloc(1, sizeof(*node));
    if (node == NULL) {
        return NULL;
    }
    node->bucket = strdup(options->bucket);
    node->vbuckets_count = options->vbuckets;
    node->memory_max = options->memory_max;
    node->users = options->users;
    node->options = *options;
    node->options.bucket = node->bucket;
    if (node->bucket == NULL || !create_vbuckets(node) ||
        !collections_init(&node->collections, options)) {
        couchbase_node_destroy(node);
        return NULL;
    }
    node->configurations = 1;
    node->bucket_config.version = node->global_config.version = (struct config_version){1, 1};
    node->bucket_config.json =
        config_create(options, true, node->collections.uid, node->bucket_config.version);
    node->global_config.json = config_create(options, false, 0, node->global_config.version);
    node->error_map = config_create_error_map();
    if (node->bucket_config.json == NULL || node->global_config.json == NULL ||
        node->error_map == NULL) {
        couchbase_node_destroy(node);
        return NULL;
    }
    return node;
}

void couchbase_node_destroy(struct couchbase_node *node)
{
    if (node == NULL) {
        return;
    }
    node_forget_answer(node);
    for (unsigned i = 0; node->vbuckets != NULL && i < node->vbuckets_count; i++) {
        documents_deinit(&node->vbuckets[i].documents);
    }
    free(node->vbuckets);
    scans_deinit(&node->scans);
    collections_deinit(&node->collections);
    blob_drop(node->bucket_config.json);
    blob_drop(node->global_config.json);
    blob_drop(node->error_map);
    free(node->bucket);
    free(node);
}

static void drop_collection(struct couchbase_node *node, uint32_t id)
{
    for (unsigned i = 0; i < node->vbuckets_count; i++) {
        documents_drop(&node->vbuckets[i].documents, id);
    }
}

void node_configure(struct couchbase_node *node, struct configuration *configuration,
                    struct config_version version, struct blob *json)
{
    blob_drop(configuration->json);
    *configuration = (struct configuration){version, json};
    node->configurations++;
    node->global_configurations += configuration == &node->global_config;
}

/* A revision behind that of the configuration that is there. */
bool node_set_collections(struct couchbase_node *node, struct collections *collections)
{
    struct config_version version = node->bucket_config.version;
    version.revision += version.revision < INT64_MAX;
    struct blob *config = config_create(&node->options, true, collections->uid, version);
    if (config == NULL) {
        return false;
    }
    for (size_t i = 0; i < node->collections.collections_count; i++) {
        uint32_t id = node->collections.collections[i].id;
        if (!collections_has(collections, id)) {
            drop_collection(node, id);
        }
    }
    collections_deinit(&node->collections);
    node->collections = *collections;
    node_configure(node, &node->bucket_config, version, config);
    return true;
}

void node_purge(struct couchbase_node *node)
{
    for (unsigned i = 0; i < node->vbuckets_count; i++) {
        documents_purge(&node->vbuckets[i].documents);
    }
}
