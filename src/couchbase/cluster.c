/* Commands about the cluster, collections and vbuckets. */
#include "base/endian.h"
#include "couchbase/config.h"
#include "couchbase/reply.h"
#include "mcbp/leb128.h"

static void reply_json(struct command *command, struct blob *json)
{
    struct kvr_response *response = reply_add(command);
    response->datatype = session_has(command->session, MCBP_FEATURE_JSON) ? MCBP_DATATYPE_JSON : 0;
    reply_give(command, response, blob_hold(json));
}

/* The client may say which revision it knows; this server has only one, the first. */
void handle_cluster_config(struct command *command)
{
    struct span known = command->frame->extras;
    const struct couchbase_node *node = command->node;
    if (known.size == 16 && (int64_t)read_be64(known.data + 8) >= NODE_CONFIG_REVISION) {
        reply_add(command);
        return;
    }
    reply_json(command, command->session->has_bucket ? node->cluster_config : node->global_config);
}

void handle_manifest(struct command *command)
{
    reply_json(command, command->node->collections.manifest);
}

/* ---------------------------------------------------------------- ids by name */

static void reply_id(struct command *command, enum collections_found found, uint32_t id)
{
    uint8_t extras[12];
    switch (found) {
    case COLLECTIONS_FOUND:
        write_be64(extras, command->node->collections.uid);
        write_be32(extras + 8, id);
        reply_set_extras(command, reply_add(command), span_of(extras, sizeof(extras)));
        break;
    case COLLECTIONS_MALFORMED:
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "The path is not scope.collection");
        break;
    case COLLECTIONS_NO_SCOPE:
        reply_unknown_collection(command, MCBP_STATUS_UNKNOWN_SCOPE);
        break;
    case COLLECTIONS_NO_COLLECTION:
        reply_unknown_collection(command, MCBP_STATUS_UNKNOWN_COLLECTION);
        break;
    }
}

/* Older clients have the path in the key. False: in both, and the answer says so. */
static bool take_path(struct command *command, struct span *path)
{
    const struct mcbp_frame *frame = command->frame;
    *path = frame->value.size > 0 ? frame->value : frame->key;
    if (frame->value.size > 0 && frame->key.size > 0) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Both a key and a value");
        return false;
    }
    return true;
}

void handle_collection_id(struct command *command)
{
    uint32_t id = 0;
    struct span path;
    if (take_path(command, &path)) {
        enum collections_found found = collections_find(&command->node->collections, path, &id);
        reply_id(command, found, id);
    }
}

void handle_scope_id(struct command *command)
{
    uint32_t id = 0;
    struct span path;
    if (take_path(command, &path)) {
        enum collections_found found =
            collections_find_scope(&command->node->collections, path, &id);
        reply_id(command, found, id);
    }
}

/* ---------------------------------------------------------------- OBSERVE */

enum { OBSERVED_HEADER = 4, OBSERVED_STATE = 9 };

/* Everything is taken to be persisted at once. */
static uint8_t state_of(const struct document *document)
{
    enum { PERSISTED = 1, NOT_FOUND = 0x80, DELETED = 0x81 };
    return document == NULL ? NOT_FOUND : document->deleted ? DELETED : PERSISTED;
}

/* What is said of the item that `items` begin with. Returns the bytes of the item, 0: it is none.
 */
static size_t observe_one(struct command *command, struct span items, uint8_t *out)
{
    if (items.size < OBSERVED_HEADER) {
        return 0;
    }
    uint16_t vbucket = read_be16(items.data);
    size_t size = OBSERVED_HEADER + (size_t)read_be16(items.data + 2);
    if (size > items.size || vbucket >= command->node->vbuckets_count) {
        return 0;
    }
    command->id = (struct document_id){COLLECTIONS_DEFAULT,
                                       span_skip(span_head(items, size), OBSERVED_HEADER)};
    if (session_has(command->session, MCBP_FEATURE_COLLECTIONS) &&
        mcbp_leb128_take(&command->id.key, &command->id.collection) != MCBP_LEB128_OK) {
        return 0;
    }
    command->vbucket = &command->node->vbuckets[vbucket];
    command_find(command);
    const struct document *document = documents_find(&command->vbucket->documents, &command->id);
    memcpy(out, items.data, size);
    out[size] = state_of(document);
    write_be64(out + size + 1, document == NULL ? 0 : document->cas);
    return size;
}

void handle_observe(struct command *command)
{
    struct span items = command->frame->value;
    /* Each of them has at least 4 bytes, and gets 9 more. */
    struct blob *blob =
        items.size > COUCHBASE_FRAME_MAX
            ? NULL
            : blob_create(items.size + items.size / OBSERVED_HEADER * OBSERVED_STATE);
    size_t size = 0;
    if (blob == NULL) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    while (items.size > 0) {
        size_t used = observe_one(command, items, blob->bytes + size);
        if (used == 0) {
            blob_drop(blob);
            reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Items are no vbuckets and keys");
            return;
        }
        items = span_skip(items, used);
        size += used + OBSERVED_STATE;
    }
    blob->size = size;
    reply_give(command, reply_add(command), blob);
}

/* There was no failover: the short form. */
void handle_observe_seqno(struct command *command)
{
    uint8_t told[27] = {0};
    uint16_t vbucket = command->frame->header.vbucket_or_status;
    if (command->frame->value.size != 8) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "The vbucket's UUID has 8 bytes");
        return;
    }
    if (vbucket >= command->node->vbuckets_count) {
        reply_error(command, MCBP_STATUS_NOT_MY_VBUCKET, NULL);
        return;
    }
    const struct vbucket *observed = &command->node->vbuckets[vbucket];
    if (read_be64(command->frame->value.data) != observed->uuid) {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, NULL);
        return;
    }
    write_be16(told + 1, vbucket);
    write_be64(told + 3, observed->uuid);
    write_be64(told + 11, observed->seqno);
    write_be64(told + 19, observed->seqno);
    reply_set_text(command, reply_add(command), span_of(told, sizeof(told)));
}
