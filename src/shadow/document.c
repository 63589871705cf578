/* Requests about a document: executed by the node, with what the server alone decides. */
#include "couchbase/command.h"
#include "couchbase/value.h"
#include "couchbase/with_meta.h"
#include "couchbase/xattr.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"
#include "mcbp/token.h"
#include "response/from_frame.h"
#include "shadow/parts.h"

#include <stdlib.h>

static const int64_t SECOND = 1000000000;

/* ---------------------------------------------------------------- taking back */

struct shadow_memory {
    struct document document;
    uint64_t cas; /* of the vbucket */
    uint64_t seqno;
    bool may_jump;
};

static struct vbucket *vbucket_of(const struct judged *judged)
{
    return judged->exchange->asked->vbucket->held;
}

static void save(const struct shadow_asked *asked, struct shadow_memory *saved)
{
    saved->document = *asked->document;
    blob_hold(saved->document.value);
    blob_hold(saved->document.xattrs);
    blob_hold(saved->document.packed);
    saved->cas = asked->vbucket->held->cas;
    saved->seqno = asked->vbucket->held->seqno;
    saved->may_jump = asked->vbucket->may_jump;
}

static void drop(struct shadow_memory *saved)
{
    blob_drop(saved->document.value);
    blob_drop(saved->document.xattrs);
    blob_drop(saved->document.packed);
}

void shadow_recall(const struct shadow_asked *asked, const struct shadow_memory *memory)
{
    struct document *document = asked->document;
    struct vbucket *vbucket = asked->vbucket->held;
    void *user = document->user;
    documents_set_value(&vbucket->documents, document, blob_hold(memory->document.value));
    documents_set_packed(&vbucket->documents, document, blob_hold(memory->document.packed));
    blob_drop(document->xattrs);
    *document = memory->document;
    document->user = user;
    blob_hold(document->xattrs);
    vbucket->cas = memory->cas;
    vbucket->seqno = memory->seqno;
    asked->vbucket->may_jump = memory->may_jump;
}

struct shadow_memory *shadow_remember(const struct shadow_asked *asked)
{
    struct shadow_memory *memory = malloc(sizeof(*memory));
    if (memory != NULL) {
        save(asked, memory);
    }
    return memory;
}

void shadow_memory_destroy(struct shadow_memory *memory)
{
    if (memory != NULL) {
        drop(memory);
        free(memory);
    }
}

static void restore(const struct judged *judged, const struct shadow_memory *saved)
{
    shadow_recall(judged->exchange->asked, saved);
}

/* ---------------------------------------------------------------- the server's own state */

static void judge_error(struct judged *judged)
{
    struct kvr_response *response = &judged->verdict->response;
    const struct mcbp_header *request = &judged->exchange->request->header;
    *response = (struct kvr_response){
        .opcode = request->opcode, .opaque = request->opaque, .status = judged->status};
    client_set_frame(judged, true, response);
    client_take_error_text(judged, response);
    judged->verdict->answers = true;
    judged_compare(judged, SHADOW_ADOPTED);
}

static void judge_servers_own(struct judged *judged)
{
    judge_error(judged);
    if (judged->status == MCBP_STATUS_NOT_MY_VBUCKET) {
        anew_may_begin(judged->exchange->asked->vbucket);
    } else if (judged->status == MCBP_STATUS_SYNC_WRITE_AMBIGUOUS) {
        shadow_doubt(judged->exchange->asked->document);
    }
}

/* ---------------------------------------------------------------- execution */

struct couchbase_told judged_told_by(const struct mcbp_frame *answer)
{
    struct mcbp_token token = {0};
    struct couchbase_told told = {.cas = shadow_version_of(answer)};
    if (answer != NULL && mcbp_token_read(answer->header.opcode, answer->extras, &token)) {
        told.seqno = token.seqno;
    }
    return told;
}

/* Errors whose value is no text. */
static bool has_results(uint16_t status)
{
    return status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE ||
           status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED ||
           status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED;
}

/* What the node can't know is taken over from the answer. */
static void take_over(struct judged *judged, struct kvr_response *response)
{
    enum { META_WITH_DATATYPE = 21, DATATYPE_AT = 20 };
    const struct mcbp_frame *answer = judged->exchange->answer;
    const struct document *document = judged->exchange->asked->document;
    client_set_frame(judged, true, response);
    if (answer != NULL) {
        known_merge(judged, response);
    }
    if (answer == NULL || response->status != answer->header.vbucket_or_status) {
        return;
    }
    if (response->status != MCBP_STATUS_SUCCESS && !has_results(response->status)) {
        client_take_error_text(judged, response);
    }
    if (judged->opcode == MCBP_RETURN_META) {
        return_meta_take_over(judged, response);
    }
    if (judged->opcode == MCBP_GET_META && response->extras_size == META_WITH_DATATYPE &&
        answer->extras.size == META_WITH_DATATYPE) {
        const uint16_t xattrs = DOCUMENT_XATTRS | DOCUMENT_SYSTEM_XATTRS;
        uint8_t open = (document->unknown & xattrs) != 0 ? MCBP_DATATYPE_XATTR : 0;
        open |= (document->unknown & DOCUMENT_VALUE) != 0 ? MCBP_DATATYPE_JSON : 0;
        open |= MCBP_DATATYPE_SNAPPY;
        uint8_t *datatype = &judged->exchange->asked->vbucket->bucket->node->extras[0][DATATYPE_AT];
        *datatype = (uint8_t)((*datatype & ~open) | (answer->extras.data[DATATYPE_AT] & open));
    }
}

/* Commands that replace a document don't delete it first, unless they keep its attributes. */
static bool is_replaced(const struct judged *judged, const struct document *document)
{
    return judged->opcode == MCBP_ADD ||
           (mcbp_opcode_family(judged->opcode) == MCBP_FAMILY_STORE && document->xattrs == NULL);
}

/* A lookup has found it. */
static bool shows_tombstone(const struct judged *judged)
{
    return !judged->exchange->asked->changes_it &&
           (judged->status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED ||
            judged->status == MCBP_STATUS_SUBDOC_MULTI_PATH_FAILURE_DELETED);
}

/* A document that has expired is deleted when it is looked for, or by the server itself some time,
 * which GET_META shows; with numbers that no other answer tells. */
static void expire(const struct judged *judged, struct document *document, int64_t now)
{
    enum { FLAGS_AT = 4, EXPIRY_AT = 8, REVISION_AT = 12, END = 20 };
    const struct mcbp_frame *answer = judged->exchange->answer;
    struct command expiry = {.vbucket = vbucket_of(judged), .now = now};
    bool tells = judged->opcode == MCBP_GET_META && answer != NULL && answer->extras.size >= END;
    if (!document_is_expired(document, now) || document->deleted || is_replaced(judged, document) ||
        (judged->opcode == MCBP_GET_META &&
         !(tells && read_be64(answer->extras.data + REVISION_AT) > document->revision))) {
        return;
    }
    command_bury(&expiry, document);
    document->unknown |= DOCUMENT_CAS | DOCUMENT_SEQNO | DOCUMENT_EXPIRY | DOCUMENT_FLAGS;
    if (shows_tombstone(judged) || tells) {
        document->cas = shadow_version_of(answer);
    }
    if (tells) {
        document->flags = read_be32(answer->extras.data + FLAGS_AT);
        document->expiry = read_be32(answer->extras.data + EXPIRY_AT);
    }
}

static void execute(struct judged *judged, int64_t now)
{
    struct couchbase_answer answer;
    struct shadow_verdict *verdict = judged->verdict;
    struct shadow_bucket *bucket = judged->exchange->asked->vbucket->bucket;
    struct vbucket *vbucket = vbucket_of(judged);
    struct couchbase_request request = {.frame = judged->exchange->request,
                                        .now = now,
                                        .told = judged_told_by(judged->exchange->answer)};
    request.told.replica = asked_of_replica(judged->exchange->request);
    request.told.resolution = with_meta_tell(judged);
    request.told.max_ttl = limits_max_ttl(judged);
    expire(judged, judged->exchange->asked->document, now);
    return_meta_prepare(judged, now);
    vbucket->uuid = judged->exchange->asked->vbucket->uuid;
    couchbase_execute(bucket->node, judged->client->session, &request, &answer);
    verdict->answers = answer.count > 0;
    verdict->closes = answer.close;
    if (verdict->answers) {
        verdict->response = answer.responses[answer.count - 1];
        take_over(judged, &verdict->response);
    }
}

static bool agrees(struct judged *judged)
{
    judged_compare(judged, judged->told ? SHADOW_ADOPTED : SHADOW_IDENTICAL);
    return judged->verdict->outcome != SHADOW_DIFFERENT;
}

/* ---------------------------------------------------------------- explanations */

/* An error that the server may give at any time is no sign of a client without extended ones. */
static bool decides(const struct judged *judged, enum mcbp_feature feature)
{
    return feature != MCBP_FEATURE_XERROR || !judged_is_servers_own(judged->status);
}

/* The client has not said in the capture what it takes. */
static bool try_features(struct judged *judged, const struct shadow_memory *saved, int64_t now)
{
    static const enum mcbp_feature features[] = {MCBP_FEATURE_JSON, MCBP_FEATURE_SNAPPY,
                                                 MCBP_FEATURE_XERROR};
    struct shadow_client *client = judged->client;
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        if (!mcbp_feature_is_in(client->open, features[i])) {
            continue;
        }
        mcbp_feature_set before = client->session->features;
        client->session->features &= ~((mcbp_feature_set)1 << features[i]);
        restore(judged, saved);
        execute(judged, now);
        bool explained = agrees(judged);
        if (explained && decides(judged, features[i])) {
            client->open &= ~((mcbp_feature_set)1 << features[i]);
            return true;
        }
        client->session->features = before;
        if (explained) {
            return true;
        }
    }
    return false;
}

/* It was executed before it was answered; and `slack`: the capture's clock is not the server's, and
 * that ticks in seconds. */
static bool try_clock(struct judged *judged, const struct shadow_memory *saved, int64_t slack)
{
    const struct shadow_exchange *exchange = judged->exchange;
    const struct document *document = &saved->document;
    int64_t later = document->lock_slack > slack ? document->lock_slack : slack;
    int64_t behind = judged_ahead(judged) < 0 ? judged_ahead(judged) : 0;
    int64_t ahead = judged_ahead(judged) > 0 ? judged_ahead(judged) : 0;
    int64_t times[] = {exchange->asked_at - slack + behind, exchange->answered_at + later + ahead};
    bool expires = document->expiry != 0 && document->expiry >= times[0] / SECOND &&
                   document->expiry <= times[1] / SECOND;
    bool unlocks = document->lock_cas != 0 && document->locked_until >= times[0] &&
                   document->locked_until <= times[1];
    for (size_t i = 0; i < 2 && (expires || unlocks); i++) {
        restore(judged, saved);
        execute(judged, times[i]);
        if (agrees(judged)) {
            judged->verdict->outcome = SHADOW_AMBIGUOUS;
            return true;
        }
    }
    return false;
}

/* When it was to expire, the capture does not tell: it has, some time before it was asked for. */
static bool try_expired(struct judged *judged, const struct shadow_memory *saved, int64_t now)
{
    struct document *document = judged->exchange->asked->document;
    const uint16_t needed = DOCUMENT_PRESENCE | DOCUMENT_EXPIRY;
    if (saved->document.deleted || (saved->document.unknown & needed) != DOCUMENT_EXPIRY) {
        return false;
    }
    restore(judged, saved);
    document->expiry = (uint32_t)(judged->exchange->asked_at / SECOND);
    document->unknown = DOCUMENT_ALL & (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_EXPIRY);
    execute(judged, now);
    judged->told = true;
    judged->verdict->expired = agrees(judged);
    return judged->verdict->expired;
}

static bool shows_whole(const struct judged *judged)
{
    return judged->exchange->answer != NULL && judged->status == MCBP_STATUS_SUCCESS &&
           (judged->opcode == MCBP_GET_EX || mcbp_opcode_retrieves(judged->opcode));
}

/* Nothing of it is compressed. False: no memory. */
static bool inflate(const struct judged *judged, struct document *document)
{
    struct blob *value;
    if (!document_hold_inflated(document, &value)) {
        return false;
    }
    documents_set_value(&vbucket_of(judged)->documents, document, value);
    document->datatype &= MCBP_DATATYPE_JSON;
    return true;
}

/* The answer has the response's value, perhaps compressed. */
static bool has_value(const struct mcbp_frame *answer, const struct kvr_response *response)
{
    struct blob *value = NULL;
    struct document sent = {.datatype = answer->header.datatype & MCBP_DATATYPE_SNAPPY,
                            .value = blob_copy(answer->value)};
    bool same = sent.value != NULL && document_hold_inflated(&sent, &value) &&
                span_equal(blob_span(value), span_of(response->value, response->value_size));
    blob_drop(value);
    blob_drop(sent.value);
    return same;
}

/* Keeps it as the answer has it. */
static void compress(const struct judged *judged, struct document *document)
{
    struct documents *documents = &vbucket_of(judged)->documents;
    struct blob *sent = blob_copy(judged->exchange->answer->value);
    if (document->xattrs != NULL) {
        documents_set_packed(documents, document, sent);
    } else if (sent != NULL) {
        documents_set_value(documents, document, sent);
        document->datatype |= MCBP_DATATYPE_SNAPPY;
    }
}

/* How a value is compressed is the server's choice. */
static bool try_recompressed(struct judged *judged, const struct shadow_memory *saved, int64_t now)
{
    struct document *document = judged->exchange->asked->document;
    const struct mcbp_frame *answer = judged->exchange->answer;
    uint8_t may = session_datatypes(judged->client->session) & MCBP_DATATYPE_SNAPPY;
    if (!shows_whole(judged) || may == 0 ||
        ((answer->header.datatype | document_datatypes(&saved->document)) & may) == 0) {
        return false;
    }
    restore(judged, saved);
    if (!inflate(judged, document)) {
        return false;
    }
    execute(judged, now);
    if (!has_value(answer, &judged->verdict->response)) {
        return false;
    }
    if ((answer->header.datatype & MCBP_DATATYPE_SNAPPY) != 0) {
        compress(judged, document);
        execute(judged, now);
    }
    judged->verdict->recompressed = agrees(judged);
    return judged->verdict->recompressed;
}

/* System attributes are hidden from those who may not read them, of which the capture does not
 * tell; then nothing is compressed. Source: daemon/protocol/mcbp/getex_context.cc. */
static bool try_hidden(struct judged *judged, const struct shadow_memory *saved, int64_t now)
{
    struct document *document = judged->exchange->asked->document;
    struct blob *users;
    if (judged->opcode != MCBP_GET_EX || !shows_whole(judged)) {
        return false;
    }
    restore(judged, saved);
    if (!inflate(judged, document) || !xattr_keep_user(document->xattrs, &users)) {
        return false;
    }
    blob_drop(document->xattrs);
    document->xattrs = users;
    execute(judged, now);
    bool agreed = agrees(judged);
    restore(judged, saved);
    return agreed;
}

/* ---------------------------------------------------------------- the request */

enum attempt { ATTEMPT_AGREES, ATTEMPT_DISAGREES, ATTEMPT_IMPOSSIBLE };

/* What was there before the server's absence still is: it has not begun anew, with nothing. */
static void note_version(const struct judged *judged, const struct document *before)
{
    struct shadow_bucket *bucket = judged->exchange->asked->vbucket->bucket;
    uint64_t cas = shadow_version_of(judged->exchange->answer);
    bucket->may_be_empty &= cas > bucket->cas_left || !shadow_has_version(before, cas);
    bucket->cas = cas > bucket->cas ? cas : bucket->cas;
}

/* With what is known of the document, and what the answer tells of the rest. */
static enum attempt attempt(struct judged *judged, enum shadow_rigour rigour)
{
    struct document *document = judged->exchange->asked->document;
    int64_t now = judged->exchange->answered_at;
    uint16_t before = document->unknown;
    struct shadow_memory saved;
    judged->told = false;
    judged->limit = LIMIT_UNTOLD;
    if (!known_tell(judged, document)) {
        return ATTEMPT_IMPOSSIBLE;
    }
    save(judged->exchange->asked, &saved);
    bool same = shadow_has_version(document, shadow_version_of(judged->exchange->answer));
    execute(judged, now);
    bool agreed = agrees(judged) || try_recompressed(judged, &saved, now) ||
                  try_hidden(judged, &saved, now) ||
                  try_clock(judged, &saved, rigour == SHADOW_LENIENT ? 2 * SECOND : 0) ||
                  ((rigour == SHADOW_LENIENT || rigour == SHADOW_OPEN || same) &&
                   try_features(judged, &saved, now)) ||
                  (rigour == SHADOW_LENIENT && try_expired(judged, &saved, now));
    agreed &= !(rigour == SHADOW_KNOWN && judged->told);
    if (agreed && judged->opcode == MCBP_GET_LOCKED && judged->status == MCBP_STATUS_SUCCESS) {
        document->lock_slack = now - judged->exchange->asked_at;
    }
    if (agreed) {
        note_version(judged, &saved.document);
        limits_learn(judged);
        known_learn(judged, document, before, &saved.document);
    }
    drop(&saved);
    return agreed ? ATTEMPT_AGREES : ATTEMPT_DISAGREES;
}

static void lose(const struct judged *judged, struct document *document)
{
    documents_set_value(&vbucket_of(judged)->documents, document, NULL);
    blob_drop(document->xattrs);
    document->xattrs = NULL;
    document->deleted = true;
    document->lock_cas = 0;
    document->expiry = 0;
    document->expiry_set = 0;
    document->revision = 0;
    document->unknown = 0;
}

/* Reads wait for no other node, but for what a node that has taken over commits again. */
static bool may_be_durable(const struct judged *judged)
{
    return judged->exchange->asked->changes_it ||
           judged->status == MCBP_STATUS_SYNC_WRITE_RECOMMIT_IN_PROGRESS ||
           judged->status < MCBP_STATUS_DURABILITY_IMPOSSIBLE ||
           judged->status > MCBP_STATUS_SYNC_WRITE_RECOMMIT_IN_PROGRESS;
}

/* A server that begins anew has no documents. */
static bool is_lost(struct judged *judged)
{
    struct shadow_vbucket *vbucket = judged->exchange->asked->vbucket;
    struct document *document = judged->exchange->asked->document;
    if (!vbucket->bucket->may_be_empty || document->deleted) {
        return false;
    }
    lose(judged, document);
    if (attempt(judged, SHADOW_LENIENT) != ATTEMPT_AGREES) {
        return false;
    }
    judged->verdict->outcome = SHADOW_ADOPTED;
    anew_begin(judged->shadow, vbucket, document);
    return true;
}

/* Servers forget tombstones. */
static bool is_purged(struct judged *judged)
{
    struct document *document = judged->exchange->asked->document;
    if ((document->unknown & DOCUMENT_PRESENCE) != 0 || document->revision == 0 ||
        !known_may_be_purged(document, judged->exchange->answered_at)) {
        return false;
    }
    lose(judged, document);
    if (attempt(judged, SHADOW_LENIENT) != ATTEMPT_AGREES) {
        return false;
    }
    judged->verdict->outcome = SHADOW_ADOPTED;
    return true;
}

/* What the server alone knows may be the reason of an error. */
static enum attempt explain_by_server(struct judged *judged, const struct shadow_memory *saved)
{
    restore(judged, saved);
    if (!judged_is_servers_own(judged->status) || !may_be_durable(judged) ||
        judged_is_ruled_out(judged)) {
        return ATTEMPT_DISAGREES;
    }
    judge_servers_own(judged);
    return judged->verdict->outcome == SHADOW_DIFFERENT ? ATTEMPT_DISAGREES : ATTEMPT_AGREES;
}

/* A change by others that the capture does not have, or a document from before it, may be the
 * reason of any answer. */
static enum attempt explain(struct judged *judged, const struct shadow_memory *saved, bool *would)
{
    if (is_lost(judged)) {
        return ATTEMPT_AGREES;
    }
    restore(judged, saved);
    if (is_purged(judged)) {
        return ATTEMPT_AGREES;
    }
    restore(judged, saved);
    shadow_doubt(judged->exchange->asked->document);
    enum attempt attempted = attempt(judged, SHADOW_LENIENT);
    *would = attempted != ATTEMPT_DISAGREES;
    return judged->exchange->unseen ? attempted : ATTEMPT_DISAGREES;
}

static void conclude(struct judged *judged, enum attempt attempted)
{
    struct document *document = judged->exchange->asked->document;
    if (attempted == ATTEMPT_IMPOSSIBLE) {
        known_forget(judged, document);
        judge_form(judged);
    } else if (attempted == ATTEMPT_DISAGREES) {
        shadow_doubt(document);
    }
}

/* One that has lived a while and is not there. */
static const char *why_missing(const struct judged *judged, const struct document *document)
{
    bool may_be_limited = document->expiry_set != 0 && !document->deleted &&
                          judged->exchange->answered_at / SECOND > (int64_t)document->expiry_set &&
                          judged->status == MCBP_STATUS_KEY_NOT_FOUND;
    return may_be_limited ? "a maxTTL of its collection, if it has one, was not told" : NULL;
}

/* Nothing explains the answer: what it would have to be, for the report. */
static void show(struct judged *judged, const struct shadow_memory *saved)
{
    const char *why = why_missing(judged, &saved->document);
    restore(judged, saved);
    judged->told = false;
    if (known_tell(judged, judged->exchange->asked->document)) {
        execute(judged, judged->exchange->answered_at);
        agrees(judged);
    }
    judged->verdict->why = judged->verdict->why == NULL ? why : judged->verdict->why;
    restore(judged, saved);
}

/* The node does not have the commands of other nodes. */
static bool is_executed(const struct judged *judged)
{
    if (mcbp_subdoc_shape_of(judged->opcode) != MCBP_SUBDOC_NONE) {
        return true;
    }
    if (with_meta_brings(judged->opcode)) {
        return with_meta_is_executed(judged);
    }
    return judged->opcode <= MCBP_GAT || judged->opcode == MCBP_GET_LOCKED ||
           judged->opcode == MCBP_UNLOCK_KEY || judged->opcode == MCBP_GET_META ||
           judged->opcode == MCBP_GET_EX || judged->opcode == MCBP_RETURN_META;
}

void document_judge(struct judged *judged, enum shadow_rigour rigour)
{
    struct shadow_memory saved;
    bool would = false;
    limits_settle(judged, judged->exchange->asked->document);
    save(judged->exchange->asked, &saved);
    enum attempt attempted = is_executed(judged) ? attempt(judged, rigour) : ATTEMPT_IMPOSSIBLE;
    if (attempted == ATTEMPT_DISAGREES && (rigour == SHADOW_LENIENT || rigour == SHADOW_OPEN)) {
        attempted = explain_by_server(judged, &saved);
    }
    if (attempted == ATTEMPT_DISAGREES && rigour == SHADOW_LENIENT) {
        attempted = explain(judged, &saved, &would);
    } else if (attempted == ATTEMPT_IMPOSSIBLE && rigour == SHADOW_KNOWN) {
        attempted = ATTEMPT_DISAGREES;
    }
    if (attempted == ATTEMPT_DISAGREES && rigour != SHADOW_LENIENT) {
        judged->verdict->outcome = SHADOW_DIFFERENT;
        restore(judged, &saved);
        drop(&saved);
        return;
    }
    if (attempted == ATTEMPT_DISAGREES) {
        show(judged, &saved);
        judged->verdict->by_unseen = would;
    }
    conclude(judged, attempted);
    drop(&saved);
}

/* ---------------------------------------------------------------- replicas */

/* Of several paths, what is not known is taken from the answer. */
static uint16_t needed_of_replica(uint8_t opcode)
{
    const uint16_t always = DOCUMENT_LOCK | DOCUMENT_EXPIRY | DOCUMENT_VALUE;
    return opcode == MCBP_GET_REPLICA           ? always | DOCUMENT_FLAGS
           : opcode == MCBP_SUBDOC_MULTI_LOOKUP ? always
                                                : DOCUMENT_ALL;
}

/* The document, if it has the version that the answer shows, and all of that is known. */
static struct document *shown_by_replica(const struct judged *judged, uint16_t *vbucket)
{
    struct document_id id;
    const struct mcbp_frame *answer = judged->exchange->answer;
    bool compressed = (answer->header.datatype & MCBP_DATATYPE_SNAPPY) != 0;
    uint16_t needed = needed_of_replica(judged->opcode);
    if (judged->client->bucket->is_several ||
        !asked_place(judged->client, judged->exchange->request, vbucket, &id)) {
        return NULL;
    }
    struct documents *documents = &judged->client->bucket->node->vbuckets[*vbucket].documents;
    struct document *document = documents_find_any(documents, &id);
    bool known = document != NULL && document->user == NULL && !document->doubted &&
                 (document->unknown & needed) == 0 && !document->deleted && document->expiry == 0 &&
                 document->lock_cas == 0 &&
                 compressed == ((document->datatype & MCBP_DATATYPE_SNAPPY) != 0);
    return known && shadow_has_version(document, shadow_version_of(answer)) ? document : NULL;
}

/* As if the document had been asked for. */
static void compare_version(const struct judged *judged, uint16_t vbucket,
                            struct document *document)
{
    struct shadow_memory saved;
    struct shadow_asked asked = {.document = document,
                                 .vbucket = &judged->client->bucket->vbuckets[vbucket]};
    struct shadow_exchange exchange = *judged->exchange;
    struct judged of_document = *judged;
    exchange.asked = &asked;
    of_document.exchange = &exchange;
    save(&asked, &saved);
    execute(&of_document, exchange.answered_at);
    judged_compare(&of_document, SHADOW_IDENTICAL);
    restore(&of_document, &saved);
    drop(&saved);
}

void document_judge_replica(struct judged *judged)
{
    uint16_t vbucket;
    bool refused =
        judged_is_servers_own(judged->status) || judged->status == MCBP_STATUS_KEY_NOT_FOUND;
    struct document *document =
        judged->exchange->answer == NULL ? NULL : shown_by_replica(judged, &vbucket);
    if (refused && judged->exchange->answer != NULL) {
        judge_error(judged);
    } else if (document != NULL) {
        compare_version(judged, vbucket, document);
    } else {
        judge_form(judged);
    }
}
