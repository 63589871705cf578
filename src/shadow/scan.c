/* Range scans: what they show is held to what is known of the documents. */
#include "base/buffer.h"
#include "base/endian.h"
#include "base/hash.h"
#include "mcbp/leb128.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "shadow/parts.h"

#include <stdio.h>
#include <stdlib.h>

enum { SCANS_SEEN_MAX = 2048, KEYS_TOLD_MAX = 1 << 20 };

/* A scan that a client has created. */
struct scan_seen {
    struct scan_seen *next;
    uint8_t uuid[SCAN_UUID_SIZE];
    uint16_t vbucket;
    struct scan_request request;
    bool has_last;
    uint8_t last[256]; /* the last key that it has told */
    size_t last_size;
    uint64_t forgotten; /* of the vbucket, when it was created */
    uint64_t reached;   /* its snapshot has all changes of the vbucket up to that number */
    struct buffer told; /* hashes of all keys that it has told, uint64_t */
    bool told_more;     /* there were too many */
};

static void destroy(struct scan_seen *scan)
{
    buffer_deinit(&scan->told);
    free(scan);
}

void scans_seen_destroy(struct shadow_bucket *bucket)
{
    while (bucket->scans != NULL) {
        struct scan_seen *scan = bucket->scans;
        bucket->scans = scan->next;
        destroy(scan);
    }
}

static struct scan_seen *find(const struct shadow_bucket *bucket, const uint8_t *uuid)
{
    struct scan_seen *scan = bucket->scans;
    while (scan != NULL && memcmp(scan->uuid, uuid, SCAN_UUID_SIZE) != 0) {
        scan = scan->next;
    }
    return scan;
}

static void drop_oldest(struct shadow_bucket *bucket)
{
    struct scan_seen **at = &bucket->scans;
    while ((*at)->next != NULL) {
        at = &(*at)->next;
    }
    destroy(*at);
    *at = NULL;
    bucket->scans_count--;
}

static void contradict(struct judged *judged, const char *why)
{
    judged->verdict->outcome = SHADOW_DIFFERENT;
    judged->verdict->why = why;
}

/* ---------------------------------------------------------------- created */

void scan_note_create(struct judged *judged)
{
    struct shadow_bucket *bucket = judged->client->bucket;
    const struct mcbp_frame *answer = judged->exchange->answer;
    judged_compare(judged, SHADOW_ADOPTED);
    if (judged->verdict->outcome == SHADOW_DIFFERENT) {
        return;
    }
    if (answer->value.size != SCAN_UUID_SIZE) {
        contradict(judged, "a scan's name has 16 bytes");
        return;
    }
    if (find(bucket, answer->value.data) != NULL) {
        contradict(judged, "another scan has that name");
        return;
    }
    struct scan_seen *scan = calloc(1, sizeof(*scan));
    if (scan == NULL) {
        judged->verdict->outcome = SHADOW_NO_MEMORY;
        return;
    }
    memcpy(scan->uuid, answer->value.data, SCAN_UUID_SIZE);
    scan->vbucket = judged->exchange->request->header.vbucket_or_status;
    scan_parse(judged->exchange->request->value, &scan->request);
    scan->reached = scan->request.has_snapshot ? scan->request.seqno : 0;
    if (scan->vbucket < COUCHBASE_VBUCKETS_MAX) {
        scan->forgotten = bucket->vbuckets[scan->vbucket].forgotten;
    }
    scan->next = bucket->scans;
    bucket->scans = scan;
    if (bucket->scans_count++ == SCANS_SEEN_MAX) {
        drop_oldest(bucket);
    }
}

/* ---------------------------------------------------------------- continued */

/* False: it is none such. */
static bool take_counted(struct span *bytes, struct span *counted)
{
    uint32_t size;
    if (mcbp_leb128_take(bytes, &size) != MCBP_LEB128_OK || size > bytes->size) {
        return false;
    }
    *counted = span_head(*bytes, size);
    *bytes = span_skip(*bytes, size);
    return true;
}

static bool take_item(struct span *bytes, bool whole, struct shown *item)
{
    enum { HEAD = 25, SEQNO_AT = 8, CAS_AT = 16, DATATYPE_AT = 24 };
    *item = (struct shown){.present = true, .has_value = whole};
    if (!whole) {
        return take_counted(bytes, &item->id.key);
    }
    if (bytes->size < HEAD) {
        return false;
    }
    item->flags = read_be32(bytes->data);
    item->seqno = read_be64(bytes->data + SEQNO_AT);
    item->cas = read_be64(bytes->data + CAS_AT);
    item->datatype = bytes->data[DATATYPE_AT];
    *bytes = span_skip(*bytes, HEAD);
    return take_counted(bytes, &item->id.key) && take_counted(bytes, &item->value);
}

/* Of two that are in no order, why; NULL: they are. */
static const char *check_key(struct scan_seen *scan, const struct shown *item)
{
    if (item->id.key.size == 0 || item->id.key.size > sizeof(scan->last)) {
        return "a key in it has an impossible length";
    }
    if (scan->has_last && scan_compare(item->id.key, span_of(scan->last, scan->last_size)) <= 0) {
        return "its keys do not rise";
    }
    scan->has_last = true;
    scan->last_size = item->id.key.size;
    memcpy(scan->last, item->id.key.data, item->id.key.size);
    return scan_covers(&scan->request, item->id.key) ? NULL : "a key in it is not in the range";
}

static void note_item(struct scan_seen *scan, const struct documents *documents,
                      const struct shown *item)
{
    uint64_t hash = hash_key(item->id.key, documents->seed);
    scan->reached = item->seqno > scan->reached ? item->seqno : scan->reached;
    scan->told_more |= buffer_span(&scan->told).size == KEYS_TOLD_MAX * sizeof(hash) ||
                       !buffer_append(&scan->told, span_of(&hash, sizeof(hash)));
}

static const char *check_item(const struct judged *judged, struct scan_seen *scan,
                              const struct shown *item)
{
    const char *why = check_key(scan, item);
    const struct vbucket *vbucket = &judged->client->bucket->node->vbuckets[scan->vbucket];
    const struct document_id id = {scan->request.collection, item->id.key};
    note_item(scan, &vbucket->documents, item);
    if (why != NULL || judged->client->bucket->is_several) {
        return why;
    }
    const struct document *document = documents_find(&vbucket->documents, &id);
    return document == NULL ? NULL : shown_contradicts_content(document, item);
}

/* ---------------------------------------------------------------- completed */

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t *hashes[] = {a, b};
    return (*hashes[0] > *hashes[1]) - (*hashes[0] < *hashes[1]);
}

struct looking {
    const struct scan_seen *scan;
    const struct documents *documents;
    struct document_id missing; /* no key: none is */
};

/* What has not changed since, and is known to have been there, has to be among what the scan has
 * told. */
static bool look_for(void *context, const struct document_id *id, const struct document *document)
{
    struct looking *looking = context;
    const struct scan_seen *scan = looking->scan;
    const uint16_t needed =
        DOCUMENT_PRESENCE | DOCUMENT_CAS | DOCUMENT_SEQNO | DOCUMENT_EXPIRY | DOCUMENT_LOCK;
    uint64_t hash = hash_key(id->key, looking->documents->seed);
    bool certain = (document->unknown & needed) == 0 && !document->doubted &&
                   document->user == NULL && document->expiry == 0 && document->seqno > 0;
    bool expected = certain && !document->deleted && document->seqno <= scan->reached &&
                    id->collection == scan->request.collection &&
                    scan_covers(&scan->request, id->key);
    struct span told = buffer_span(&scan->told);
    if (expected && (told.size == 0 || bsearch(&hash, told.data, told.size / sizeof(hash),
                                               sizeof(hash), compare_hashes) == NULL)) {
        looking->missing = *id;
    }
    return looking->missing.key.size == 0;
}

/* Nothing that the capture does not have may have changed what it looks through. */
static bool is_certain(const struct judged *judged, const struct scan_seen *scan)
{
    const struct shadow_bucket *bucket = judged->client->bucket;
    const struct shadow_vbucket *vbucket = &bucket->vbuckets[scan->vbucket];
    return !judged->exchange->unseen && !judged->exchange->open && !bucket->is_several &&
           !bucket->may_be_empty && !anew_is_possible(vbucket) && !vbucket->guessed &&
           vbucket->placeless == 0 && vbucket->forgotten == scan->forgotten &&
           !scan->request.samples && !scan->told_more;
}

static const char *name_missing(struct judged *judged, struct span key)
{
    bool printable = true;
    for (size_t i = 0; i < key.size; i++) {
        printable &= key.data[i] >= 0x20 && key.data[i] < 0x7f;
    }
    snprintf(judged->shadow->sentence, sizeof(judged->shadow->sentence),
             "a document that its snapshot has to have is missing: %.*s",
             printable ? (int)key.size : 0, (const char *)key.data);
    return judged->shadow->sentence;
}

static const char *check_whole(struct judged *judged, struct scan_seen *scan)
{
    struct shadow_bucket *bucket = judged->client->bucket;
    struct looking looking = {scan, &bucket->node->vbuckets[scan->vbucket].documents, {0}};
    if (scan->reached == 0 || !is_certain(judged, scan)) {
        return NULL;
    }
    if (scan->told.bytes != NULL) {
        qsort(scan->told.bytes, buffer_span(&scan->told).size / sizeof(uint64_t), sizeof(uint64_t),
              compare_hashes);
    }
    documents_each(looking.documents, look_for, &looking);
    buffer_deinit(&scan->told);
    scan->told = (struct buffer){0};
    return looking.missing.key.size == 0 ? NULL : name_missing(judged, looking.missing.key);
}

void scan_judge_continue(struct judged *judged)
{
    struct span items = judged->exchange->answer->value;
    struct shown item;
    judged_compare(judged, SHADOW_ADOPTED);
    if (judged->verdict->outcome == SHADOW_DIFFERENT) {
        return;
    }
    struct scan_seen *scan = find(judged->client->bucket, judged->exchange->request->extras.data);
    uint32_t form = read_be32(judged->exchange->answer->extras.data);
    bool whole = form == 1;
    if (form > 1) {
        contradict(judged, "it says neither that it has keys nor that it has documents");
        return;
    }
    if (scan == NULL && judged->client->whole && !judged->exchange->unseen) {
        contradict(judged, "no scan of that name was created");
        return;
    }
    if (scan == NULL || scan->vbucket >= COUCHBASE_VBUCKETS_MAX) {
        return; /* it was created before the capture began */
    }
    const char *why =
        scan->request.keys_only == whole ? "keys, or documents, were asked for" : NULL;
    while (why == NULL && items.size > 0) {
        why = take_item(&items, whole, &item) ? check_item(judged, scan, &item)
                                              : "it does not consist of whole items";
    }
    if (why == NULL && judged->status == MCBP_STATUS_RANGE_SCAN_COMPLETE) {
        why = check_whole(judged, scan);
    }
    if (why != NULL) {
        contradict(judged, why);
    }
}
