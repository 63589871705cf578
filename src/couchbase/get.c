/* Commands that answer with a document, or with what is known of one. */
#include "base/endian.h"
#include "couchbase/reply.h"
#include "couchbase/value.h"
#include "couchbase/xattr_blob.h"
#include "mcbp/leb128.h"

#include <sys/random.h>

/* ---------------------------------------------------------------- the document as an answer */

/* Compressed values go to those who take them, and without xattrs only. False: no memory. */
static bool set_value(struct command *command, struct kvr_response *response,
                      const struct document *document)
{
    bool compressed = (document->datatype & MCBP_DATATYPE_SNAPPY) != 0;
    uint8_t sent = session_datatypes(command->session);
    if (document->xattrs != NULL) {
        sent &= (uint8_t)~MCBP_DATATYPE_SNAPPY;
    }
    response->datatype = document->datatype & sent & (uint8_t)~MCBP_DATATYPE_XATTR;
    struct blob *value = blob_hold(document->value);
    if (compressed && (sent & MCBP_DATATYPE_SNAPPY) == 0) {
        bool too_large;
        bool no_memory;
        value =
            value_inflate(blob_span(document->value), COUCHBASE_VALUE_MAX, &too_large, &no_memory);
        blob_drop(value == NULL ? NULL : document->value);
        if (value == NULL) {
            blob_drop(document->value);
            return false;
        }
    }
    if (value != NULL) {
        reply_give(command, response, value);
    }
    return true;
}

/* NULL: no memory, and the answer says so. */
static struct kvr_response *reply_document(struct command *command, const struct document *document,
                                           uint64_t cas)
{
    uint8_t flags[4];
    struct kvr_response *response = reply_add(command);
    write_be32(flags, document->flags);
    reply_set_extras(command, response, span_of(flags, sizeof(flags)));
    response->cas = cas;
    if (!set_value(command, response, document)) {
        command->answer->count = 0;
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return NULL;
    }
    return response;
}

/* ---------------------------------------------------------------- GET and its like */

void handle_get(struct command *command)
{
    const struct document *document = command_find(command);
    if (document == NULL) {
        reply_miss(command);
    } else {
        reply_document(command, document, document_seen_cas(document, command->now));
    }
}

void handle_getk(struct command *command)
{
    const struct document *document = command_find(command);
    if (document == NULL) {
        reply_miss(command);
        return;
    }
    struct kvr_response *response =
        reply_document(command, document, document_seen_cas(document, command->now));
    if (response != NULL) {
        response->key = command->frame->key.data;
        response->key_size = command->frame->key.size;
    }
}

/* There is one node, and it has no replicas. */
void handle_get_replica(struct command *command)
{
    if (command->told.replica) {
        handle_get(command);
    } else {
        reply_error(command, MCBP_STATUS_NOT_MY_VBUCKET, NULL);
    }
}

/* ---------------------------------------------------------------- GET_EX */

/* What is stored of the document: attributes, and the value behind them. *whole NULL: no bytes.
 * False: no memory. */
static bool hold_whole(const struct document *document, struct blob **whole)
{
    struct blob *value;
    if (document->packed != NULL || document->xattrs == NULL) {
        *whole = blob_hold(document->packed != NULL ? document->packed : document->value);
        return true;
    }
    if (!document_hold_inflated(document, &value)) {
        return false;
    }
    *whole = xattr_blob_from_object(blob_span(document->xattrs), blob_span(value));
    blob_drop(value);
    return *whole != NULL;
}

static void reply_whole(struct command *command, const struct document *document)
{
    uint8_t flags[4];
    struct blob *whole;
    if (!hold_whole(document, &whole)) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    struct kvr_response *response = reply_add(command);
    write_be32(flags, document->flags);
    reply_set_extras(command, response, span_of(flags, sizeof(flags)));
    response->cas = document_seen_cas(document, command->now);
    response->datatype = document_datatypes(document);
    if (whole != NULL) {
        reply_give(command, response, whole);
    }
}

/* Clients have to take all that may be stored. Source: getex_validator. NULL: this one does. */
static const char *missing_feature(const struct couchbase_session *session)
{
    return !session_has(session, MCBP_FEATURE_XATTR)  ? "Xattr support must be enabled"
           : !session_has(session, MCBP_FEATURE_JSON) ? "JSON support must be enabled"
           : !session_has(session, MCBP_FEATURE_SNAPPY_EVERYWHERE)
               ? "SnappyEverywhere support must be enabled"
               : NULL;
}

void handle_get_ex(struct command *command)
{
    const char *missing = missing_feature(command->session);
    if (missing != NULL) {
        reply_error(command, MCBP_STATUS_NOT_SUPPORTED, missing);
    } else if (command->frame->header.opcode == MCBP_GET_EX_REPLICA && !command->told.replica) {
        reply_error(command, MCBP_STATUS_NOT_MY_VBUCKET, NULL);
    } else if (command_has_vbucket(command)) {
        const struct document *document = command_find_or_miss(command);
        if (document != NULL) {
            reply_whole(command, document);
        }
    }
}

/* ---------------------------------------------------------------- locks */

void handle_get_locked(struct command *command)
{
    enum { DEFAULT_SECONDS = 15, SECONDS_MAX = 30 };
    struct span extras = command->frame->extras;
    if (extras.size != 0 && extras.size != 4) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS,
                    "Request extras must be of length 0 or 4");
        return;
    }
    struct document *document = command_has_vbucket(command) ? command_find_or_miss(command) : NULL;
    if (document == NULL) {
        return;
    }
    if (document_is_locked(document, command->now)) {
        reply_locked(command);
        return;
    }
    uint32_t seconds = extras.size == 4 ? read_be32(extras.data) : 0;
    if (seconds == 0 || seconds > SECONDS_MAX) {
        seconds = DEFAULT_SECONDS;
    }
    uint64_t cas = command_next_cas(command);
    if (reply_document(command, document, cas) != NULL) {
        command->vbucket->cas = cas;
        document->lock_cas = cas;
        document->locked_until = command->now + (int64_t)seconds * 1000000000;
    }
}

void handle_unlock(struct command *command)
{
    struct document *document = command_find(command);
    if (document == NULL) {
        reply_miss(command);
    } else if (!document_is_locked(document, command->now)) {
        reply_error(command, MCBP_STATUS_NOT_LOCKED, NULL);
    } else if (command->frame->header.cas != document->lock_cas) {
        reply_locked(command);
    } else {
        document->lock_cas = 0; /* the document has its old CAS again */
        reply_done(command);
    }
}

/* ---------------------------------------------------------------- expiry */

/* Sets the expiry that the request has. NULL: the answer says why not. Only another expiry is a
 * change. Source: engines/ep/src/vbucket.cc, processGetAndUpdateTtl. */
static struct document *touch(struct command *command)
{
    if (command->durable) {
        reply_error(command, MCBP_STATUS_NOT_SUPPORTED, NULL);
        return NULL;
    }
    struct document *document = command_has_vbucket(command) ? command_find_or_miss(command) : NULL;
    if (document == NULL) {
        return NULL;
    }
    if (document_is_locked(document, command->now)) {
        reply_error(command, MCBP_STATUS_LOCKED, NULL);
        return NULL;
    }
    uint32_t expiry = command_expiry(command, read_be32(command->frame->extras.data));
    if (expiry != document->expiry) {
        document->expiry = expiry;
        command_changed(command, document);
    }
    return document;
}

void handle_touch(struct command *command)
{
    const struct document *document = touch(command);
    if (document != NULL) {
        reply_add(command)->cas = document->cas;
    }
}

void handle_get_and_touch(struct command *command)
{
    const struct document *document = touch(command);
    if (document != NULL) {
        reply_document(command, document, document->cas);
    }
}

/* ---------------------------------------------------------------- what is known of one */

enum { WITH_DATATYPE = 2 };

/* Tombstones are told, too. One that has expired is said to be deleted, and stays. */
static void reply_meta(struct command *command, const struct document *document)
{
    uint8_t extras[21];
    struct span asked = command->frame->extras;
    bool with_datatype = asked.size == 1 && asked.data[0] == WITH_DATATYPE;
    write_be32(extras, document->deleted || document_is_expired(document, command->now));
    write_be32(extras + 4, document->flags);
    write_be32(extras + 8, document->expiry);
    write_be64(extras + 12, document->revision);
    extras[20] = document_datatypes(document);
    struct kvr_response *response = reply_add(command);
    reply_set_extras(command, response, span_of(extras, with_datatype ? 21 : 20));
    response->cas = document_seen_cas(document, command->now);
}

void handle_get_meta(struct command *command)
{
    struct span asked = command->frame->extras;
    if (asked.size > 1) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS,
                    "Request extras must be of length 0 or 1");
        return;
    }
    if (asked.size == 1 && asked.data[0] > WITH_DATATYPE) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Request extras invalid");
        return;
    }
    if (!command_has_vbucket(command)) {
        return;
    }
    const struct document *document = documents_find(&command->vbucket->documents, &command->id);
    if (document == NULL) {
        reply_miss(command);
    } else {
        reply_meta(command, document);
    }
}

/* ---------------------------------------------------------------- GET_RANDOM_KEY */

struct pick {
    uint32_t collection;
    int64_t now;
    uint64_t seen;
    struct document_id id;
    const struct document *document;
};

static uint64_t below(uint64_t limit)
{
    uint64_t number = 0;
    return getrandom(&number, sizeof(number), 0) == sizeof(number) ? number % limit : 0;
}

/* Each that is seen takes the place of the one before with the chance that makes all equal. */
static bool visit(void *context, const struct document_id *id, const struct document *document)
{
    struct pick *pick = context;
    if (id->collection == pick->collection && document_is_alive(document, pick->now) &&
        below(++pick->seen) == 0) {
        pick->id = *id;
        pick->document = document;
    }
    return true;
}

static void reply_picked(struct command *command, const struct pick *pick)
{
    bool prefixed = session_has(command->session, MCBP_FEATURE_COLLECTIONS);
    uint8_t *key = command->node->key;
    size_t size = prefixed ? mcbp_leb128_write(pick->id.collection, key) : 0;
    struct kvr_response *response = reply_document(command, pick->document, pick->document->cas);
    if (response != NULL) {
        memcpy(key + size, pick->id.key.data, pick->id.key.size);
        response->key = key;
        response->key_size = size + pick->id.key.size;
    }
}

void handle_get_random_key(struct command *command)
{
    struct span extras = command->frame->extras;
    bool prefixed = session_has(command->session, MCBP_FEATURE_COLLECTIONS);
    if (prefixed && extras.size != 4 && extras.size != 5) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS,
                    "Extras should contain collection id (and optionally flag to request xattrs)");
        return;
    }
    if (!prefixed && extras.size > 0) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS,
                    "Extras should be empty for clients without collections support");
        return;
    }
    struct pick pick = {.now = command->now,
                        .collection = prefixed ? read_be32(extras.data) : COLLECTIONS_DEFAULT};
    if (!collections_has(&command->node->collections, pick.collection)) {
        reply_unknown_collection(command, MCBP_STATUS_UNKNOWN_COLLECTION);
        return;
    }
    for (unsigned i = 0; i < command->node->vbuckets_count; i++) {
        documents_each(&command->node->vbuckets[i].documents, visit, &pick);
    }
    if (pick.document == NULL) {
        reply_miss(command);
    } else {
        reply_picked(command, &pick);
    }
}
