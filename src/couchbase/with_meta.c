#include "couchbase/with_meta.h"

#include "base/endian.h"
#include "couchbase/meta_json.h"
#include "couchbase/reply.h"
#include "couchbase/value.h"
#include "couchbase/xattr.h"
#include "couchbase/xattr_blob.h"

#include <byteswap.h>

/* ---------------------------------------------------------------- the request */

static bool read_json(const struct mcbp_frame *request, struct with_meta *meta)
{
    char fault[META_FAULT_SIZE];
    bool too_large;
    bool no_memory;
    bool compressed = (request->header.datatype & MCBP_DATATYPE_SNAPPY) != 0;
    struct blob *inflated =
        compressed ? value_inflate(request->value, COUCHBASE_FRAME_MAX, &too_large, &no_memory)
                   : NULL;
    struct span value = compressed ? blob_span(inflated) : request->value;
    json_t *json = meta_json_read(request->extras, value, meta, fault);
    blob_drop(inflated);
    json_decref(json);
    return json != NULL;
}

bool with_meta_read(const struct mcbp_frame *request, struct with_meta *meta)
{
    enum { FIXED = 24, OPTIONS = 4, IGNORED = 2 };
    struct span extras = request->extras;
    uint8_t loud = mcbp_opcode_loud(request->header.opcode);
    if (loud == MCBP_MUTATE_WITH_META) {
        return read_json(request, meta);
    }
    if (extras.size != FIXED && extras.size != FIXED + IGNORED && extras.size != FIXED + OPTIONS &&
        extras.size != FIXED + OPTIONS + IGNORED) {
        return false;
    }
    bool has_options = extras.size >= FIXED + OPTIONS;
    bool has_ignored = extras.size % 4 != 0;
    *meta = (struct with_meta){
        .flags = read_be32(extras.data),
        .expiry = read_be32(extras.data + 4),
        .revision = read_be64(extras.data + 8),
        .cas = read_be64(extras.data + 16),
        .has_cas = true,
        .ignored = has_ignored ? read_be16(extras.data + extras.size - IGNORED) : 0,
        .adds = loud == MCBP_ADD_WITH_META,
        .deletes = loud == MCBP_DELETE_WITH_META,
    };
    with_meta_set_options(meta, has_options ? read_be32(extras.data + FIXED) : 0);
    return true;
}

const char *with_meta_fault(const struct with_meta *meta, bool last_write_wins)
{
    return meta->regenerates && !meta->skips_conflict
               ? "GenerateCas::Yes then we must have CheckConflicts::No"
           : last_write_wins && !meta->forces && !meta->regenerates
               ? "For LWW/Custom buckets, forceFlag must be set or GenerateCas::Yes"
           : !last_write_wins && meta->forces ? "For RevisionId buckets, forceFlag cannot be set"
                                              : NULL;
}

/* ---------------------------------------------------------------- conflicts */

enum meta_resolution with_meta_resolve(const struct with_meta *meta,
                                       const struct document *document, bool last_write_wins,
                                       bool has_xattrs)
{
    enum { FOR_DELETION = 2, FIELDS = 5 };
    bool adds_xattrs = has_xattrs && document->xattrs == NULL;
    const struct field {
        uint64_t given;
        uint64_t there;
        uint16_t unknown;
    } revision = {meta->revision, document->revision, DOCUMENT_REVISION},
      cas = {meta->cas, document->cas, DOCUMENT_CAS},
      fields[FIELDS] = {
          last_write_wins ? cas : revision,
          last_write_wins ? revision : cas,
          {meta->expiry, document->expiry, DOCUMENT_EXPIRY | DOCUMENT_EXPIRY_SECOND},
          /* the machines that Couchbase runs on compare them in their own byte order */
          {bswap_32(meta->flags), bswap_32(document->flags), DOCUMENT_FLAGS},
          {adds_xattrs, 0, has_xattrs ? DOCUMENT_XATTRS | DOCUMENT_SYSTEM_XATTRS : 0},
      };
    for (size_t i = 0; i < (meta->deletes ? FOR_DELETION : FIELDS); i++) {
        if ((document->unknown & fields[i].unknown) != 0) {
            return META_OPEN;
        }
        if (fields[i].given != fields[i].there) {
            return fields[i].given > fields[i].there ? META_WINS : META_LOSES;
        }
    }
    return META_LOSES;
}

/* ---------------------------------------------------------------- what is stored */

/* A change as it is to be stored. */
struct change {
    struct with_meta meta;
    json_t *json; /* of MUTATE_WITH_META */
    struct content content;
    struct blob *xattrs;
    struct blob *packed; /* attributes and value, compressed as one */
};

static struct span document_of(const struct command *command, const struct change *change)
{
    return span_head(command->value, command->value.size - change->meta.ignored);
}

/* The body as it is to be kept: compressed if it came so, which with attributes before it both are
 * as one. False: the answer says why not. */
static bool take_body(struct command *command, struct change *change, struct span body)
{
    struct span sent = command->frame->value;
    struct content *content = &change->content;
    bool stays =
        command->inflated != NULL && !change->meta.inflates && sent.size <= command->value.size;
    bool packed = stays && change->xattrs != NULL;
    if (body.size > COUCHBASE_VALUE_MAX) {
        reply_error(command, MCBP_STATUS_TOO_LARGE, NULL);
        return false;
    }
    if (body.size > 0) {
        content->datatype = (value_is_json(body) ? MCBP_DATATYPE_JSON : 0) |
                            (stays && !packed ? MCBP_DATATYPE_SNAPPY : 0);
        content->value = blob_copy(stays && !packed ? sent : body);
    }
    change->packed = packed ? blob_copy(sent) : NULL;
    if ((body.size > 0 && content->value == NULL) || (packed && change->packed == NULL)) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return false;
    }
    return true;
}

/* A deletion's body is dropped. Source: allow_sanitize_value_in_deletion. False: the answer says
 * why not. */
static bool take_value(struct command *command, struct change *change)
{
    bool has_xattrs = (command->frame->header.datatype & MCBP_DATATYPE_XATTR) != 0;
    struct span body = document_of(command, change);
    if (has_xattrs && !xattr_blob_to_object(body, &change->xattrs)) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return false;
    }
    body = has_xattrs ? xattr_blob_body(body) : body;
    change->content.flags = change->meta.flags;
    change->content.expiry = command_limit_expiry(command, change->meta.expiry);
    return change->meta.deletes || take_body(command, change, body);
}

static bool has_xattrs(const struct command *command)
{
    return (command->frame->header.datatype & MCBP_DATATYPE_XATTR) != 0;
}

/* What a deletion does not bring are the system attributes that are there. Source:
 * pruneXattrDocument in engines/ep/src/vbucket.cc. */
static bool keep_system_xattrs(const struct command *command, struct change *change,
                               const struct document *before)
{
    return !change->meta.deletes || has_xattrs(command) || before == NULL ||
           xattr_keep_system(before->xattrs, &change->xattrs);
}

static void mark_deleted(struct command *command, const struct with_meta *meta,
                         struct document *document)
{
    document_mark_deleted(command, document);
    if (meta->expiry != 0) {
        document->expiry = meta->expiry;
    }
}

/* Writes the numbers of the change into its attributes. False: no memory. */
static bool fill_xattrs(const struct command *command, struct change *change)
{
    struct span document = document_of(command, change);
    struct blob *filled = change->meta.patches ? blob_create(document.size) : NULL;
    if (filled == NULL) {
        return !change->meta.patches;
    }
    meta_json_fill(change->json, document, command_next_cas(command), command_next_seqno(command),
                   filled->bytes);
    blob_drop(change->xattrs);
    bool taken = xattr_blob_to_object(blob_span(filled), &change->xattrs);
    blob_drop(filled);
    return taken;
}

static void store(struct command *command, struct change *change, const struct document *before)
{
    struct vbucket *vbucket = command->vbucket;
    uint64_t last = vbucket->cas;
    command->told.cas = change->meta.regenerates ? command->told.cas : change->meta.cas;
    if (!keep_system_xattrs(command, change, before) || !fill_xattrs(command, change)) {
        reply_error(command, MCBP_STATUS_NO_MEMORY, NULL);
        return;
    }
    struct document *document = command_put(command, &change->content);
    change->content.value = NULL; /* command_put() has it */
    if (document == NULL) {
        return;
    }
    vbucket->cas = document->cas > last ? document->cas : last;
    document->revision = change->meta.revision;
    blob_drop(document->xattrs);
    document->xattrs = change->xattrs;
    change->xattrs = NULL;
    documents_set_packed(&vbucket->documents, document, change->packed);
    change->packed = NULL;
    if (change->meta.deletes) {
        mark_deleted(command, &change->meta, document);
    }
    if (!command->quiet) {
        reply_changed(command, document);
    }
}

/* ---------------------------------------------------------------- the command */

/* Deletions that bring attributes are stored as documents are. */
static bool only_deletes(const struct command *command, const struct with_meta *meta)
{
    return meta->deletes && !has_xattrs(command);
}

/* SUCCESS if the request's CAS allows the change. Source: processSetInner, checkCasForWrite and
 * deleteWithMeta in engines/ep/src/vbucket.cc. */
static enum mcbp_status check_cas(const struct command *command, const struct with_meta *meta,
                                  const struct document *document)
{
    uint64_t cas = command->frame->header.cas;
    if (document == NULL) {
        bool only = only_deletes(command, meta);
        bool any = cas == 0 || (only && meta->skips_conflict);
        return any    ? MCBP_STATUS_SUCCESS
               : only ? MCBP_STATUS_KEY_EXISTS
                      : MCBP_STATUS_KEY_NOT_FOUND;
    }
    if (meta->adds && !document->deleted) {
        return MCBP_STATUS_KEY_EXISTS;
    }
    if (document_is_locked(document, command->now)) {
        return cas == document->lock_cas ? MCBP_STATUS_SUCCESS : MCBP_STATUS_LOCKED;
    }
    return cas == 0 || cas == document->cas      ? MCBP_STATUS_SUCCESS
           : document->deleted && !meta->deletes ? MCBP_STATUS_KEY_NOT_FOUND
                                                 : MCBP_STATUS_KEY_EXISTS;
}

static bool loses(const struct command *command, const struct with_meta *meta,
                  const struct document *document)
{
    if (meta->skips_conflict || command->told.resolution != META_OPEN) {
        return !meta->skips_conflict && command->told.resolution == META_LOSES;
    }
    return document != NULL && with_meta_resolve(meta, document, command->node->last_write_wins,
                                                 has_xattrs(command)) == META_LOSES;
}

static void change_document(struct command *command, struct change *change)
{
    const struct document *document = documents_find(&command->vbucket->documents, &command->id);
    enum mcbp_status status = loses(command, &change->meta, document)
                                  ? MCBP_STATUS_KEY_EXISTS
                                  : check_cas(command, &change->meta, document);
    if (status == MCBP_STATUS_LOCKED && only_deletes(command, &change->meta)) {
        reply_locked(command);
    } else if (status != MCBP_STATUS_SUCCESS) {
        reply_error(command, status, NULL);
    } else {
        store(command, change, document);
    }
}

/* The form is right. */
static void execute(struct command *command, struct change *change)
{
    const struct with_meta *meta = &change->meta;
    const char *fault = with_meta_fault(meta, command->node->last_write_wins);
    if (fault != NULL) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, fault);
    } else if (!meta->inflates && meta->ignored > command->frame->value.size) {
        command->answer->close = true;
    } else if (!meta->inflates && meta->ignored > 0 && command->inflated != NULL) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, /* it is without its end */
                    meta->deletes ? "Failed to inflate data" : "Failed to inflate document");
    } else if (take_value(command, change) && command_has_vbucket(command)) {
        if (meta->cas == 0 || meta->cas == UINT64_MAX) {
            reply_error(command, MCBP_STATUS_CAS_VALUE_INVALID, NULL);
        } else {
            change_document(command, change);
        }
    }
    blob_drop(change->content.value);
    blob_drop(change->xattrs);
    blob_drop(change->packed);
}

void handle_with_meta(struct command *command)
{
    struct change change = {0};
    if (with_meta_read(command->frame, &change.meta)) {
        execute(command, &change);
    } else {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, "Request extras invalid");
    }
}

void handle_mutate_with_meta(struct command *command)
{
    char fault[META_FAULT_SIZE];
    struct change change = {0};
    change.json = meta_json_read(command->frame->extras, command->value, &change.meta, fault);
    if (change.json != NULL && has_xattrs(command) &&
        !xattr_blob_is_valid(document_of(command, &change))) { /* they reach into the JSON */
        command->answer->close = true;
    } else if (change.json == NULL ||
               !meta_json_fits(change.json, &change.meta, document_of(command, &change),
                               has_xattrs(command), fault)) {
        reply_error(command, MCBP_STATUS_INVALID_ARGUMENTS, fault);
    } else {
        execute(command, &change);
    }
    json_decref(change.json);
}
