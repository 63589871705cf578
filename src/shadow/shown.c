/* Documents that answers show which are not about one document: what is known of them is held
 * against those. */
#include "base/endian.h"
#include "couchbase/value.h"
#include "mcbp/collection.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "shadow/parts.h"

/* ---------------------------------------------------------------- one document */

/* A change has one number and one CAS. */
static bool is_another_change(const struct document *document, const struct shown *shown)
{
    const uint16_t needed = DOCUMENT_PRESENCE | DOCUMENT_CAS | DOCUMENT_SEQNO | DOCUMENT_LOCK;
    return shown->seqno != 0 && !document->deleted && (document->unknown & needed) == 0 &&
           (shown->seqno == document->seqno) != (shown->cas == document->cas);
}

const char *shown_contradicts_content(const struct document *document, const struct shown *shown)
{
    struct blob *value;
    if (is_another_change(document, shown)) {
        return shown->cas == document->cas ? "the document of that CAS has another sequence number"
                                           : "the change of that number has another CAS";
    }
    if (!shown->has_value || document->deleted || document->cas != shown->cas ||
        (document->unknown & (DOCUMENT_PRESENCE | DOCUMENT_VALUE | DOCUMENT_CAS)) != 0 ||
        (shown->datatype & (MCBP_DATATYPE_SNAPPY | MCBP_DATATYPE_XATTR)) != 0 ||
        !document_hold_inflated(document, &value)) {
        return NULL;
    }
    bool same = span_equal(blob_span(value), shown->value);
    blob_drop(value);
    if (!same) {
        return "the document of that CAS has another value";
    }
    return document->flags == shown->flags || (document->unknown & DOCUMENT_FLAGS) != 0
               ? NULL
               : "the document of that CAS has other flags";
}

/* Nothing may have changed it since the request was sent, seen or unseen; time does not either. */
static bool is_settled(const struct judged *judged, const struct shadow_vbucket *vbucket,
                       const struct document *document)
{
    const struct shadow_exchange *exchange = judged->exchange;
    uint16_t needed = document->deleted
                          ? DOCUMENT_PRESENCE
                          : DOCUMENT_PRESENCE | DOCUMENT_CAS | DOCUMENT_EXPIRY | DOCUMENT_LOCK;
    return !exchange->unseen && !exchange->open && !vbucket->guessed && !document->doubted &&
           document->user == NULL && !anew_is_possible(vbucket) && !vbucket->bucket->may_be_empty &&
           vbucket->ended <= exchange->asked->all_changes &&
           (document->deleted || (document->expiry == 0 && document->lock_cas == 0)) &&
           (document->unknown & needed) == 0;
}

static const char *contradicts_state(const struct document *document, const struct shown *shown)
{
    if (document->deleted) {
        return shown->present ? "the document is not there" : NULL;
    }
    if (!shown->present) {
        return "the document is there";
    }
    return shown->cas == document->cas ? NULL : "the document has another CAS";
}

/* Where nothing may have changed the state of the document since the request was sent, that is held
 * to what is known, too. */
static const char *contradicts(struct judged *judged, uint16_t vbucket,
                               const struct document *document, const struct shown *shown)
{
    const char *why = is_settled(judged, &judged->client->bucket->vbuckets[vbucket], document)
                          ? contradicts_state(document, shown)
                          : NULL;
    judged->verdict->by_unseen = why != NULL;
    return why != NULL ? why : shown_contradicts_content(document, shown);
}

static struct document *find(const struct judged *judged, uint16_t vbucket,
                             const struct document_id *id)
{
    return documents_find_any(&judged->client->bucket->node->vbuckets[vbucket].documents, id);
}

static void contradict(struct judged *judged, const char *why)
{
    judged->verdict->outcome = SHADOW_DIFFERENT;
    judged->verdict->why = why;
}

/* It is known which bucket the client works with, and what its keys mean. */
static bool read_id(const struct shadow_client *client, struct span key, struct document_id *id)
{
    struct mcbp_collection_key whole = {MCBP_DEFAULT_COLLECTION, key};
    if (!client->has_told_bucket || client->bucket->is_several ||
        mcbp_feature_is_in(client->open, MCBP_FEATURE_COLLECTIONS) ||
        (client_has(client, MCBP_FEATURE_COLLECTIONS) && !mcbp_collection_key_read(key, &whole)) ||
        whole.key.size == 0 || whole.key.size > COUCHBASE_KEY_MAX) {
        return false;
    }
    *id = (struct document_id){whole.collection, whole.key};
    return true;
}

/* ---------------------------------------------------------------- GET_RANDOM_KEY */

/* NULL: it is not known; the answer does not say in which vbucket it is, and there may be copies.
 */
static struct document *find_anywhere(const struct judged *judged, const struct document_id *id,
                                      uint16_t *vbucket)
{
    struct document *found = NULL;
    for (uint16_t i = 0; i < COUCHBASE_VBUCKETS_MAX; i++) {
        struct document *document = find(judged, i, id);
        if (document != NULL && found != NULL) {
            return NULL;
        }
        if (document != NULL) {
            found = document;
            *vbucket = i;
        }
    }
    return found;
}

/* The answer as it would be, in what is wrong with it. */
static void show_right(struct judged *judged, const struct document *document,
                       const struct shown *shown)
{
    struct kvr_response *response = &judged->verdict->response;
    struct blob *right = NULL;
    if (document->cas != shown->cas) {
        response->cas = document->cas;
        return;
    }
    if (document->flags != shown->flags && (document->unknown & DOCUMENT_FLAGS) == 0) {
        right = blob_create(4);
        if (right != NULL) {
            write_be32(right->bytes, document->flags);
            response->extras = right->bytes;
        }
    } else if (document_hold_inflated(document, &right)) {
        response->value = blob_span(right).data;
        response->value_size = blob_span(right).size;
    }
    blob_drop(judged->shadow->kept);
    judged->shadow->kept = right;
}

void shown_judge_random(struct judged *judged)
{
    const struct mcbp_frame *request = judged->exchange->request;
    const struct mcbp_frame *answer = judged->exchange->answer;
    struct shown shown = {
        .present = true,
        .cas = answer->header.cas,
        .has_value = true,
        .datatype = answer->header.datatype,
        .value = answer->value,
    };
    uint16_t vbucket;
    judged_compare(judged, SHADOW_ADOPTED);
    if (judged->verdict->outcome == SHADOW_DIFFERENT ||
        !read_id(judged->client, answer->key, &shown.id)) {
        return;
    }
    if (client_has(judged->client, MCBP_FEATURE_COLLECTIONS) && request->extras.size >= 4 &&
        read_be32(request->extras.data) != shown.id.collection) {
        contradict(judged, "it is of another collection than the one asked for");
        return;
    }
    shown.flags = read_be32(answer->extras.data);
    const struct document *document = find_anywhere(judged, &shown.id, &vbucket);
    const char *why = document == NULL ? NULL : contradicts(judged, vbucket, document, &shown);
    if (why != NULL && !document->deleted) {
        show_right(judged, document, &shown);
        judged_compare(judged, SHADOW_ADOPTED); /* what is wrong may be masked */
        judged->verdict->why = why;
    } else if (why != NULL) {
        contradict(judged, why);
    }
}

/* ---------------------------------------------------------------- OBSERVE */

enum {
    OBSERVE_HEAD = 4,      /* vbucket, and the key's length */
    OBSERVE_TAIL = 9,      /* behind the key in an answer: its state, and the CAS */
    OBSERVE_PERSISTED = 1, /* or 0: not yet; others: there is none */
};

/* `told` begins with it. */
static const char *check_observed(struct judged *judged, struct span told, size_t key_size)
{
    const uint8_t *tail = told.data + OBSERVE_HEAD + key_size;
    uint16_t vbucket = read_be16(told.data);
    struct shown shown = {.present = tail[0] <= OBSERVE_PERSISTED, .cas = read_be64(tail + 1)};
    if (vbucket >= COUCHBASE_VBUCKETS_MAX ||
        !read_id(judged->client, span_of(told.data + OBSERVE_HEAD, key_size), &shown.id)) {
        return NULL;
    }
    const struct document *document = find(judged, vbucket, &shown.id);
    return document == NULL ? NULL : contradicts(judged, vbucket, document, &shown);
}

void shown_judge_observed(struct judged *judged)
{
    struct span asked = judged->exchange->request->value;
    struct span told = judged->exchange->answer->value;
    judged_compare(judged, SHADOW_ADOPTED);
    while (judged->verdict->outcome != SHADOW_DIFFERENT && asked.size >= OBSERVE_HEAD) {
        size_t key_size = read_be16(asked.data + 2);
        size_t size = OBSERVE_HEAD + key_size;
        if (asked.size < size || told.size < size + OBSERVE_TAIL ||
            !span_equal(span_head(asked, size), span_head(told, size))) {
            contradict(judged, "it tells of other documents than those asked for");
            return;
        }
        const char *why = check_observed(judged, told, key_size);
        if (why != NULL) {
            contradict(judged, why);
            return;
        }
        asked = span_skip(asked, size);
        told = span_skip(told, size + OBSERVE_TAIL);
    }
}
