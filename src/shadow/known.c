/* What is known of a document: what an answer tells of it, and what a request leaves unknown. */
#include "base/buffer.h"
#include "base/endian.h"
#include "couchbase/frame_infos.h"
#include "couchbase/return_meta.h"
#include "couchbase/value.h"
#include "couchbase/with_meta.h"
#include "couchbase/xattr.h"
#include "couchbase/xattr_blob.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/token.h"
#include "shadow/parts.h"
#include "subdoc/request.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { ATTRIBUTES = DOCUMENT_FLAGS | DOCUMENT_EXPIRY | DOCUMENT_REVISION | DOCUMENT_SEQNO };

static const int64_t SECOND = 1000000000;

/* ---------------------------------------------------------------- the request */

/* What a request needs of the document, and does to it. */
struct needs {
    uint16_t unknown; /* without these it can't be executed: enum document_unknown */
    bool is_subdoc;
    bool adds;        /* success says that there was no document */
    bool may_create;  /* success does not say whether there was one */
    bool sets_body;   /* whatever there was */
    bool copies_body; /* from an attribute */
    bool has_macros;  /* xattrs get what the server alone decides */
    bool preserves;   /* the time of expiry that the document has */
    bool deletes;     /* a subdocument command that leaves a tombstone */
    uint8_t doc_flags;
    uint32_t expiry;  /* that the request gives */
    bool sets_expiry; /* and the document has now */
    struct subdoc_request subdoc;
};

static bool is_virtual(const struct mcbp_subdoc_spec *spec)
{
    return (spec->flags & MCBP_SUBDOC_PATH_XATTR) != 0 && spec->path.size > 0 &&
           spec->path.data[0] == '$';
}

/* The whole of the path, or what comes before its first dot or bracket, is that name. */
static bool is_path(struct span path, const char *name)
{
    return span_equal(path, span_of(name, strlen(name)));
}

static bool sets_body(const struct mcbp_subdoc_spec *spec)
{
    return spec->opcode == MCBP_SET || spec->opcode == MCBP_DELETE ||
           spec->opcode == MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR;
}

/* Members of $document that depend on a part of the document. */
static uint16_t needs_of_virtual(struct span path)
{
    static const struct {
        const char *path;
        uint16_t needs;
    } members[] = {
        {"$document.CAS", DOCUMENT_CAS},
        {"$document.last_modified", DOCUMENT_CAS},
        {"$document.exptime", DOCUMENT_EXPIRY},
        {"$document.flags", DOCUMENT_FLAGS},
        {"$document.revid", DOCUMENT_REVISION},
        {"$document.seqno", DOCUMENT_SEQNO},
        {"$document.vbucket_uuid", DOCUMENT_SEQNO}, /* tokens tell both */
        {"$document.value_bytes", DOCUMENT_VALUE},
        {"$document.value_crc32c", DOCUMENT_VALUE},
        {"$document.deleted", 0},
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (is_path(path, members[i].path)) {
            return members[i].needs;
        }
    }
    return (DOCUMENT_ALL - DOCUMENT_PRESENCE - DOCUMENT_LOCK) | DOCUMENT_SYSTEM_XATTRS;
}

static uint16_t needs_of(const struct mcbp_subdoc_spec *spec)
{
    bool is_system = spec->path.size > 0 && spec->path.data[0] == '_';
    if (is_virtual(spec)) {
        return needs_of_virtual(spec->path);
    }
    if ((spec->flags & MCBP_SUBDOC_PATH_XATTR) != 0) {
        return DOCUMENT_XATTRS | (is_system ? DOCUMENT_SYSTEM_XATTRS : 0);
    }
    return sets_body(spec) ? 0 : DOCUMENT_VALUE;
}

static void add_spec(struct needs *needs, const struct mcbp_subdoc_spec *spec)
{
    needs->has_macros |= (spec->flags & MCBP_SUBDOC_PATH_EXPAND_MACROS) != 0;
    needs->unknown |= needs_of(spec);
    needs->sets_body |= sets_body(spec);
    needs->copies_body |= spec->opcode == MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR;
    needs->deletes |= spec->opcode == MCBP_DELETE;
}

static void find_subdoc_needs(const struct judged *judged, struct needs *needs)
{
    const struct mcbp_frame *request = judged->exchange->request;
    struct subdoc_input input = {
        .opcode = request->header.opcode,
        .extras = request->extras,
        .value = request->value,
        .cas = request->header.cas,
        .has_xattrs = client_has(judged->client, MCBP_FEATURE_XATTR),
    };
    if (subdoc_request_parse(&input, &needs->subdoc) != MCBP_STATUS_SUCCESS) {
        return; /* refused, whatever there is */
    }
    needs->is_subdoc = true;
    needs->doc_flags = needs->subdoc.extras.doc_flags;
    needs->adds = (needs->doc_flags & MCBP_SUBDOC_DOC_ADD) != 0;
    needs->may_create = (needs->doc_flags & MCBP_SUBDOC_DOC_MKDOC) != 0;
    needs->expiry = needs->subdoc.extras.expiry;
    for (size_t i = 0; i < needs->subdoc.count; i++) {
        add_spec(needs, &needs->subdoc.specs[i]);
    }
}

static void find_needs(const struct judged *judged, struct needs *needs)
{
    const struct mcbp_frame *request = judged->exchange->request;
    struct frame_infos infos = {0};
    const struct frame_infos allowed = {.durable = true, .preserve_expiry = true};
    char fault[FRAME_INFOS_FAULT_SIZE];
    memset(needs, 0, offsetof(struct needs, subdoc)); /* the rest is large, and rarely used */
    needs->subdoc.is_mutation = false;
    int at = mcbp_opcode_expiry_offset(judged->opcode);
    if (at >= 0 && request->extras.size >= (size_t)at + 4) {
        needs->expiry = read_be32(request->extras.data + at);
    }
    if (frame_infos_read(request->framing_extras, &allowed, &infos, fault) == MCBP_STATUS_SUCCESS) {
        needs->preserves = infos.preserve_expiry;
    }
    if (mcbp_subdoc_shape_of(request->header.opcode) != MCBP_SUBDOC_NONE) {
        find_subdoc_needs(judged, needs);
        return;
    }
    needs->adds = judged->opcode == MCBP_ADD || judged->opcode == MCBP_ADD_WITH_META;
    needs->may_create = judged->opcode == MCBP_SET || mcbp_opcode_counts(judged->opcode) ||
                        with_meta_brings(judged->opcode);
    struct with_meta meta;
    if (judged->opcode == MCBP_MUTATE_WITH_META && with_meta_read(request, &meta)) {
        needs->adds = meta.adds;
    }
    if (judged->opcode == MCBP_RETURN_META) {
        enum return_meta_mutation mutation = return_meta_mutation_of(request);
        needs->adds = mutation == RETURN_META_ADD;
        needs->may_create = mutation == RETURN_META_SET;
    }
    if (mcbp_opcode_concatenates(judged->opcode) || mcbp_opcode_counts(judged->opcode)) {
        needs->unknown = DOCUMENT_VALUE;
    }
}

/* ---------------------------------------------------------------- what the answer tells */

/* One answer telling of a document. */
struct telling {
    struct judged *judged;
    struct document *document;
    const struct mcbp_frame *answer; /* NULL: silence */
    struct needs needs;
};

static bool is_open(const struct telling *telling, enum document_unknown what)
{
    return (telling->document->unknown & what) != 0;
}

/* The document is a tombstone. */
static bool tells_tombstone(uint16_t status)
{
    return status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED ||
           status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED;
}

static bool is_success(uint16_t status)
{
    return status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE ||
           tells_tombstone(status);
}

static void set_value(const struct telling *telling, struct blob *value, uint8_t datatype)
{
    struct vbucket *vbucket = telling->judged->exchange->asked->vbucket->held;
    documents_set_value(&vbucket->documents, telling->document, value);
    telling->document->datatype = datatype;
}

static void set_presence(struct telling *telling, bool present)
{
    telling->document->deleted = !present;
    telling->judged->told = true;
    if (!present) {
        set_value(telling, NULL, 0);
        blob_drop(telling->document->xattrs);
        telling->document->xattrs = NULL;
        telling->document->revision *= !is_open(telling, DOCUMENT_REVISION);
    }
}

/* Such an error tells of the request alone. */
static bool is_of_request(uint16_t status)
{
    switch (status) {
    case MCBP_STATUS_TOO_LARGE:
    case MCBP_STATUS_INVALID_ARGUMENTS:
    case MCBP_STATUS_UNKNOWN_FRAME_INFO:
    case MCBP_STATUS_UNKNOWN_COMMAND:
    case MCBP_STATUS_XATTR_INVALID:
    case MCBP_STATUS_DURABILITY_INVALID_LEVEL:
        return true;
    default:
        return false;
    }
}

/* Such an error comes only where there is a document: it was not refused before, nor by the meta
 * data of a tombstone. */
static bool shows_document(const struct judged *judged, const struct needs *needs)
{
    struct with_meta meta;
    if (with_meta_brings(judged->opcode) && judged->status == MCBP_STATUS_KEY_EXISTS) {
        return with_meta_read(judged->exchange->request, &meta) && meta.skips_conflict;
    }
    bool refused =
        (mcbp_subdoc_shape_of(judged->opcode) != MCBP_SUBDOC_NONE && !needs->is_subdoc) ||
        (judged->status == MCBP_STATUS_NOT_STORED && judged->exchange->request->header.cas != 0);
    return !refused && !is_of_request(judged->status) && !judged_is_servers_own(judged->status);
}

/* NOT_STORED says to what appends that there is no document; to what adds, that there is one. */
static bool says_absence(const struct judged *judged, const struct needs *needs)
{
    return judged->status == MCBP_STATUS_KEY_NOT_FOUND ||
           (judged->status == MCBP_STATUS_NOT_STORED && !needs->adds);
}

/* ---------------------------------------------------------------- tombstones */

bool known_may_be_tombstone(const struct document *document)
{
    return document->deleted && document->revision == 0 &&
           (document->unknown & DOCUMENT_REVISION) != 0;
}

/* Source: metadata_purge_age, and 0.007 days, the least that a cluster takes for the purge interval
 * of an Ephemeral bucket. */
bool known_may_be_purged(const struct document *document, int64_t now)
{
    enum { KEPT = 600 /* seconds */ };
    return document->deleted && (int64_t)document->expiry + KEPT <= now / SECOND;
}

/* It is known that it is one, without a value. */
static void become_tombstone(struct document *document)
{
    document->deleted = true;
    document->revision += document->revision == 0;
    document->unknown &= (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_VALUE | DOCUMENT_LOCK);
}

/* What a request that deals with deleted documents found. */
enum found { FOUND_ANYTHING, FOUND_ALIVE, FOUND_TOMBSTONE, FOUND_NOTHING, FOUND_NO_TOMBSTONE };

static bool deals_with_deleted(const struct needs *needs)
{
    return (needs->doc_flags &
            (MCBP_SUBDOC_DOC_ACCESS_DELETED | MCBP_SUBDOC_DOC_CREATE_AS_DELETED)) != 0;
}

static enum found found_by_success(const struct needs *needs)
{
    if ((needs->doc_flags & MCBP_SUBDOC_DOC_CREATE_AS_DELETED) != 0) {
        return FOUND_ALIVE;
    }
    if (needs->adds) {
        return FOUND_NOTHING;
    }
    bool revives = (needs->doc_flags & MCBP_SUBDOC_DOC_REVIVE_DOCUMENT) != 0;
    if (needs->may_create) {
        return revives ? FOUND_ANYTHING : FOUND_NO_TOMBSTONE;
    }
    return revives ? FOUND_TOMBSTONE : FOUND_ALIVE;
}

/* Source: daemon/subdocument.cc, fetch_input_document and update_document; of a tombstone that is
 * in the way, processAdd in engines/ep/src/vbucket.cc. */
static enum found found_by(const struct needs *needs, uint16_t status)
{
    bool sees = (needs->doc_flags & MCBP_SUBDOC_DOC_ACCESS_DELETED) != 0;
    bool buries = (needs->doc_flags & MCBP_SUBDOC_DOC_CREATE_AS_DELETED) != 0;
    switch (status) {
    case MCBP_STATUS_KEY_NOT_FOUND: /* removing a tombstone fails, too */
        return needs->deletes ? FOUND_ANYTHING : FOUND_NOTHING;
    case MCBP_STATUS_SUBDOC_SUCCESS_DELETED:
    case MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED:
        return !buries ? FOUND_TOMBSTONE : sees && !needs->adds ? FOUND_ANYTHING : FOUND_NOTHING;
    case MCBP_STATUS_SUCCESS:
        return found_by_success(needs);
    case MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE:
        return needs->subdoc.is_mutation ? FOUND_ANYTHING : FOUND_ALIVE;
    case MCBP_STATUS_SUBDOC_CAN_ONLY_REVIVE_DELETED_DOCUMENTS:
        return FOUND_ALIVE;
    case MCBP_STATUS_NOT_STORED:
        return buries && !sees ? FOUND_TOMBSTONE : FOUND_ANYTHING;
    default:
        return FOUND_ANYTHING;
    }
}

static void tell_found(struct telling *telling)
{
    struct document *document = telling->document;
    bool open = is_open(telling, DOCUMENT_PRESENCE);
    enum found found = found_by(&telling->needs, telling->judged->status);
    if (!open && (found == FOUND_NO_TOMBSTONE || found == FOUND_ALIVE)) {
        found = FOUND_NOTHING;
    }
    switch (found) {
    case FOUND_ALIVE:
        set_presence(telling, true);
        document->unknown &= (uint16_t)~DOCUMENT_PRESENCE;
        break;
    case FOUND_TOMBSTONE:
        set_presence(telling, false);
        document->expiry = 0;
        become_tombstone(document);
        break;
    case FOUND_NOTHING:
        set_presence(telling, false);
        document->unknown = 0;
        document->revision = 0;
        break;
    default:
        break;
    }
}

/* What there is, is not told, and the request depends on it. A document that is revived with a
 * tombstone's time of expiry has the time when it was deleted. */
static bool is_undecided(const struct telling *telling)
{
    const struct needs *needs = &telling->needs;
    bool revives = (needs->doc_flags & MCBP_SUBDOC_DOC_REVIVE_DOCUMENT) != 0;
    return deals_with_deleted(needs) && telling->judged->status != MCBP_STATUS_INVALID_ARGUMENTS &&
           (is_open(telling, DOCUMENT_PRESENCE) || known_may_be_tombstone(telling->document) ||
            (revives && needs->preserves));
}

/* ---------------------------------------------------------------- what there is */

static void tell_presence(struct telling *telling)
{
    const struct judged *judged = telling->judged;
    if (deals_with_deleted(&telling->needs)) {
        if (is_open(telling, DOCUMENT_PRESENCE) || known_may_be_tombstone(telling->document)) {
            tell_found(telling);
        }
        return;
    }
    if (!is_open(telling, DOCUMENT_PRESENCE)) {
        return;
    }
    if (says_absence(judged, &telling->needs)) {
        set_presence(telling, false);
        if (judged->opcode == MCBP_GET_META) {
            telling->document->revision = 0; /* nor is there a tombstone */
            telling->document->unknown &= (uint16_t)~DOCUMENT_REVISION;
        }
    } else if (judged->status != MCBP_STATUS_SUCCESS) {
        if (shows_document(judged, &telling->needs)) {
            set_presence(telling, true);
        }
    } else if (!telling->needs.may_create || telling->needs.adds) {
        set_presence(telling, !telling->needs.adds);
    } else {
        telling->document->deleted = judged->exchange->request->header.cas == 0;
    }
}

/* The CAS in the answer is that of what the request has made. */
static bool gives_version(const struct telling *telling)
{
    uint8_t opcode = telling->judged->opcode;
    return mcbp_opcode_makes_version(opcode) || telling->needs.subdoc.is_mutation ||
           with_meta_brings(opcode) || opcode == MCBP_RETURN_META ||
           mcbp_opcode_family(opcode) == MCBP_FAMILY_REMOVE || opcode == MCBP_GET_LOCKED;
}

/* The CAS that the document had when the request was executed. */
static void tell_cas(struct telling *telling)
{
    const struct judged *judged = telling->judged;
    uint64_t asked = judged->exchange->request->header.cas;
    uint64_t told = shadow_version_of(telling->answer);
    bool shows = is_success(judged->status) && told != 0 && !gives_version(telling);
    if (!is_open(telling, DOCUMENT_CAS) || (asked == 0 && !shows)) {
        return;
    }
    bool other = judged->status == MCBP_STATUS_KEY_EXISTS ||
                 (with_meta_brings(judged->opcode) && judged->status == MCBP_STATUS_KEY_NOT_FOUND);
    telling->document->cas = asked == 0 ? told : other ? ~asked : asked;
    telling->judged->told = true;
}

static bool is_locked_answer(const struct telling *telling)
{
    const struct judged *judged = telling->judged;
    bool all_ones = telling->answer != NULL && telling->answer->header.cas == UINT64_MAX;
    const struct shadow_client *client = judged->client;
    bool extended = client_has(client, MCBP_FEATURE_XERROR) &&
                    !mcbp_feature_is_in(client->open, MCBP_FEATURE_XERROR);
    bool remapped = judged->status == MCBP_STATUS_KEY_EXISTS && !extended && !telling->needs.adds &&
                    judged->exchange->request->header.cas == 0;
    return all_ones || remapped || judged->status == MCBP_STATUS_LOCKED ||
           (judged->opcode == MCBP_UNLOCK_KEY && judged->status == MCBP_STATUS_SUCCESS);
}

/* A change that succeeds with another CAS than the document's had that of its lock. */
static bool ends_lock(const struct telling *telling)
{
    uint64_t asked = telling->judged->exchange->request->header.cas;
    bool changed = is_success(telling->judged->status) && gives_version(telling);
    return changed && asked != 0 && !is_open(telling, DOCUMENT_CAS | DOCUMENT_PRESENCE) &&
           asked != telling->document->cas;
}

static void tell_lock(struct telling *telling)
{
    enum { LONGEST = 30 /* seconds */ };
    const struct judged *judged = telling->judged;
    if (!is_open(telling, DOCUMENT_LOCK)) {
        return;
    }
    bool was_locked = document_is_locked(telling->document, judged->exchange->answered_at);
    telling->document->lock_cas = 0;
    if (is_locked_answer(telling) || ends_lock(telling)) {
        uint64_t asked = judged->exchange->request->header.cas;
        bool unlocks = ends_lock(telling) ||
                       (judged->status == MCBP_STATUS_SUCCESS && judged->opcode == MCBP_UNLOCK_KEY);
        telling->document->lock_cas = unlocks ? asked : asked + 1 != 0 ? asked + 1 : 1;
        telling->document->locked_until = judged->exchange->answered_at + LONGEST * SECOND;
        telling->judged->told |= !was_locked;
    }
}

/* ---------------------------------------------------------------- the value */

static void tell_value(struct telling *telling, struct span value, uint8_t datatype)
{
    struct blob *blob = value.size == 0 ? NULL : blob_copy(value);
    set_value(telling, blob, datatype);
    telling->judged->told = true;
}

/* The number before it was counted. */
static void tell_number(struct telling *telling)
{
    char text[24];
    const struct mcbp_frame *request = telling->judged->exchange->request;
    if (telling->answer == NULL || telling->answer->value.size != 8 || request->extras.size < 8) {
        return;
    }
    uint64_t delta = read_be64(request->extras.data);
    uint64_t after = read_be64(telling->answer->value.data);
    bool up = telling->judged->opcode == MCBP_INCREMENT;
    uint64_t number = up ? after - delta : after == 0 ? 0 : after + delta;
    int size = snprintf(text, sizeof(text), "%" PRIu64, number);
    telling->document->deleted = false;
    tell_value(telling, span_of(text, (size_t)size), MCBP_DATATYPE_JSON);
    telling->document->unknown &= (uint16_t)~DOCUMENT_VALUE;
}

static bool is_json(const struct telling *telling, struct span value)
{
    const struct shadow_client *client = telling->judged->client;
    bool told = client_has(client, MCBP_FEATURE_JSON) &&
                !mcbp_feature_is_in(client->open, MCBP_FEATURE_JSON);
    return told ? (telling->answer->header.datatype & MCBP_DATATYPE_JSON) != 0
                : value_is_json(value);
}

/* What a lookup reads as a whole. */
static void tell_body(struct telling *telling)
{
    struct span results = telling->answer->value;
    struct mcbp_subdoc_result result;
    const struct subdoc_request *subdoc = &telling->needs.subdoc;
    for (size_t i = 0;
         i < subdoc->count && mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &results, &result); i++) {
        if (subdoc->specs[i].opcode == MCBP_GET && result.status == MCBP_STATUS_SUCCESS &&
            (subdoc->specs[i].flags & MCBP_SUBDOC_PATH_XATTR) == 0) {
            tell_value(telling, result.value, value_is_json(result.value) ? MCBP_DATATYPE_JSON : 0);
            telling->document->unknown &= (uint16_t)~DOCUMENT_VALUE;
        }
    }
}

/* The attributes that are told have, of those that are known, all but the system's. */
static bool has_known(const struct telling *telling, const struct blob *told)
{
    struct blob *users[2] = {NULL, NULL};
    bool same = xattr_keep_user(telling->document->xattrs, &users[0]) &&
                xattr_keep_user(told, &users[1]) &&
                span_equal(blob_span(users[0]), blob_span(users[1]));
    blob_drop(users[0]);
    blob_drop(users[1]);
    return same;
}

/* `all`: attributes and value, inflated. */
static void take_whole(struct telling *telling, struct span all)
{
    const struct mcbp_frame *answer = telling->answer;
    struct document *document = telling->document;
    bool has_xattrs = (answer->header.datatype & MCBP_DATATYPE_XATTR) != 0;
    uint8_t compressed = answer->header.datatype & MCBP_DATATYPE_SNAPPY;
    uint8_t json = answer->header.datatype & MCBP_DATATYPE_JSON;
    struct blob *xattrs = NULL;
    if (has_xattrs && (!xattr_blob_is_valid(all) || !xattr_blob_to_object(all, &xattrs))) {
        return;
    }
    if (is_open(telling, DOCUMENT_VALUE) && has_xattrs) {
        tell_value(telling, xattr_blob_body(all), json);
        struct vbucket *vbucket = telling->judged->exchange->asked->vbucket->held;
        documents_set_packed(&vbucket->documents, document,
                             compressed != 0 ? blob_copy(answer->value) : NULL);
    } else if (is_open(telling, DOCUMENT_VALUE)) {
        tell_value(telling, answer->value, compressed | json);
    }
    if (is_open(telling, DOCUMENT_XATTRS) ||
        (is_open(telling, DOCUMENT_SYSTEM_XATTRS) && has_known(telling, xattrs))) {
        blob_drop(document->xattrs);
        document->xattrs = blob_hold(xattrs);
        telling->judged->told = true;
    }
    blob_drop(xattrs);
}

/* What GET_EX shows. */
static void tell_whole(struct telling *telling)
{
    const struct mcbp_frame *answer = telling->answer;
    bool compressed = answer != NULL && (answer->header.datatype & MCBP_DATATYPE_SNAPPY) != 0;
    bool too_large;
    bool no_memory;
    if (answer == NULL || telling->judged->status != MCBP_STATUS_SUCCESS ||
        !is_open(telling, DOCUMENT_VALUE | DOCUMENT_XATTRS | DOCUMENT_SYSTEM_XATTRS)) {
        return;
    }
    struct blob *inflated =
        compressed ? value_inflate(answer->value, COUCHBASE_FRAME_MAX, &too_large, &no_memory)
                   : NULL;
    if (!compressed || inflated != NULL) {
        take_whole(telling, compressed ? blob_span(inflated) : answer->value);
    }
    blob_drop(inflated);
}

static void tell_content(struct telling *telling)
{
    const struct judged *judged = telling->judged;
    const struct mcbp_frame *answer = telling->answer;
    bool absent = telling->document->deleted && !is_open(telling, DOCUMENT_PRESENCE);
    if (judged->opcode == MCBP_GET_EX && !absent) {
        tell_whole(telling);
        return;
    }
    if (absent || !is_open(telling, DOCUMENT_VALUE) || !is_success(judged->status)) {
        return;
    }
    if (mcbp_opcode_counts(judged->opcode)) {
        tell_number(telling);
    } else if ((mcbp_opcode_retrieves(judged->opcode) || judged->opcode == MCBP_GET_LOCKED) &&
               answer != NULL && answer->extras.size == 4) {
        uint8_t compressed = answer->header.datatype & MCBP_DATATYPE_SNAPPY;
        uint8_t json = is_json(telling, answer->value) ? MCBP_DATATYPE_JSON : 0;
        tell_value(telling, answer->value, compressed | json);
    } else if (telling->needs.is_subdoc && !telling->needs.subdoc.is_mutation && answer != NULL) {
        tell_body(telling);
    }
}

static void tell_flags(struct telling *telling)
{
    enum { META_FLAGS_AT = 4 };
    const struct mcbp_frame *answer = telling->answer;
    if (!is_open(telling, DOCUMENT_FLAGS) || answer == NULL ||
        telling->judged->status != MCBP_STATUS_SUCCESS) {
        return;
    }
    if (telling->judged->opcode == MCBP_GET_META && answer->extras.size >= 20) {
        telling->document->flags = read_be32(answer->extras.data + META_FLAGS_AT);
    } else if (answer->extras.size == 4) {
        telling->document->flags = read_be32(answer->extras.data);
    }
}

/* ---------------------------------------------------------------- expiry and revision */

static void take_expiry(struct telling *telling, uint32_t told)
{
    struct document *document = telling->document;
    bool open =
        is_open(telling, DOCUMENT_EXPIRY) || limits_explain(telling->judged, document, told);
    if (open || (is_open(telling, DOCUMENT_EXPIRY_SECOND) &&
                 judged_is_about(telling->judged, told, document->expiry))) {
        document->expiry = told;
        document->expiry_set = 0;
        document->unknown &= (uint16_t) ~(DOCUMENT_EXPIRY | DOCUMENT_EXPIRY_SECOND);
        telling->judged->told |= open;
    }
}

static void tell_meta(struct telling *telling)
{
    enum { EXPIRY_AT = 8, REVISION_AT = 12 };
    struct document *document = telling->document;
    const uint8_t *extras = telling->answer->extras.data;
    if (is_open(telling, DOCUMENT_PRESENCE)) {
        set_presence(telling, read_be32(extras) == 0);
    }
    take_expiry(telling, read_be32(extras + EXPIRY_AT));
    if (is_open(telling, DOCUMENT_REVISION)) {
        document->revision = read_be64(extras + REVISION_AT);
        document->unknown &= (uint16_t)~DOCUMENT_REVISION;
        telling->judged->told = true;
    }
}

/* Success of TOUCH: it has left the CAS as it was if the time is the same as before. */
static void tell_touched(struct telling *telling)
{
    enum { RELATIVE_MAX = 60 * 60 * 24 * 30 };
    struct document *document = telling->document;
    uint32_t given = telling->needs.expiry;
    uint32_t seconds = (uint32_t)(telling->judged->exchange->answered_at / SECOND);
    bool relative = given != 0 && given <= RELATIVE_MAX;
    uint32_t expiry = relative ? seconds + given : given;
    relative |= limits_apply(telling->judged, seconds, &expiry);
    bool may_be_limited = document->expiry_set != 0 &&
                          (expiry == document->expiry ||
                           judged_is_about(telling->judged, seconds, document->expiry_set));
    bool open = is_open(telling, DOCUMENT_EXPIRY) || may_be_limited ||
                ((relative || is_open(telling, DOCUMENT_EXPIRY_SECOND)) &&
                 judged_is_about(telling->judged, document->expiry, expiry));
    if (open && telling->answer != NULL && !is_open(telling, DOCUMENT_CAS)) {
        bool same = telling->answer->header.cas == document->cas;
        uint32_t other = expiry == UINT32_MAX ? UINT32_MAX - 1 : UINT32_MAX;
        document->expiry = same ? expiry : other;
    } else if (open) {
        document->expiry = expiry;
    }
    telling->judged->told |= is_open(telling, DOCUMENT_EXPIRY);
}

static void take_member(struct telling *telling, const json_t *object, const char *name)
{
    struct document *document = telling->document;
    const json_t *member = json_object_get(object, name);
    const char *text = json_string_value(member);
    if (strcmp(name, "exptime") == 0 && json_is_integer(member)) {
        take_expiry(telling, (uint32_t)json_integer_value(member));
    } else if (strcmp(name, "revid") == 0 && text != NULL && is_open(telling, DOCUMENT_REVISION)) {
        document->revision = strtoull(text, NULL, 10);
        document->unknown &= (uint16_t)~DOCUMENT_REVISION;
        telling->judged->told = true;
    } else if (strcmp(name, "seqno") == 0 && text != NULL && is_open(telling, DOCUMENT_SEQNO)) {
        bool numbered = telling->judged->exchange->asked->vbucket->uuid != 0;
        document->seqno = strtoull(text, NULL, 16);
        document->unknown &= numbered ? (uint16_t)~DOCUMENT_SEQNO : UINT16_MAX;
        telling->judged->told = true;
    } else if (strcmp(name, "flags") == 0 && json_is_integer(member) &&
               is_open(telling, DOCUMENT_FLAGS)) {
        document->flags = (uint32_t)json_integer_value(member);
        document->unknown &= (uint16_t)~DOCUMENT_FLAGS;
        telling->judged->told = true;
    }
}

/* `value` is what $document, or one of its members, has. */
static void take_virtual(struct telling *telling, struct span path, struct span value)
{
    static const char *const names[] = {"exptime", "revid", "seqno", "flags"};
    json_t *read = json_loadb((const char *)value.data, value.size, JSON_DECODE_ANY, NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char member[24];
        snprintf(member, sizeof(member), "$document.%s", names[i]);
        if (is_path(path, "$document")) {
            take_member(telling, read, names[i]);
        } else if (is_path(path, member)) {
            json_t *alone = json_pack("{s:O}", names[i], read);
            take_member(telling, alone, names[i]);
            json_decref(alone);
        }
    }
    json_decref(read);
}

static void tell_virtual(struct telling *telling)
{
    struct span results = telling->answer->value;
    struct mcbp_subdoc_result result;
    const struct subdoc_request *subdoc = &telling->needs.subdoc;
    if (!subdoc->is_multi || subdoc->is_mutation) {
        return;
    }
    for (size_t i = 0;
         i < subdoc->count && mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &results, &result); i++) {
        if (is_virtual(&subdoc->specs[i]) && result.status == MCBP_STATUS_SUCCESS) {
            take_virtual(telling, subdoc->specs[i].path, result.value);
        }
    }
}

static void tell_times(struct telling *telling)
{
    const struct judged *judged = telling->judged;
    enum mcbp_family family = mcbp_opcode_family(judged->opcode);
    if (judged->opcode == MCBP_GET_META && judged->status == MCBP_STATUS_SUCCESS &&
        telling->answer != NULL && telling->answer->extras.size >= 20) {
        tell_meta(telling);
    } else if ((family == MCBP_FAMILY_TOUCH || family == MCBP_FAMILY_RETRIEVE_TOUCH) &&
               judged->status == MCBP_STATUS_SUCCESS) {
        tell_touched(telling);
    } else if (telling->needs.is_subdoc && is_success(judged->status) && telling->answer != NULL) {
        tell_virtual(telling);
    }
}

/* ---------------------------------------------------------------- results of lookups */

static bool is_lookup(const struct needs *needs)
{
    return needs->is_subdoc && needs->subdoc.is_multi && !needs->subdoc.is_mutation;
}

/* A member of $document that every document has, by ours, is not there by theirs. */
static bool is_denied(const struct mcbp_subdoc_spec *spec, const struct mcbp_subdoc_result both[2])
{
    static const char name[] = "$document";
    struct span path = spec->path;
    return is_virtual(spec) && path.size >= strlen(name) &&
           memcmp(path.data, name, strlen(name)) == 0 &&
           memchr(path.data, '[', path.size) == NULL && both[0].status == MCBP_STATUS_SUCCESS &&
           both[1].status != MCBP_STATUS_SUCCESS;
}

/* Takes the results of what is not known from the answer, all others from the response. False: they
 * are no such results. */
static bool merge(struct judged *judged, const struct needs *needs, struct span ours,
                  struct buffer *merged, bool *failed)
{
    struct span theirs = judged->exchange->answer->value;
    uint16_t unknown = judged->exchange->asked->document->unknown;
    struct mcbp_subdoc_result results[2];
    for (size_t i = 0; i < needs->subdoc.count; i++) {
        const struct mcbp_subdoc_spec *spec = &needs->subdoc.specs[i];
        if (!mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &ours, &results[0]) ||
            !mcbp_subdoc_result_next(MCBP_SUBDOC_LOOKUP, &theirs, &results[1])) {
            return false;
        }
        bool told = (unknown & needs_of(spec)) != 0 && !is_denied(spec, results);
        const struct mcbp_subdoc_result *result = &results[told];
        if (!subdoc_add_lookup_result(merged, result->status, result->value)) {
            return false;
        }
        *failed |= result->status != MCBP_STATUS_SUCCESS;
        judged->told |= told;
    }
    return true;
}

static uint16_t lookup_status(const struct document *document, bool failed)
{
    if (document->deleted) {
        return failed ? MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED
                      : MCBP_STATUS_SUBDOC_SUCCESS_DELETED;
    }
    return failed ? MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE : MCBP_STATUS_SUCCESS;
}

void known_merge(struct judged *judged, struct kvr_response *response)
{
    struct needs needs;
    struct buffer merged = {0};
    bool failed = false;
    find_needs(judged, &needs);
    if (!is_lookup(&needs) || !is_success(response->status) || !is_success(judged->status) ||
        (judged->exchange->asked->document->unknown & needs.unknown) == 0) {
        return;
    }
    struct span ours = span_of(response->value, response->value_size);
    struct blob *kept =
        merge(judged, &needs, ours, &merged, &failed) ? blob_copy(buffer_span(&merged)) : NULL;
    buffer_deinit(&merged);
    if (kept != NULL) {
        blob_drop(judged->shadow->kept);
        judged->shadow->kept = kept;
        response->value = kept->bytes;
        response->value_size = kept->size;
        response->value_owner = NULL;
        response->status = lookup_status(judged->exchange->asked->document, failed);
    }
}

/* ---------------------------------------------------------------- before and after */

/* Whether such an answer depends on what the document holds. Of a counter, a number is looked for
 * before a lock is, and paths are. */
static bool looks_at_content(const struct judged *judged)
{
    switch (judged->status) {
    case MCBP_STATUS_LOCKED:
        return mcbp_opcode_counts(judged->opcode) ||
               mcbp_subdoc_shape_of(judged->opcode) != MCBP_SUBDOC_NONE;
    case MCBP_STATUS_KEY_EXISTS:
        return mcbp_opcode_counts(judged->opcode);
    case MCBP_STATUS_KEY_NOT_FOUND:
    case MCBP_STATUS_INVALID_ARGUMENTS:
    case MCBP_STATUS_NOT_STORED:
    case MCBP_STATUS_NOT_LOCKED:
        return false;
    default:
        return true;
    }
}

bool known_tell(struct judged *judged, struct document *document)
{
    struct telling telling = {
        .judged = judged, .document = document, .answer = judged->exchange->answer};
    find_needs(judged, &telling.needs);
    if (document->unknown != 0 || document->expiry_set != 0) {
        tell_presence(&telling);
        tell_lock(&telling);
        tell_times(&telling);
        tell_cas(&telling);
        tell_content(&telling);
        tell_flags(&telling);
    } else {
        tell_times(&telling);
    }
    if (is_undecided(&telling)) {
        return false;
    }
    bool sees = (telling.needs.doc_flags & MCBP_SUBDOC_DOC_ACCESS_DELETED) != 0;
    bool added = telling.needs.adds && judged->status == MCBP_STATUS_SUCCESS;
    bool absent = document->deleted && (added || !is_open(&telling, DOCUMENT_PRESENCE)) &&
                  !(sees && document->revision > 0);
    return !looks_at_content(judged) || is_lookup(&telling.needs) || absent ||
           (document->unknown & telling.needs.unknown) == 0;
}

/* Success of a change gives it a new CAS, and ends a lock. Which of its numbers a token has if it
 * is durable depends on the release. Source: sync_writes_return_committed_seqno. */
static uint16_t after_change(const struct judged *judged, uint16_t unknown)
{
    const struct mcbp_frame *answer = judged->exchange->answer;
    bool durable = asked_is_durable(judged->exchange->request);
    unknown &= (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_LOCK | DOCUMENT_CAS | DOCUMENT_SEQNO);
    unknown |= answer == NULL ? DOCUMENT_CAS | DOCUMENT_LOCK | DOCUMENT_REVISION : 0;
    unknown |= answer == NULL || durable || !mcbp_token_is(answer->header.opcode, answer->extras)
                   ? DOCUMENT_SEQNO
                   : 0;
    return unknown;
}

static uint16_t after_expiry(struct needs *needs, uint16_t unknown, uint16_t before)
{
    enum { RELATIVE_MAX = 60 * 60 * 24 * 30 };
    if (needs->preserves && (before & (DOCUMENT_PRESENCE | DOCUMENT_EXPIRY)) != 0) {
        return unknown | DOCUMENT_EXPIRY;
    }
    if (needs->preserves && (before & DOCUMENT_EXPIRY_SECOND) != 0) {
        return unknown;
    }
    needs->sets_expiry = true;
    unknown &= (uint16_t) ~(DOCUMENT_EXPIRY | DOCUMENT_EXPIRY_SECOND);
    bool relative = needs->expiry != 0 && needs->expiry <= RELATIVE_MAX;
    return unknown | (relative ? DOCUMENT_EXPIRY_SECOND : 0);
}

static uint16_t after_subdoc(const struct judged *judged, struct needs *needs, uint16_t unknown,
                             uint16_t before)
{
    unknown &= (uint16_t)~DOCUMENT_PRESENCE;
    if (!needs->subdoc.is_mutation) {
        return unknown & (uint16_t)~DOCUMENT_CAS;
    }
    unknown = after_expiry(needs, after_change(judged, unknown), before);
    unknown &= needs->sets_body || needs->adds ? (uint16_t)~DOCUMENT_VALUE : UINT16_MAX;
    if (needs->adds || needs->subdoc.extras.has_user_flags) {
        unknown &= (uint16_t)~DOCUMENT_FLAGS;
    }
    bool told = (unknown & (DOCUMENT_SEQNO | DOCUMENT_CAS)) == 0;
    return unknown | (needs->has_macros && !told ? DOCUMENT_XATTRS : 0);
}

/* All is known that the request has brought. What a deletion leaves depends on the release, and of
 * attributes on what was there. */
static uint16_t after_with_meta(const struct judged *judged, uint16_t unknown)
{
    struct with_meta meta;
    bool has_xattrs = (judged->exchange->request->header.datatype & MCBP_DATATYPE_XATTR) != 0;
    if (!with_meta_read(judged->exchange->request, &meta)) {
        return unknown;
    }
    uint16_t numbers = after_change(judged, 0) & (uint16_t) ~(DOCUMENT_REVISION | DOCUMENT_LOCK);
    numbers &= meta.regenerates ? UINT16_MAX : (uint16_t)~DOCUMENT_CAS;
    bool told = (numbers & (DOCUMENT_CAS | DOCUMENT_SEQNO)) == 0;
    numbers |= meta.patches && !told ? DOCUMENT_XATTRS : 0;
    uint16_t left = DOCUMENT_EXPIRY | DOCUMENT_FLAGS;
    left |= has_xattrs ? 0 : unknown & (DOCUMENT_XATTRS | DOCUMENT_SYSTEM_XATTRS);
    return numbers | (meta.deletes ? left : 0);
}

/* Who is shown system attributes may see all of them; of others it is not known whether there are
 * any. Source: maybeStripXattrs in daemon/protocol/mcbp/getex_context.cc. */
static uint16_t after_whole(const struct document *document, uint16_t unknown, bool locked)
{
    struct blob *system = NULL;
    const uint16_t xattrs = DOCUMENT_XATTRS | DOCUMENT_SYSTEM_XATTRS;
    bool was_open = (unknown & xattrs) != 0;
    bool shown = xattr_keep_system(document->xattrs, &system) && system != NULL;
    blob_drop(system);
    unknown &= (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_VALUE | DOCUMENT_FLAGS | xattrs |
                            (locked ? 0 : DOCUMENT_CAS | DOCUMENT_LOCK));
    return unknown | (was_open && !shown ? DOCUMENT_SYSTEM_XATTRS : 0);
}

static uint16_t after_success(const struct judged *judged, struct needs *needs, uint16_t unknown,
                              uint16_t before, bool created)
{
    bool locked =
        judged->exchange->answer != NULL && judged->exchange->answer->header.cas == UINT64_MAX;
    if (needs->is_subdoc) {
        return after_subdoc(judged, needs, unknown, before);
    }
    if (judged->opcode == MCBP_GET_LOCKED || judged->opcode == MCBP_UNLOCK_KEY) {
        unknown &= (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_LOCK);
        return judged->opcode == MCBP_UNLOCK_KEY
                   ? unknown
                   : unknown & (uint16_t) ~(DOCUMENT_VALUE | DOCUMENT_FLAGS);
    }
    if (judged->opcode == MCBP_GET_META) {
        return unknown & (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_FLAGS |
                                      (locked ? 0 : DOCUMENT_CAS | DOCUMENT_LOCK));
    }
    if (judged->opcode == MCBP_GET_EX) {
        return after_whole(judged->exchange->asked->document, unknown, locked);
    }
    if (with_meta_brings(judged->opcode)) {
        return after_with_meta(judged, unknown);
    }
    if (judged->opcode == MCBP_RETURN_META) {
        return DOCUMENT_SEQNO; /* all else was brought, or shown */
    }
    switch (mcbp_opcode_family(judged->opcode)) {
    case MCBP_FAMILY_RETRIEVE:
        return unknown & (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_VALUE | DOCUMENT_FLAGS |
                                      (locked ? 0 : DOCUMENT_CAS | DOCUMENT_LOCK));
    case MCBP_FAMILY_RETRIEVE_TOUCH:
        return after_expiry(needs, after_change(judged, unknown), before) &
               (uint16_t) ~(DOCUMENT_VALUE | DOCUMENT_FLAGS);
    case MCBP_FAMILY_TOUCH:
        return after_expiry(needs, after_change(judged, unknown), before);
    case MCBP_FAMILY_STORE:
        unknown = after_expiry(needs, after_change(judged, unknown), before);
        return unknown & (uint16_t) ~(DOCUMENT_VALUE | DOCUMENT_FLAGS);
    case MCBP_FAMILY_REMOVE: /* which times and flags a tombstone has depends on the release */
        return (after_change(judged, unknown) & (uint16_t)~DOCUMENT_VALUE) | DOCUMENT_EXPIRY |
               DOCUMENT_FLAGS;
    case MCBP_FAMILY_COUNT: /* what is made has the request's expiry */
        if ((before & DOCUMENT_PRESENCE) == 0 && created) {
            unknown = after_expiry(needs, unknown, before);
        }
        if (judged->exchange->answer == NULL && (before & DOCUMENT_EXPIRY) != 0) {
            return after_change(judged, unknown) | DOCUMENT_VALUE | DOCUMENT_FLAGS; /* expired? */
        }
        return after_change(judged, unknown) & (uint16_t)~DOCUMENT_VALUE;
    default:
        return after_change(judged, unknown);
    }
}

/* A new document's revision follows from those of all that were deleted in its vbucket. Source:
 * engines/ep/src/vbucket.cc, getMaxDeletedRevSeqno. */
static uint16_t after_creation(const struct document *document, const struct document *before)
{
    bool created = before->deleted && !document->deleted;
    bool buried = before->revision == 0 && document->revision > 0; /* created as deleted */
    return created || buried ? DOCUMENT_REVISION : 0;
}

/* What was not there has what the request gives it. */
static uint16_t told_by_creation(const struct document *document, const struct document *before,
                                 const struct needs *needs, uint16_t open)
{
    bool created = before->deleted && !document->deleted && !deals_with_deleted(needs);
    bool sure = needs->adds || (open & DOCUMENT_PRESENCE) == 0;
    return created && sure && !needs->has_macros
               ? DOCUMENT_VALUE | DOCUMENT_FLAGS | DOCUMENT_XATTRS | DOCUMENT_SYSTEM_XATTRS
               : 0;
}

/* Which times and flags a tombstone has depends on the release. */
static uint16_t after_deletion(const struct needs *needs, const struct document *document)
{
    bool left = needs->subdoc.is_mutation && document->deleted;
    return left ? DOCUMENT_EXPIRY | DOCUMENT_FLAGS : 0;
}

/* A locked document does not show its version, and so not of which one its attributes are, where
 * requests overlap. */
static uint16_t unversioned(const struct document *document)
{
    return document->user != NULL || document->doubted ? ATTRIBUTES : 0;
}

static bool sets_expiry(const struct judged *judged, const struct needs *needs,
                        const struct document *before)
{
    bool preserves = needs->preserves && !before->deleted;
    return (needs->sets_expiry && !preserves) || with_meta_brings(judged->opcode);
}

void known_learn(const struct judged *judged, struct document *document, uint16_t open,
                 const struct document *before)
{
    struct needs needs;
    find_needs(judged, &needs);
    document->unknown |= after_creation(document, before);
    if (is_success(judged->status) &&
        !(judged->status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE && needs.subdoc.is_mutation)) {
        document->unknown = after_success(judged, &needs, document->unknown, open, before->deleted);
        document->unknown |= after_deletion(&needs, document);
        document->unknown &= (uint16_t)~told_by_creation(document, before, &needs, open);
        if (!document->deleted && sets_expiry(judged, &needs, before)) {
            limits_note_set(judged, document);
        }
    } else if (says_absence(judged, &needs)) {
        document->unknown &= (uint16_t)~DOCUMENT_PRESENCE;
    } else if (shows_document(judged, &needs) && !document->deleted) {
        document->unknown &= (uint16_t)~DOCUMENT_PRESENCE;
    }
    const struct mcbp_frame *answer = judged->exchange->answer;
    if (answer != NULL && answer->header.cas == UINT64_MAX) {
        document->unknown |= open & unversioned(document);
    }
    if (document->deleted && (document->unknown & DOCUMENT_PRESENCE) == 0) {
        document->unknown &= (uint16_t)~DOCUMENT_LOCK; /* what is not there is not locked */
        document->lock_cas = 0;
    }
    bool may_expire = document->expiry != 0 || (document->unknown & DOCUMENT_EXPIRY) != 0;
    judged->exchange->asked->vbucket->may_jump |= !document->deleted && may_expire;
}

/* Attributes that are not known were edited, and the body as well, or it was left alone. */
static void forget_attributes(const struct judged *judged, struct needs *needs,
                              struct document *document)
{
    bool edits = needs->subdoc.xattr_count < needs->subdoc.count || needs->copies_body;
    bool known = (document->unknown & needs->unknown & DOCUMENT_VALUE) == 0;
    uint16_t before = document->unknown;
    document->lock_cas = 0;
    if (edits && known && !needs->copies_body && body_mutate(judged, &needs->subdoc)) {
        document->unknown = after_subdoc(judged, needs, before, before) | DOCUMENT_XATTRS;
        return;
    }
    document->expiry = 0;
    document->unknown |= needs->unknown & (uint16_t)~DOCUMENT_VALUE;
    document->unknown |= DOCUMENT_SEQNO | DOCUMENT_EXPIRY | DOCUMENT_REVISION |
                         (edits ? DOCUMENT_VALUE : 0) |
                         (needs->subdoc.extras.has_user_flags ? DOCUMENT_FLAGS : 0);
}

/* Nothing is known of it but that it is one. */
static void forget_to_tombstone(const struct judged *judged, struct document *document)
{
    struct vbucket *vbucket = judged->exchange->asked->vbucket->held;
    documents_set_value(&vbucket->documents, document, NULL);
    document->datatype = 0;
    document->unknown |= DOCUMENT_REVISION;
    become_tombstone(document);
}

void known_forget(const struct judged *judged, struct document *document)
{
    struct needs needs;
    uint64_t cas = shadow_version_of(judged->exchange->answer);
    bool changed = shadow_changes(judged->opcode) &&
                   (judged->status == MCBP_STATUS_SUCCESS || tells_tombstone(judged->status));
    find_needs(judged, &needs);
    bool revives = (needs.doc_flags & MCBP_SUBDOC_DOC_REVIVE_DOCUMENT) != 0;
    bool leaves_tombstone =
        tells_tombstone(judged->status) || (changed && needs.deletes && !revives);
    bool known = (document->unknown & DOCUMENT_PRESENCE) == 0 && !document->deleted;
    if (changed && needs.subdoc.is_mutation && known && !leaves_tombstone) {
        forget_attributes(judged, &needs, document);
    } else if (changed) {
        shadow_doubt(document);
    }
    if (is_success(judged->status) && cas != 0) {
        document->deleted = false;
        document->cas = cas;
        document->unknown &= (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_CAS);
    }
    if (leaves_tombstone) {
        forget_to_tombstone(judged, document);
    }
}
