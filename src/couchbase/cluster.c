/* Commands about the cluster, collections and vbuckets. */
#include "base/endian.h"
#include "couchbase/reply.h"
#include "mcbp/leb128.h"

static void reply_json(struct command *command, struct blob *json)
{
    reply_give_json(command, reply_add(command), blob_hold(json));
}

/* Source: engines/ep/src/collections/manager.cc, update. */
void handle_set_manifest(struct command *command)
{
    struct couchbase_node *node = command->node;
    struct collections next;
    if (!session_is_administrator(command->session)) {
        reply_no_privilege(command, "NodeSupervisor");
        return;
    }
    enum collections_read read = collections_read(&next, command->frame->value);
    if (read == COLLECTIONS_INVALID) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "The manifest is not valid");
    } else if (read == COLLECTIONS_NO_MEMORY) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
    } else if (!collections_may_follow(&node->collections, &next)) {
        reply_error(command, MCBP_STATUS_CANNOT_APPLY_COLLECTIONS_MANIFEST,
                    "The manifest can't follow the one that is there");
    } else if (next.uid == node->collections.uid) {
        reply_add(command);
    } else if (!node_set_collections(node, &next)) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
    } else {
        reply_add(command);
        return;
    }
    collections_deinit(&next);
}

void handle_manifest(struct command *command)
{
    reply_json(command, command->node->collections.manifest);
}

/* ---------------------------------------------------------------- ids by name */

/* Clients that know nothing of collections are told of no status that is about them. Source:
 * daemon/connection.cc, remapErrorCode. */
static void reply_unknown(struct command *command, enum mcbp_status status)
{
    bool known = session_has(command->session, MCBP_FEATURE_XERROR) ||
                 session_has(command->session, MCBP_FEATURE_COLLECTIONS);
    reply_unknown_collection(command, known ? status : MCBP_STATUS_INVALID_ARGUMENTS);
}

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
        reply_unknown(command, MCBP_STATUS_UNKNOWN_SCOPE);
        break;
    case COLLECTIONS_NO_COLLECTION:
        reply_unknown(command, MCBP_STATUS_UNKNOWN_COLLECTION);
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

/* Takes the vbucket and the key of the item that `items` begin with. NULL: there they are; or why
 * they are not. */
static const char *take_item(struct span *items, uint16_t *vbucket, struct span *key)
{
    if (items->size < OBSERVED_HEADER) {
        return "Requires vbid and keylen.";
    }
    *vbucket = read_be16(items->data);
    size_t size = read_be16(items->data + 2);
    if (items->size - OBSERVED_HEADER < size) {
        return "Incorrect keylen";
    }
    *key = span_head(span_skip(*items, OBSERVED_HEADER), size);
    *items = span_skip(*items, OBSERVED_HEADER + size);
    return NULL;
}

/* False: the answer says why the document can't be looked for. */
static bool find_observed(struct command *command, uint16_t vbucket, struct span key)
{
    command->id = (struct document_id){COLLECTIONS_DEFAULT, key};
    if (session_has(command->session, MCBP_FEATURE_COLLECTIONS) &&
        mcbp_leb128_take(&command->id.key, &command->id.collection) != MCBP_LEB128_OK) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, NULL);
        return false;
    }
    if (vbucket >= command->node->vbuckets_count) {
        reply_error(command, MCBP_STATUS_NOT_MY_VBUCKET, NULL);
        return false;
    }
    if (!collections_has(&command->node->collections, command->id.collection)) {
        reply_unknown_collection(command, MCBP_STATUS_UNKNOWN_COLLECTION);
        return false;
    }
    command->vbucket = &command->node->vbuckets[vbucket];
    return true;
}

/* Each item gets 9 bytes more. False: the answer says why not. */
static bool observe_all(struct command *command, struct span items, struct blob *told)
{
    while (items.size > 0) {
        uint16_t vbucket = 0;
        struct span key = {0};
        const uint8_t *begin = items.data;
        take_item(&items, &vbucket, &key);
        if (!find_observed(command, vbucket, key)) {
            return false;
        }
        command_find(command);
        const struct document *document =
            documents_find(&command->vbucket->documents, &command->id);
        uint8_t *out = told->bytes + told->size;
        memcpy(out, begin, OBSERVED_HEADER + key.size);
        out += OBSERVED_HEADER + key.size;
        out[0] = state_of(document);
        write_be64(out + 1, document == NULL ? 0 : document->cas);
        told->size += OBSERVED_HEADER + key.size + OBSERVED_STATE;
    }
    return true;
}

void handle_observe(struct command *command)
{
    struct span rest = command->frame->value;
    uint16_t vbucket;
    struct span key;
    size_t count = 0;
    for (; rest.size > 0; count++) {
        const char *fault = take_item(&rest, &vbucket, &key);
        if (fault != NULL) {
            reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, fault);
            return;
        }
    }
    struct span items = command->frame->value;
    struct blob *told = blob_create(items.size + count * OBSERVED_STATE);
    if (told == NULL) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    told->size = 0;
    if (observe_all(command, items, told)) {
        reply_give(command, reply_add(command), told);
    } else {
        blob_drop(told);
    }
}

/* There was no failover: the short form. */
void handle_observe_seqno(struct command *command)
{
    uint8_t told[27] = {0};
    uint16_t vbucket = command->frame->header.vbucket_or_status;
    if (command->frame->value.size != 8) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Request value must be of length 8");
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
