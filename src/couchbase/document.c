/* What commands find of a document, and what a change makes of it. */
#include "couchbase/reply.h"
#include "couchbase/value.h"
#include "couchbase/xattr.h"

enum { NANOSECONDS = 1000000000, RELATIVE_MAX = 60 * 60 * 24 * 30 };

/* The time with the low 16 bits 0, or the last CAS and 1 where that is not larger. Source:
 * engines/ep/src/hlc.h. */
uint64_t command_next_cas(const struct command *command)
{
    uint64_t last = command->vbucket->cas;
    uint64_t time = (uint64_t)command->now & ~UINT64_C(0xffff);
    return command->told.cas != 0 ? command->told.cas : time > last ? time : last + 1;
}

uint64_t command_next_seqno(const struct command *command)
{
    return command->told.seqno != 0 ? command->told.seqno
                                    : command->vbucket->seqno + (command->durable ? 2 : 1);
}

uint32_t command_expiry(const struct command *command, uint32_t given)
{
    int64_t seconds = command->now / NANOSECONDS;
    bool relative = given != 0 && given <= RELATIVE_MAX;
    return command_limit_expiry(command, relative ? (uint32_t)(seconds + given) : given);
}

uint32_t command_limit_expiry(const struct command *command, uint32_t expiry)
{
    uint32_t max_ttl = command->told.max_ttl;
    if (max_ttl == 0) {
        max_ttl = collections_max_ttl(&command->node->collections, command->id.collection);
    }
    int64_t latest = command->now / NANOSECONDS + max_ttl;
    latest = latest > UINT32_MAX ? UINT32_MAX : latest;
    return max_ttl != 0 && (expiry == 0 || expiry > latest) ? (uint32_t)latest : expiry;
}

uint8_t document_datatypes(const struct document *document)
{
    return (uint8_t)(document->datatype | (document->xattrs != NULL ? MCBP_DATATYPE_XATTR : 0) |
                     (document->packed != NULL ? MCBP_DATATYPE_SNAPPY : 0));
}

bool document_is_expired(const struct document *document, int64_t now)
{
    return document->expiry != 0 && document->expiry <= now / NANOSECONDS;
}

bool document_is_locked(const struct document *document, int64_t now)
{
    return document->lock_cas != 0 && document->locked_until > now;
}

bool document_is_alive(const struct document *document, int64_t now)
{
    return !document->deleted && !document_is_expired(document, now);
}

uint64_t document_seen_cas(const struct document *document, int64_t now)
{
    return document_is_locked(document, now) ? UINT64_MAX : document->cas;
}

void command_changed(struct command *command, struct document *document)
{
    struct vbucket *vbucket = command->vbucket;
    document->cas = command_next_cas(command);
    document->seqno = command_next_seqno(command);
    vbucket->cas = document->cas;
    vbucket->seqno = document->seqno;
    document->revision++;
    document->lock_cas = 0;
}

static void remember_revision(struct vbucket *vbucket, uint64_t revision)
{
    if (revision > vbucket->deleted_revision) {
        vbucket->deleted_revision = revision;
    }
}

void document_mark_deleted(struct command *command, struct document *document)
{
    document->deleted = true;
    document->flags = 0;
    document->expiry = (uint32_t)(command->now / NANOSECONDS);
    remember_revision(command->vbucket, document->revision);
}

bool command_bury(struct command *command, struct document *document)
{
    struct blob *xattrs;
    if (!xattr_keep_system(document->xattrs, &xattrs)) {
        return false;
    }
    documents_set_value(&command->vbucket->documents, document, NULL);
    blob_drop(document->xattrs);
    document->xattrs = xattrs;
    document->datatype = 0;
    command_changed(command, document);
    document_mark_deleted(command, document);
    return true;
}

struct document *command_find(struct command *command)
{
    struct document *document = documents_find(&command->vbucket->documents, &command->id);
    if (document == NULL || document->deleted) {
        return NULL;
    }
    if (document_is_expired(document, command->now)) {
        struct command expiry = {.vbucket = command->vbucket, .now = command->now};
        if (command_bury(&expiry, document)) {
            remember_revision(command->vbucket, document->revision + 1);
        }
        return NULL;
    }
    return document;
}

struct document *command_find_or_miss(struct command *command)
{
    struct document *document = command_find(command);
    if (document == NULL) {
        reply_miss(command);
    }
    return document;
}

struct document *command_peek(const struct command *command)
{
    struct document *document = documents_find(&command->vbucket->documents, &command->id);
    return document == NULL || !document_is_alive(document, command->now) ? NULL : document;
}

enum mcbp_status command_check_cas(const struct command *command, const struct document *document)
{
    uint64_t cas = command->frame->header.cas;
    if (document == NULL) {
        return cas == 0 ? MCBP_STATUS_SUCCESS : MCBP_STATUS_KEY_NOT_FOUND;
    }
    if (document_is_locked(document, command->now)) {
        return cas == document->lock_cas ? MCBP_STATUS_SUCCESS : MCBP_STATUS_LOCKED;
    }
    return cas == 0 || cas == document->cas ? MCBP_STATUS_SUCCESS : MCBP_STATUS_KEY_EXISTS;
}

/* A full bucket takes nothing until something is removed; tombstones go first. */
static bool has_room(struct couchbase_node *node, size_t size)
{
    return node->memory_max == 0 ||
           (size <= node->memory_max && node->memory <= node->memory_max - size);
}

static struct document *document_place(struct command *command, size_t size)
{
    if (!has_room(command->node, size)) {
        node_purge(command->node);
    }
    if (!has_room(command->node, size)) {
        reply_error(command, MCBP_STATUS_TEMPORARY_FAILURE, NULL);
        return NULL;
    }
    bool is_new;
    struct document *document =
        documents_find_or_add(&command->vbucket->documents, &command->id, &is_new);
    if (document == NULL) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
    } else if (document->revision == 0) { /* it may have been there, and be forgotten */
        document->revision = command->vbucket->deleted_revision;
    }
    return document;
}

struct document *command_put(struct command *command, const struct content *content)
{
    struct document *document = document_place(command, blob_span(content->value).size);
    if (document == NULL) {
        blob_drop(content->value);
        return NULL;
    }
    if (!document_is_alive(document, command->now)) {
        blob_drop(document->xattrs);
        document->xattrs = NULL;
    }
    documents_set_value(&command->vbucket->documents, document, content->value);
    document->datatype = content->datatype;
    document->flags = content->flags;
    document->expiry = content->expiry;
    document->deleted = false;
    command_changed(command, document);
    return document;
}
