/* Range scans: what they show is held to what is known of the documents. */
#include "base/endian.h"
#include "mcbp/leb128.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "shadow/parts.h"

#include <stdlib.h>

enum { SCANS_SEEN_MAX = 2048 };

/* A scan that a client has created. */
struct scan_seen {
    struct scan_seen *next;
    uint8_t uuid[SCAN_UUID_SIZE];
    uint16_t vbucket;
    struct scan_request request;
    bool has_last;
    uint8_t last[256]; /* the last key that it has told */
    size_t last_size;
};

void scans_seen_destroy(struct shadow_bucket *bucket)
{
    while (bucket->scans != NULL) {
        struct scan_seen *scan = bucket->scans;
        bucket->scans = scan->next;
        free(scan);
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
    free(*at);
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
    enum { HEAD = 25, CAS_AT = 16, DATATYPE_AT = 24 };
    *item = (struct shown){.present = true, .has_value = whole};
    if (!whole) {
        return take_counted(bytes, &item->id.key);
    }
    if (bytes->size < HEAD) {
        return false;
    }
    item->flags = read_be32(bytes->data);
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

static const char *check_item(const struct judged *judged, struct scan_seen *scan,
                              const struct shown *item)
{
    const char *why = check_key(scan, item);
    const struct vbucket *vbucket = &judged->client->bucket->node->vbuckets[scan->vbucket];
    const struct document_id id = {scan->request.collection, item->id.key};
    if (why != NULL || judged->client->bucket->is_several) {
        return why;
    }
    const struct document *document = documents_find(&vbucket->documents, &id);
    return document == NULL ? NULL : shown_contradicts_content(document, item);
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
    if (why != NULL) {
        contradict(judged, why);
    }
}
