/* Commands about what vbuckets hold as a whole, and where it is kept. */
#include "base/array.h"
#include "base/buffer.h"
#include "base/endian.h"
#include "couchbase/reply.h"
#include "couchbase/scan.h"
#include "mcbp/leb128.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- GET_ALL_VB_SEQNOS */

enum vbucket_state { STATE_ALIVE, STATE_ACTIVE, STATE_REPLICA, STATE_PENDING, STATE_DEAD };

struct highest {
    uint32_t collection;
    uint64_t seqno;
};

static bool note_seqno(void *context, const struct document_id *id, const struct document *document)
{
    struct highest *highest = context;
    if (id->collection == highest->collection && document->seqno > highest->seqno) {
        highest->seqno = document->seqno;
    }
    return true;
}

/* Of one collection, or (NULL) of all. */
static uint64_t seqno_of(const struct vbucket *vbucket, const uint32_t *collection)
{
    struct highest highest = {.collection = collection == NULL ? 0 : *collection};
    if (collection == NULL) {
        return vbucket->seqno;
    }
    documents_each(&vbucket->documents, note_seqno, &highest);
    return highest.seqno;
}

/* All vbuckets are active. */
static void reply_seqnos(struct command *command, uint32_t state, const uint32_t *collection)
{
    enum { ROW = sizeof(uint16_t) + sizeof(uint64_t) };
    const struct couchbase_node *node = command->node;
    uint8_t rows[COUCHBASE_VBUCKETS_MAX * ROW];
    unsigned count = state <= STATE_ACTIVE ? node->vbuckets_count : 0;
    for (unsigned i = 0; i < count; i++) {
        write_be16(rows + (size_t)i * ROW, (uint16_t)i);
        write_be64(rows + (size_t)i * ROW + 2, seqno_of(&node->vbuckets[i], collection));
    }
    reply_set_text(command, reply_add(command), span_of(rows, (size_t)count * ROW));
}

/* Clients without collections are told of the default one. Source: getAllVBucketSequenceNumbers in
 * engines/ep/src/ep_engine.cc. */
void handle_all_seqnos(struct command *command)
{
    enum { WITH_STATE = 4, WITH_COLLECTION = 8 };
    struct span extras = command->frame->extras;
    bool collections = session_has(command->session, MCBP_FEATURE_COLLECTIONS);
    uint32_t state = extras.size >= WITH_STATE ? read_be32(extras.data) : STATE_ALIVE;
    uint32_t collection =
        extras.size == WITH_COLLECTION ? read_be32(extras.data + WITH_STATE) : COLLECTIONS_DEFAULT;
    if (extras.size != 0 && extras.size != WITH_STATE && extras.size != WITH_COLLECTION) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS,
                    "Request extras must be of length 0 or 4 or 8");
    } else if (state > STATE_DEAD) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Request vbucket state invalid");
    } else if (extras.size == WITH_COLLECTION && !collections) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, NULL);
    } else if (!collections_has(&command->node->collections, collection)) {
        reply_unknown_collection(command, MCBP_STATUS_UNKNOWN_COLLECTION);
    } else {
        bool whole = collections && extras.size != WITH_COLLECTION;
        reply_seqnos(command, state, whole ? NULL : &collection);
    }
}

/* ---------------------------------------------------------------- GET_KEYS */

struct keys {
    struct document_id begin;
    struct span *keys;
    size_t count;
    size_t room;
    bool no_memory;
};

/* What has expired is still there, until something looks at it. */
static bool collect(void *context, const struct document_id *id, const struct document *document)
{
    struct keys *keys = context;
    if (document->deleted || id->collection != keys->begin.collection ||
        scan_compare(id->key, keys->begin.key) < 0) {
        return true;
    }
    struct span *more = array_grow(keys->keys, sizeof(*more), keys->count, &keys->room);
    if (more == NULL) {
        keys->no_memory = true;
        return false;
    }
    keys->keys = more;
    keys->keys[keys->count++] = id->key;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    return scan_compare(*(const struct span *)a, *(const struct span *)b);
}

static bool append_key(struct buffer *text, struct span key, struct span prefix)
{
    uint8_t size[2];
    write_be16(size, (uint16_t)(prefix.size + key.size));
    return buffer_append(text, span_of(size, sizeof(size))) && buffer_append(text, prefix) &&
           buffer_append(text, key);
}

/* The first `most` of them, in their order. */
static void reply_keys(struct command *command, const struct keys *keys, size_t most)
{
    uint8_t number[MCBP_LEB128_MAX];
    bool prefixed = session_has(command->session, MCBP_FEATURE_COLLECTIONS);
    size_t size = prefixed ? mcbp_leb128_write(keys->begin.collection, number) : 0;
    struct buffer text = {0};
    bool appended = !keys->no_memory;
    for (size_t i = 0; appended && i < keys->count && i < most; i++) {
        appended = append_key(&text, keys->keys[i], span_of(number, size));
    }
    if (appended) {
        reply_set_text(command, reply_add(command), buffer_span(&text));
    } else {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
    }
    buffer_deinit(&text);
}

/* From the request's key on. Source: engines/ep/src/getkeys.cc. */
void handle_get_keys(struct command *command)
{
    enum { DEFAULT_COUNT = 1000, COUNT_MAX = 100000 };
    struct span extras = command->frame->extras;
    if (extras.size != 0 && extras.size != 4) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS,
                    "Expected 4 bytes of extras containing the number of keys to get");
        return;
    }
    if (!command_has_vbucket(command)) {
        return;
    }
    uint32_t most = extras.size == 4 ? read_be32(extras.data) : DEFAULT_COUNT;
    struct keys keys = {.begin = command->id};
    documents_each(&command->vbucket->documents, collect, &keys);
    if (keys.count > 0) {
        qsort(keys.keys, keys.count, sizeof(*keys.keys), compare_keys);
    }
    reply_keys(command, &keys, most < COUNT_MAX ? most : COUNT_MAX);
    free(keys.keys);
}

/* ---------------------------------------------------------------- EVICT_KEY */

/* Everything is taken to be persisted at once, and is read from there when it is asked for again.
 * Source: EPVBucket::evictKey in engines/ep/src/ep_vb.cc, for buckets that evict values. */
void handle_evict(struct command *command)
{
    if (!session_is_administrator(command->session)) {
        reply_no_privilege(command, "Administrator");
    } else if (!command_has_vbucket(command)) {
        return;
    } else if (command_find(command) == NULL) {
        reply_error(command, MCBP_STATUS_KEY_NOT_FOUND, "Not found.");
    } else {
        reply_add(command);
    }
}
