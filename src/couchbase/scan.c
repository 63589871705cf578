#include "couchbase/scan.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/endian.h"
#include "couchbase/couchbase.h"
#include "couchbase/value.h"
#include "mcbp/leb128.h"
#include "sasl/base64.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/random.h>

struct scan_item {
    uint8_t *key;
    size_t key_size;
    struct document document; /* its value is held */
};

struct scan {
    struct scan *next;
    uint8_t uuid[SCAN_UUID_SIZE];
    bool keys_only;
    struct scan_item *items; /* by key */
    size_t count;
    size_t at; /* the next one to be handed out */
};

enum { PORTION_MAX = 4 << 20 /* bytes, whatever the client allows */ };

/* ---------------------------------------------------------------- the request */

static bool parse_collection(const json_t *root, struct scan_request *request)
{
    const char *text = json_string_value(json_object_get(root, "collection"));
    char *end = NULL;
    unsigned long id = text == NULL ? 0 : strtoul(text, &end, 16);
    request->collection = (uint32_t)id;
    return text == NULL || (*text != '\0' && *end == '\0' && id <= UINT32_MAX);
}

/* One bound of a range, by one of two names. */
static bool parse_bound(const json_t *range, const char *name, const char *excluding, int bound,
                        struct scan_request *request)
{
    const char *with = json_string_value(json_object_get(range, name));
    const char *without = json_string_value(json_object_get(range, excluding));
    const char *text = with != NULL ? with : without;
    request->excludes[bound] = with == NULL;
    return (with == NULL) != (without == NULL) &&
           base64_decode(span_of(text, strlen(text)), request->bounds[bound],
                         sizeof(request->bounds[bound]), &request->bound_sizes[bound]);
}

/* Seeds go up to 2^64, beyond jansson's integers: numbers are read as reals here. A seed of 2^63 or
 * more is as good as 0. */
static bool read_count(const json_t *json, uint64_t *number)
{
    const double end = 9223372036854775808.0; /* 2^63 */
    double real = json_real_value(json);
    *number = real >= 0 && real < end ? (uint64_t)real : 0;
    return json_is_real(json);
}

static bool parse_sampling(const json_t *sampling, struct scan_request *request)
{
    request->samples = true;
    read_count(json_object_get(sampling, "seed"), &request->seed);
    return read_count(json_object_get(sampling, "samples"), &request->samples_max) &&
           request->samples_max > 0;
}

static bool parse_snapshot(const json_t *snapshot, struct scan_request *request)
{
    const char *uuid = json_string_value(json_object_get(snapshot, "vb_uuid"));
    char *end = NULL;
    request->has_snapshot = true;
    request->uuid = uuid == NULL ? 0 : strtoull(uuid, &end, 10);
    read_count(json_object_get(snapshot, "seqno"), &request->seqno);
    return uuid != NULL && *uuid != '\0' && *end == '\0';
}

/* Without a range all keys are wanted. */
static bool parse_root(const json_t *root, struct scan_request *request)
{
    const json_t *range = json_object_get(root, "range");
    const json_t *sampling = json_object_get(root, "sampling");
    const json_t *snapshot = json_object_get(root, "snapshot_requirements");
    request->keys_only = json_is_true(json_object_get(root, "key_only"));
    if (!json_is_object(root) || !parse_collection(root, request) ||
        (range != NULL && sampling != NULL) ||
        (snapshot != NULL && !parse_snapshot(snapshot, request))) {
        return false;
    }
    if (sampling != NULL) {
        return parse_sampling(sampling, request);
    }
    request->has_range = range != NULL;
    return range == NULL || (parse_bound(range, "start", "excl_start", 0, request) &&
                             parse_bound(range, "end", "excl_end", 1, request));
}

enum mcbp_status scan_parse(struct span json, struct scan_request *request)
{
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_DECODE_INT_AS_REAL, NULL);
    *request = (struct scan_request){0};
    bool parsed = root != NULL && parse_root(root, request);
    json_decref(root);
    return parsed ? MCBP_STATUS_SUCCESS : MCBP_STATUS_INVALID_ARGUMENTS;
}

/* ---------------------------------------------------------------- what is found */

int scan_compare(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

bool scan_covers(const struct scan_request *request, struct span key)
{
    bool within = true;
    for (int bound = 0; bound < 2; bound++) {
        struct span limit = span_of(request->bounds[bound], request->bound_sizes[bound]);
        int order = scan_compare(key, limit);
        within &= order == 0 ? !request->excludes[bound] : (order > 0) == (bound == 0);
    }
    return within || !request->has_range;
}

struct collecting {
    const struct scan_request *request;
    struct scan *scan;
    size_t room;
    int64_t now;
    bool no_memory;
};

static bool collect(void *context, const struct document_id *id, const struct document *document)
{
    struct collecting *collecting = context;
    struct scan *scan = collecting->scan;
    if (id->collection != collecting->request->collection ||
        !document_is_alive(document, collecting->now) ||
        !scan_covers(collecting->request, id->key)) {
        return true;
    }
    struct scan_item item = {
        .key = malloc(id->key.size), .key_size = id->key.size, .document = *document};
    struct scan_item *items =
        array_grow(scan->items, sizeof(*items), scan->count, &collecting->room);
    if (items != NULL) {
        scan->items = items;
    }
    if (items == NULL || item.key == NULL || scan->count == SCAN_ITEMS_MAX) {
        free(item.key);
        collecting->no_memory = true;
        return false;
    }
    memcpy(item.key, id->key.data, id->key.size);
    item.document.value = blob_hold(document->value);
    scan->items[scan->count++] = item;
    return true;
}

static void scan_free_item(struct scan_item *item)
{
    free(item->key);
    blob_drop(item->document.value);
}

static void scan_destroy(struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        scan_free_item(&scan->items[i]);
    }
    free(scan->items);
    free(scan);
}

static int compare_items(const void *a, const void *b)
{
    const struct scan_item *one = a;
    const struct scan_item *other = b;
    return scan_compare(span_of(one->key, one->key_size), span_of(other->key, other->key_size));
}

/* A linear congruential generator (Knuth's MMIX) will do for samples. */
static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void keep_samples(struct scan *scan, const struct scan_request *request)
{
    uint64_t state = request->seed;
    for (size_t i = 0; i < scan->count && i < request->samples_max; i++) {
        size_t j = i + next_random(&state) % (scan->count - i);
        struct scan_item chosen = scan->items[j];
        scan->items[j] = scan->items[i];
        scan->items[i] = chosen;
    }
    while (scan->count > request->samples_max) {
        scan_free_item(&scan->items[--scan->count]);
    }
}

/* ---------------------------------------------------------------- scans by name */

/* Takes the scan out of the list. NULL: there is none. */
static struct scan *take(struct scans *scans, const uint8_t uuid[SCAN_UUID_SIZE])
{
    struct scan **at = &scans->first;
    while (*at != NULL && memcmp((*at)->uuid, uuid, SCAN_UUID_SIZE) != 0) {
        at = &(*at)->next;
    }
    struct scan *found = *at;
    if (found != NULL) {
        *at = found->next;
        scans->count--;
        scans->items -= found->count;
    }
    return found;
}

static void put_first(struct scans *scans, struct scan *scan)
{
    scan->next = scans->first;
    scans->first = scan;
    scans->count++;
    scans->items += scan->count;
}

static void drop_last(struct scans *scans)
{
    struct scan **at = &scans->first;
    while ((*at)->next != NULL) {
        at = &(*at)->next;
    }
    scans->count--;
    scans->items -= (*at)->count;
    scan_destroy(*at);
    *at = NULL;
}

enum mcbp_status scans_create(struct scans *scans, const struct scan_request *request,
                              const struct documents *documents, int64_t now,
                              uint8_t uuid[SCAN_UUID_SIZE])
{
    struct scan *scan = calloc(1, sizeof(*scan));
    struct collecting collecting = {.request = request, .scan = scan, .now = now};
    if (scan == NULL) {
        return MCBP_STATUS_NO_MEMORY;
    }
    documents_each(documents, collect, &collecting);
    bool named = getrandom(scan->uuid, SCAN_UUID_SIZE, 0) == SCAN_UUID_SIZE;
    if (collecting.no_memory || !named || scan->count == 0) {
        enum mcbp_status status =
            collecting.no_memory || !named ? MCBP_STATUS_NO_MEMORY : MCBP_STATUS_KEY_NOT_FOUND;
        scan_destroy(scan);
        return status;
    }
    if (request->samples) {
        keep_samples(scan, request);
    }
    qsort(scan->items, scan->count, sizeof(*scan->items), compare_items);
    scan->keys_only = request->keys_only;
    memcpy(uuid, scan->uuid, SCAN_UUID_SIZE);
    while (scans->count > 0 &&
           (scans->count == SCANS_MAX || scan->count > SCAN_ITEMS_MAX - scans->items)) {
        drop_last(scans);
    }
    put_first(scans, scan);
    return MCBP_STATUS_SUCCESS;
}

bool scans_cancel(struct scans *scans, const uint8_t uuid[SCAN_UUID_SIZE])
{
    struct scan *scan = take(scans, uuid);
    if (scan != NULL) {
        scan_destroy(scan);
    }
    return scan != NULL;
}

void scans_deinit(struct scans *scans)
{
    while (scans->first != NULL) {
        drop_last(scans);
    }
}

/* ---------------------------------------------------------------- portions */

/* A length, then the bytes. */
static bool add_counted(struct buffer *value, struct span bytes)
{
    uint8_t length[MCBP_LEB128_MAX];
    return buffer_append(value, span_of(length, mcbp_leb128_write((uint32_t)bytes.size, length))) &&
           buffer_append(value, bytes);
}

/* Values are sent inflated. */
static bool add_document(struct buffer *value, const struct scan_item *item)
{
    enum { SIZE = 25 };
    const struct document *document = &item->document;
    uint8_t head[SIZE];
    struct blob *body;
    if (!document_hold_inflated(document, &body)) {
        return false;
    }
    write_be32(head, document->flags);
    write_be32(head + 4, document->expiry);
    write_be64(head + 8, document->seqno);
    write_be64(head + 16, document->cas);
    head[24] = document->datatype & MCBP_DATATYPE_JSON;
    bool added = buffer_append(value, span_of(head, SIZE)) &&
                 add_counted(value, span_of(item->key, item->key_size)) &&
                 add_counted(value, blob_span(body));
    blob_drop(body);
    return added;
}

static bool add_item(struct buffer *value, const struct scan *scan)
{
    const struct scan_item *item = &scan->items[scan->at];
    return scan->keys_only ? add_counted(value, span_of(item->key, item->key_size))
                           : add_document(value, item);
}

enum mcbp_status scans_continue(struct scans *scans, const uint8_t uuid[SCAN_UUID_SIZE],
                                const struct scan_limits *limits, struct buffer *value,
                                bool *keys_only)
{
    struct scan *scan = take(scans, uuid);
    if (scan == NULL) {
        return MCBP_STATUS_KEY_NOT_FOUND;
    }
    size_t bytes = limits->bytes == 0 || limits->bytes > PORTION_MAX ? PORTION_MAX : limits->bytes;
    size_t end = scan->count;
    if (limits->items != 0 && limits->items < end - scan->at) {
        end = scan->at + limits->items;
    }
    *keys_only = scan->keys_only;
    while (scan->at < end && buffer_span(value).size < bytes) {
        if (!add_item(value, scan)) {
            put_first(scans, scan);
            return MCBP_STATUS_NO_MEMORY;
        }
        scan->at++;
    }
    if (scan->at == scan->count) {
        scan_destroy(scan);
        return MCBP_STATUS_RANGE_SCAN_COMPLETE;
    }
    put_first(scans, scan);
    return MCBP_STATUS_RANGE_SCAN_MORE;
}
