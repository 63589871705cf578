#include "couchbase/config.h"

#include "mcbp/status.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static struct blob *dump(json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    struct blob *blob = text == NULL ? NULL : blob_copy(span_of(text, strlen(text)));
    free(text);
    json_decref(json);
    return blob;
}

/* ---------------------------------------------------------------- the cluster */

/* Clients abort without the port of management, though nobody listens there. */
static json_t *describe_node(const struct couchbase_options *options)
{
    enum { MANAGEMENT_PORT = 8091 };
    return json_pack("{s:{s:i, s:i}, s:b}", "services", options->tls ? "kvSSL" : "kv",
                     (int)options->port, "mgmt", (int)MANAGEMENT_PORT, "thisNode", 1);
}

static json_t *map_vbuckets(unsigned count)
{
    json_t *map = json_array();
    for (unsigned i = 0; i < count; i++) {
        json_array_append_new(map, json_pack("[i]", 0)); /* the first server, and no replica */
    }
    return map;
}

static json_t *describe_vbuckets(const struct couchbase_options *options)
{
    char server[32];
    snprintf(server, sizeof(server), "$HOST:%u", (unsigned)options->port);
    return json_pack("{s:s, s:i, s:[s], s:o}", "hashAlgorithm", "CRC", "numReplicas", 0,
                     "serverList", server, "vBucketMap", map_vbuckets(options->vbuckets));
}

static void describe_bucket(json_t *config, const struct couchbase_options *options,
                            uint64_t manifest_uid)
{
    char uid[17];
    snprintf(uid, sizeof(uid), "%" PRIx64, manifest_uid);
    json_object_set_new(config, "name", json_string(options->bucket));
    json_object_set_new(config, "uuid", json_string("00000000000000000000000000000001"));
    json_object_set_new(config, "nodeLocator", json_string("vbucket"));
    json_object_set_new(config, "collectionsManifestUid", json_string(uid));
    json_object_set_new(config, "bucketCapabilities",
                        json_pack("[s, s, s, s, s, s, s, s]", "cccp", "collections", "durableWrite",
                                  "nodesExt", "preserveExpiry", "rangeScan", "subdoc.ReplicaRead",
                                  "xattr"));
    json_object_set_new(config, "vBucketServerMap", describe_vbuckets(options));
}

struct blob *config_create(const struct couchbase_options *options, bool with_bucket,
                           uint64_t manifest_uid, struct config_version version)
{
    json_t *config = json_pack("{s:I, s:I, s:[o]}", "rev", (json_int_t)version.revision, "revEpoch",
                               (json_int_t)version.epoch, "nodesExt", describe_node(options));
    if (config != NULL && with_bucket) {
        describe_bucket(config, options, manifest_uid);
    }
    return dump(config);
}

/* ---------------------------------------------------------------- the error map */

static json_t *describe_status(const char *name, const char *attributes)
{
    json_t *list = json_array();
    const char *at = attributes;
    while (*at != '\0') {
        size_t size = strcspn(at, " ");
        json_array_append_new(list, json_stringn(at, size));
        at += size + (at[size] == ' ');
    }
    return json_pack("{s:o, s:s, s:s}", "attrs", list, "desc", name, "name", name);
}

/* Attributes of those that clients act upon. */
static const char *attributes_of(uint16_t status)
{
    switch (status) {
    case MCBP_STATUS_SUCCESS:
        return "success";
    case MCBP_STATUS_KEY_NOT_FOUND:
    case MCBP_STATUS_KEY_EXISTS:
    case MCBP_STATUS_NOT_STORED:
    case MCBP_STATUS_DELTA_BAD_VALUE:
        return "item-only";
    case MCBP_STATUS_LOCKED:
        return "item-locked item-only retry-now";
    case MCBP_STATUS_NOT_MY_VBUCKET:
        return "fetch-config invalid-input";
    case MCBP_STATUS_TEMPORARY_FAILURE:
    case MCBP_STATUS_BUSY:
        return "temp retry-later";
    case MCBP_STATUS_INVALID_ARGUMENTS:
    case MCBP_STATUS_TOO_LARGE:
        return "internal invalid-input";
    default:
        return "internal";
    }
}

struct blob *config_create_error_map(void)
{
#define NUMBER(name, number, text) (number),
    static const uint16_t numbers[] = {MCBP_STATUSES(NUMBER)};
#undef NUMBER
    json_t *errors = json_object();
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char name[MCBP_STATUS_TEXT_SIZE];
        char number[8];
        snprintf(number, sizeof(number), "%x", numbers[i]);
        json_object_set_new(
            errors, number,
            describe_status(mcbp_status_text(numbers[i], name), attributes_of(numbers[i])));
    }
    return dump(json_pack("{s:i, s:i, s:o}", "version", 2, "revision", 1, "errors", errors));
}
