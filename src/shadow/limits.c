/*
 * How long a server lets documents live: maxTTL of a collection, or of its bucket. Manifests tell
 * it of a collection; else it shows from documents that expire though, or before, their clients
 * said. Source: Collections::VB::Manifest::processExpiryTime in
 * engines/ep/src/collections/vbucket_manifest.cc.
 *
 * A document whose time was set before that is known (document->expiry_set) is not taken to expire
 * earlier, so that one that gets lost is a difference.
 */
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "shadow/parts.h"

#include <jansson.h>
#include <stdlib.h>

/* Of one collection. */
struct shadow_limit {
    struct shadow_limit *next;
    uint32_t collection;
    uint32_t max_ttl; /* seconds; 0: none */
};

static const int64_t SECOND = 1000000000;

void limits_forget(struct shadow_bucket *bucket)
{
    while (bucket->limits != NULL) {
        struct shadow_limit *limit = bucket->limits;
        bucket->limits = limit->next;
        free(limit);
    }
}

static const struct shadow_limit *find(const struct shadow_bucket *bucket, uint32_t collection)
{
    const struct shadow_limit *limit = bucket->limits;
    while (limit != NULL && limit->collection != collection) {
        limit = limit->next;
    }
    return limit;
}

static void add(struct shadow_bucket *bucket, uint32_t collection, uint32_t max_ttl)
{
    struct shadow_limit *limit = malloc(sizeof(*limit));
    if (limit != NULL) { /* else it is told again */
        *limit = (struct shadow_limit){bucket->limits, collection, max_ttl};
        bucket->limits = limit;
    }
}

/* ---------------------------------------------------------------- manifests */

/* In each vbucket, a collection's creation and end have sequence numbers, too. Source:
 * createCollection and dropCollection in engines/ep/src/collections/vbucket_manifest.cc. */
void limits_note_manifest(struct shadow_bucket *bucket, uint64_t uid)
{
    if (uid == bucket->manifest) {
        return;
    }
    limits_forget(bucket);
    bucket->manifest = uid;
    for (size_t i = 0; i < COUCHBASE_VBUCKETS_MAX; i++) {
        bucket->vbuckets[i].may_jump |= bucket->vbuckets[i].seqno != 0;
    }
}

static void read_collection(struct shadow_bucket *bucket, const json_t *collection)
{
    const char *uid = json_string_value(json_object_get(collection, "uid"));
    const json_t *max_ttl = json_object_get(collection, "maxTTL");
    uint64_t id = uid == NULL ? UINT64_MAX : strtoull(uid, NULL, 16);
    json_int_t seconds = json_integer_value(max_ttl);
    if (id <= UINT32_MAX && json_is_integer(max_ttl) && seconds >= 0 && seconds <= INT32_MAX &&
        find(bucket, (uint32_t)id) == NULL) {
        add(bucket, (uint32_t)id, (uint32_t)seconds);
    }
}

void limits_read_manifest(struct shadow_bucket *bucket, struct span text)
{
    json_t *manifest = json_loadb((const char *)text.data, text.size, 0, NULL);
    const char *uid = json_string_value(json_object_get(manifest, "uid"));
    const json_t *scopes = json_object_get(manifest, "scopes");
    if (uid != NULL) {
        limits_note_manifest(bucket, strtoull(uid, NULL, 16));
    }
    for (size_t i = 0; i < json_array_size(scopes); i++) {
        const json_t *collections = json_object_get(json_array_get(scopes, i), "collections");
        for (size_t j = 0; j < json_array_size(collections); j++) {
            read_collection(bucket, json_array_get(collections, j));
        }
    }
    json_decref(manifest);
}

/* ---------------------------------------------------------------- documents */

/* Of the document that is asked for; NULL: it is not known. */
static const struct shadow_limit *limit_of(const struct judged *judged)
{
    const struct shadow_bucket *bucket = judged->exchange->asked->vbucket->bucket;
    uint16_t vbucket;
    struct document_id id;
    return bucket->limits != NULL &&
                   asked_place(judged->client, judged->exchange->request, &vbucket, &id)
               ? find(bucket, id.collection)
               : NULL;
}

uint32_t limits_max_ttl(const struct judged *judged)
{
    const struct shadow_limit *limit = limit_of(judged);
    return limit == NULL ? 0 : limit->max_ttl;
}

bool limits_apply(const struct judged *judged, uint32_t set, uint32_t *expiry)
{
    uint32_t max_ttl = limits_max_ttl(judged);
    uint32_t latest = set > UINT32_MAX - max_ttl ? UINT32_MAX : set + max_ttl;
    bool limited = max_ttl != 0 && (*expiry == 0 || *expiry > latest);
    *expiry = limited ? latest : *expiry;
    return limited;
}

void limits_settle(const struct judged *judged, struct document *document)
{
    if (document->expiry_set == 0 || limit_of(judged) == NULL) {
        return;
    }
    if ((document->unknown & DOCUMENT_EXPIRY) == 0 &&
        limits_apply(judged, document->expiry_set, &document->expiry)) {
        document->unknown |= DOCUMENT_EXPIRY_SECOND;
    }
    document->expiry_set = 0;
}

void limits_note_set(const struct judged *judged, struct document *document)
{
    uint32_t now = (uint32_t)(judged->exchange->answered_at / SECOND);
    uint32_t expiry = 0;
    bool known = limit_of(judged) != NULL;
    bool limited = limits_apply(judged, now, &expiry) && document->expiry == expiry;
    document->expiry_set = known ? 0 : now;
    document->unknown |= limited ? DOCUMENT_EXPIRY_SECOND : 0;
}

/* Seconds; 0: it can't be one. */
static uint32_t would_be(const struct document *document, uint32_t told)
{
    bool earlier = document->expiry == 0 || told < document->expiry;
    uint32_t max_ttl = told > document->expiry_set ? told - document->expiry_set : 0;
    return document->expiry_set != 0 && earlier && max_ttl <= INT32_MAX ? max_ttl : 0;
}

bool limits_explain(struct judged *judged, struct document *document, uint32_t told)
{
    uint32_t max_ttl = would_be(document, told);
    bool versioned = (document->unknown & DOCUMENT_CAS) == 0;
    bool unlimited = document->expiry_set != 0 && document->expiry == 0 && told == 0;
    judged->limit = LIMIT_UNTOLD;
    if (versioned && (max_ttl != 0 || unlimited)) {
        judged->limit = max_ttl;
    }
    return max_ttl != 0;
}

void limits_learn(const struct judged *judged)
{
    uint16_t vbucket;
    struct document_id id;
    struct shadow_bucket *bucket = judged->exchange->asked->vbucket->bucket;
    if (judged->limit != LIMIT_UNTOLD &&
        asked_place(judged->client, judged->exchange->request, &vbucket, &id) &&
        find(bucket, id.collection) == NULL) {
        add(bucket, id.collection, (uint32_t)judged->limit);
    }
}
