/* Configurations of the cluster and of the bucket: asked for, set, and told unasked. */
#include "base/endian.h"
#include "couchbase/reply.h"

/* The epoch comes first, then the revision: 16 bytes. */
enum { VERSION_SIZE = 16, REVISION_AT = 8 };

static struct config_version read_version(struct span extras)
{
    return (struct config_version){(int64_t)read_be64(extras.data),
                                   (int64_t)read_be64(extras.data + REVISION_AT)};
}

/* ---------------------------------------------------------------- GET_CLUSTER_CONFIG */

/* The client may say which one it knows. Source:
 * daemon/protocol/mcbp/cluster_config_executor.cc. */
void handle_cluster_config(struct command *command)
{
    struct span extras = command->frame->extras;
    struct couchbase_session *session = command->session;
    const struct couchbase_node *node = command->node;
    const struct configuration *there =
        session->has_bucket ? &node->bucket_config : &node->global_config;
    bool tells = extras.size == VERSION_SIZE;
    struct config_version known = tells ? read_version(extras) : CONFIG_NONE;
    if (session->has_bucket) {
        session->told = config_is_older(there->version, known) ? known : there->version;
    }
    if (tells && !config_is_older(known, there->version)) {
        reply_add(command);
    } else {
        reply_give_config(command, reply_add(command), there->json);
    }
}

/* ---------------------------------------------------------------- SET_CLUSTER_CONFIG */

/* An older one takes the place of a newer one, too. There is no room for other buckets than this
 * one. Source: BucketManager::setClusterConfig in daemon/bucket_manager.cc. */
static void configure(struct command *command, struct config_version version)
{
    struct couchbase_node *node = command->node;
    struct span name = command->frame->key;
    if (name.size > 0 && !span_equal(name, span_of(node->bucket, strlen(node->bucket)))) {
        reply_error(command, MCBP_STATUS_TOO_LARGE, NULL);
        return;
    }
    struct blob *json = blob_copy(command->frame->value);
    if (json == NULL) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    node_configure(node, name.size > 0 ? &node->bucket_config : &node->global_config, version,
                   json);
    reply_add(command);
}

void handle_set_cluster_config(struct command *command)
{
    struct config_version version = read_version(command->frame->extras);
    if (version.revision < 1 || (version.epoch < 1 && version.epoch != CONFIG_NONE.epoch)) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS,
                    "Revision number must not be less than 1");
    } else if (!session_is_administrator(command->session)) {
        reply_no_privilege(command, "NodeSupervisor");
    } else {
        configure(command, version);
    }
}

/* ---------------------------------------------------------------- what is told unasked */

int64_t couchbase_node_configurations(const struct couchbase_node *node)
{
    return node->configurations;
}

static void tell(struct couchbase_session *session, struct couchbase_answer *answer,
                 const struct configuration *configuration, const char *name)
{
    struct couchbase_node *node = session->node;
    size_t at = answer->count++;
    struct kvr_response *request = &answer->responses[at];
    write_be64(node->extras[at], (uint64_t)configuration->version.epoch);
    write_be64(node->extras[at] + REVISION_AT, (uint64_t)configuration->version.revision);
    *request = (struct kvr_response){.magic = MCBP_SERVER_REQUEST,
                                     .opcode = MCBP_CLUSTERMAP_CHANGE_NOTIFICATION,
                                     .extras = node->extras[at],
                                     .extras_size = VERSION_SIZE,
                                     .key = name,
                                     .key_size = strlen(name)};
    if (!session_has(session, MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION_BRIEF)) {
        node->given[at] = reply_hold_config(session, configuration->json, &request->datatype);
        request->value = node->given[at]->bytes;
        request->value_size = node->given[at]->size;
        request->value_owner = &node->given[at]->owner;
    }
}

/* Of the cluster's, every one is told; of the bucket's, those that are newer than what the client
 * knows. Source: push_cluster_config in daemon/protocol/mcbp/set_cluster_config_command_context.cc.
 */
bool couchbase_session_tell(struct couchbase_session *session, struct couchbase_answer *answer)
{
    struct couchbase_node *node = session->node;
    bool wanted = session_has(session, MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION) ||
                  session_has(session, MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION_BRIEF);
    bool global = session->told_configurations != node->global_configurations;
    bool newer = session->has_bucket && config_is_older(session->told, node->bucket_config.version);
    answer->count = 0;
    answer->close = answer->more = false;
    session->told_configurations = node->global_configurations;
    if (!wanted || (!global && !newer)) {
        return false;
    }
    node_forget_answer(node);
    if (global) {
        tell(session, answer, &node->global_config, "");
    }
    if (newer) {
        session->told = node->bucket_config.version;
        tell(session, answer, &node->bucket_config, node->bucket);
    }
    return true;
}
