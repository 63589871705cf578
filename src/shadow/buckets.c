#include "couchbase/with_meta.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "shadow/parts.h"

#include <stdlib.h>

struct shadow *shadow_create(bool cold)
{
    struct shadow *shadow = calloc(1, sizeof(*shadow));
    if (shadow != NULL) {
        shadow->cold = cold;
        shadow->ahead = INT64_MAX;
    }
    return shadow;
}

static void destroy_bucket(struct shadow_bucket *bucket)
{
    scans_seen_destroy(bucket);
    limits_forget(bucket);
    couchbase_node_destroy(bucket->node);
    blob_drop(bucket->name);
    blob_drop(bucket->config);
    free(bucket);
}

void shadow_destroy(struct shadow *shadow)
{
    if (shadow == NULL) {
        return;
    }
    while (shadow->buckets != NULL) {
        struct shadow_bucket *bucket = shadow->buckets;
        shadow->buckets = bucket->next;
        destroy_bucket(bucket);
    }
    while (shadow->ids != NULL) {
        struct shadow_id *id = shadow->ids;
        shadow->ids = id->next;
        blob_drop(id->path);
        free(id);
    }
    blob_drop(shadow->kept);
    free(shadow);
}

static struct shadow_bucket *create_bucket(struct span name)
{
    const struct couchbase_options options = {
        .bucket = "", .vbuckets = COUCHBASE_VBUCKETS_MAX, .any_collection = true};
    struct shadow_bucket *bucket = calloc(1, sizeof(*bucket));
    if (bucket == NULL) {
        return NULL;
    }
    bucket->node = couchbase_node_create(&options);
    bucket->name = blob_copy(name);
    if (bucket->node == NULL || bucket->name == NULL) {
        destroy_bucket(bucket);
        return NULL;
    }
    bucket->era = 1;
    for (size_t i = 0; i < COUCHBASE_VBUCKETS_MAX; i++) {
        bucket->vbuckets[i].era = bucket->era;
        bucket->vbuckets[i].bucket = bucket;
        bucket->vbuckets[i].held = &bucket->node->vbuckets[i];
    }
    return bucket;
}

static struct shadow_bucket *find_bucket(const struct shadow *shadow, struct span name)
{
    struct shadow_bucket *bucket = shadow->buckets;
    while (bucket != NULL && !span_equal(blob_span(bucket->name), name)) {
        bucket = bucket->next;
    }
    return bucket;
}

static struct shadow_bucket *find_or_create(struct shadow *shadow, struct span name)
{
    struct shadow_bucket *bucket = find_bucket(shadow, name);
    if (bucket == NULL && (bucket = create_bucket(name)) != NULL) {
        bucket->next = shadow->buckets;
        shadow->buckets = bucket;
    }
    return bucket;
}

static struct shadow_bucket *only_bucket(const struct shadow *shadow)
{
    struct shadow_bucket *first = shadow->buckets;
    return first != NULL && first->next == NULL ? first : NULL;
}

struct shadow_bucket *shadow_bucket_of(struct shadow *shadow, struct span name)
{
    struct shadow_bucket *only = only_bucket(shadow);
    if (only == NULL || only->name->size > 0) {
        return find_or_create(shadow, name);
    }
    struct blob *copy = blob_copy(name);
    if (copy == NULL) {
        return NULL;
    }
    blob_drop(only->name);
    only->name = copy;
    return only;
}

struct shadow_bucket *shadow_likely_bucket(struct shadow *shadow)
{
    struct shadow_bucket *only = only_bucket(shadow);
    return only != NULL ? only : shadow_other_bucket(shadow);
}

struct shadow_bucket *shadow_other_bucket(struct shadow *shadow)
{
    return find_or_create(shadow, span_of("", 0));
}

/* ---------------------------------------------------------------- versions */

static bool is_subdoc_change(uint8_t opcode)
{
    return opcode == MCBP_SUBDOC_MULTI_MUTATION || opcode == MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR ||
           (opcode >= MCBP_SUBDOC_DICT_ADD && opcode <= MCBP_SUBDOC_COUNTER);
}

bool shadow_changes(uint8_t opcode)
{
    return mcbp_opcode_changes(opcode) || is_subdoc_change(opcode) || opcode == MCBP_GET_LOCKED ||
           opcode == MCBP_UNLOCK_KEY || with_meta_brings(opcode) || opcode == MCBP_RETURN_META;
}

bool shadow_brings_version(uint8_t opcode)
{
    return with_meta_brings(opcode);
}

/* A change that was refused has none, and so its answer no CAS, whatever it says. */
static bool is_refused_change(const struct mcbp_header *header)
{
    return shadow_changes(header->opcode) && header->vbucket_or_status != MCBP_STATUS_SUCCESS &&
           header->vbucket_or_status != MCBP_STATUS_SUBDOC_SUCCESS_DELETED;
}

uint64_t shadow_version_of(const struct mcbp_frame *answer)
{
    uint64_t cas = answer == NULL ? 0 : answer->header.cas;
    bool is_time = answer != NULL && answer->header.opcode == MCBP_OBSERVE; /* till it is stored */
    return cas == UINT64_MAX || is_time || (cas != 0 && is_refused_change(&answer->header)) ? 0
                                                                                            : cas;
}

bool shadow_has_version(const struct document *document, uint64_t cas)
{
    return (document->unknown & (DOCUMENT_CAS | DOCUMENT_PRESENCE)) == 0 && cas == document->cas;
}

bool shadow_has_other_version(const struct document *document, uint64_t cas)
{
    return (document->unknown & (DOCUMENT_CAS | DOCUMENT_PRESENCE)) == 0 && cas != document->cas;
}

bool shadow_makes_version(const struct mcbp_frame *request, const struct mcbp_frame *answer)
{
    return shadow_changes(request->header.opcode) && shadow_version_of(answer) != 0 &&
           !shadow_brings_version(request->header.opcode);
}

void shadow_doubt(struct document *document)
{
    if (document == NULL) {
        return;
    }
    document->unknown = DOCUMENT_ALL;
    document->doubted = true;
    document->lock_cas = 0;
    document->expiry = 0; /* else it would be found to have expired */
    document->expiry_set = 0;
}

void shadow_doubt_content(struct document *document)
{
    document->unknown |=
        DOCUMENT_ALL & (uint16_t) ~(DOCUMENT_PRESENCE | DOCUMENT_CAS | DOCUMENT_LOCK);
}
