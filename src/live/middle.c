#include "live/middle.h"

#include "dissect/dissect.h"
#include "mcbp/collection.h"
#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/dialect.h"
#include "shadow/shadow.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { FIRST_OF_COUCHBASE = 0x80, OPAQUES_MAX = 64, NAME_MAX = 256 };

/* A connection, and what it has shown. */
struct seen {
    struct seen *next;
    struct middle_start start;
    struct shadow_client *client;
    mcbp_feature_set shown; /* beside what the shadow finds out */
    bool in_middle;         /* its beginning is not in the capture, */
    bool over;              /* nor what it has agreed on until now; a HELLO ends that */
    bool brings_hello;      /* as its first request */
    bool granted;           /* that HELLO's answer is in the capture */
    bool remapped;          /* an error that servers put in the place of those of XERROR */
    bool has_selected;      /* a bucket, or logs in */
    unsigned words;         /* keys that may have no number of a collection */
    unsigned keys;
    uint64_t requests;
    uint8_t asked_bucket[NAME_MAX]; /* by the SELECT_BUCKET that waits */
    size_t asked_bucket_size;
    uint32_t waiting[OPAQUES_MAX]; /* opaques of loud requests, the oldest first */
    unsigned waiting_count;
};

struct middle {
    struct shadow *shadow;
    struct seen *all;
    bool is_couchbase; /* one of the connections has shown it */
    bool no_memory;
};

static mcbp_feature_set set_of(enum mcbp_feature feature)
{
    return (mcbp_feature_set)1 << (unsigned)feature;
}

/* ------------------------------------------------------------------------ unordered answers */

static void note_waiting(struct seen *seen, const struct mcbp_header *header)
{
    if (!mcbp_opcode_is_quiet(header->opcode) && seen->waiting_count < OPAQUES_MAX) {
        seen->waiting[seen->waiting_count++] = header->opaque;
    }
}

/* An answer has overtaken another if an older request still waits. */
static void note_answered(struct seen *seen, const struct mcbp_header *header)
{
    for (unsigned i = 0; i < seen->waiting_count; i++) {
        if (seen->waiting[i] == header->opaque) {
            seen->shown |= i > 0 ? set_of(MCBP_FEATURE_UNORDERED_EXECUTION) : 0;
            seen->waiting_count--;
            memmove(&seen->waiting[i], &seen->waiting[i + 1],
                    (seen->waiting_count - i) * sizeof(seen->waiting[0]));
            return;
        }
    }
}

/* ------------------------------------------------------------------------ requests */

/* What needs no bucket, or says which. */
static bool is_about_connection(uint8_t opcode)
{
    return opcode == MCBP_NOOP || opcode == MCBP_VERSION || opcode == MCBP_QUIT ||
           opcode == MCBP_GET_ERROR_MAP || opcode == MCBP_GET_CLUSTER_CONFIG ||
           opcode == MCBP_SELECT_BUCKET || mcbp_opcode_family(opcode) == MCBP_FAMILY_AUTHENTICATE;
}

static void note_key(struct seen *seen, const struct mcbp_frame *frame)
{
    if (mcbp_opcode_has_collection(frame->header.opcode) && frame->key.size > 0) {
        seen->keys++;
        seen->words += !mcbp_collection_is_evident(frame->key);
    }
}

static void note_request(struct middle *middle, struct seen *seen, const struct mcbp_frame *frame)
{
    const struct mcbp_header *header = &frame->header;
    if (header->opcode == MCBP_HELLO && !mcbp_magic_is_response(header->magic)) {
        seen->brings_hello |= !seen->over && seen->requests == 0;
        seen->over = true;
    }
    seen->requests++;
    if (header->opcode == MCBP_SELECT_BUCKET) {
        seen->asked_bucket_size = frame->key.size < NAME_MAX ? frame->key.size : 0;
        memcpy(seen->asked_bucket, frame->key.data, seen->asked_bucket_size);
    }
    if (seen->over || mcbp_magic_is_response(header->magic)) {
        return;
    }
    middle->is_couchbase |= seen->in_middle && dialect_is_couchbases_request(header);
    seen->shown |= (header->datatype & MCBP_DATATYPE_JSON) != 0 ? set_of(MCBP_FEATURE_JSON) : 0;
    seen->shown |= (header->datatype & MCBP_DATATYPE_SNAPPY) != 0 ? set_of(MCBP_FEATURE_SNAPPY) : 0;
    seen->has_selected |= header->opcode == MCBP_SELECT_BUCKET ||
                          mcbp_opcode_family(header->opcode) == MCBP_FAMILY_AUTHENTICATE;
    seen->start.needs_bucket |= !seen->has_selected && !is_about_connection(header->opcode);
    note_waiting(seen, header);
    note_key(seen, frame);
    shadow_client_note_request(seen->client, frame);
}

/* ------------------------------------------------------------------------ answers */

/* Frame infos 1 to 3 tell what the request has used. */
static bool tells_units(const struct mcbp_frame *frame)
{
    struct span infos = frame->framing_extras;
    struct mcbp_frame_info info;
    bool tells = false;
    while (mcbp_frame_info_next(&infos, &info)) {
        tells |= info.id > 0;
    }
    return tells;
}

static void note_forms(struct seen *seen, const struct mcbp_frame *frame)
{
    const struct mcbp_header *header = &frame->header;
    uint16_t status = header->vbucket_or_status;
    bool is_lock = header->opcode == MCBP_GET_LOCKED || header->opcode == MCBP_UNLOCK_KEY;
    seen->remapped |= is_lock && status == MCBP_STATUS_TEMPORARY_FAILURE;
    if (tells_units(frame)) {
        seen->shown |= set_of(MCBP_FEATURE_REPORT_UNIT_USAGE);
    }
    if (header->opcode == MCBP_GET_CLUSTER_CONFIG &&
        (header->datatype & MCBP_DATATYPE_SNAPPY) != 0) {
        seen->shown |= set_of(MCBP_FEATURE_SNAPPY_EVERYWHERE);
    }
    if (status == MCBP_STATUS_NOT_MY_VBUCKET && frame->value.size == 0) {
        seen->shown |= set_of(MCBP_FEATURE_DEDUPE_NOT_MY_VBUCKET);
    }
}

/* The request to it has the same opcode; more of it matters only to SELECT_BUCKET. */
static struct mcbp_frame request_to(const struct seen *seen, const struct mcbp_frame *answer)
{
    struct mcbp_frame request = {
        .header = {.magic = MCBP_CLIENT_REQUEST, .opcode = answer->header.opcode},
    };
    if (answer->header.opcode == MCBP_SELECT_BUCKET) {
        request.key = span_of(seen->asked_bucket, seen->asked_bucket_size);
    }
    return request;
}

static void note_answer(struct middle *middle, struct seen *seen, const struct mcbp_frame *frame)
{
    const struct mcbp_header *header = &frame->header;
    bool success = header->vbucket_or_status == MCBP_STATUS_SUCCESS;
    bool is_hello = header->opcode == MCBP_HELLO && success;
    struct mcbp_frame request = request_to(seen, frame);
    middle->is_couchbase |=
        is_hello || (seen->in_middle && (dialect_is_couchbases_answer(header) ||
                                         (success && header->opcode >= FIRST_OF_COUCHBASE)));
    if (is_hello && !seen->over) { /* to a request from before the capture */
        shadow_client_note(middle->shadow, seen->client,
                           &(struct mcbp_frame){.header = request.header, .value = frame->value},
                           frame);
        seen->over = seen->granted = true;
    }
    if (header->opcode == MCBP_SELECT_BUCKET && seen->asked_bucket_size > 0) {
        shadow_client_note(middle->shadow, seen->client, &request, frame);
    } else if (!seen->over && !is_hello) {
        note_answered(seen, header);
        note_forms(seen, frame);
        shadow_client_note(middle->shadow, seen->client, &request, frame);
    }
}

static void note_push(struct seen *seen)
{
    seen->shown |= seen->over ? 0
                              : set_of(MCBP_FEATURE_DUPLEX) |
                                    set_of(MCBP_FEATURE_CLUSTERMAP_CHANGE_NOTIFICATION);
}

/* ------------------------------------------------------------------------ the capture */

static struct seen *seen_of(struct middle *middle, struct dissect_conversation *conversation)
{
    struct seen *seen = conversation->user;
    if (seen != NULL || middle->no_memory || conversation->protocol != NET_TCP) {
        return seen;
    }
    seen = calloc(1, sizeof(*seen));
    if (seen == NULL || (seen->client = shadow_client_create(middle->shadow, false)) == NULL) {
        free(seen);
        middle->no_memory = true;
        return NULL;
    }
    seen->start.connection = conversation->id;
    seen->in_middle = !conversation->from_start;
    seen->next = middle->all;
    middle->all = seen;
    conversation->user = seen;
    return seen;
}

static void on_frame(void *context, struct dissect_conversation *conversation,
                     const struct dissect_frame *frame)
{
    struct middle *middle = context;
    struct seen *seen = seen_of(middle, conversation);
    if (seen == NULL || frame->bad_lengths) {
        return;
    }
    if (frame->role == FROM_CLIENT) {
        note_request(middle, seen, &frame->frame);
    } else if (frame->frame.header.magic == MCBP_SERVER_REQUEST) {
        note_push(seen);
    } else if (mcbp_magic_is_response(frame->frame.header.magic)) {
        note_answer(middle, seen, &frame->frame);
    }
}

/* ------------------------------------------------------------------------ conclusions */

/* What SDKs ask for, and no answer shows that it was not granted. */
static mcbp_feature_set usual(void)
{
    return set_of(MCBP_FEATURE_TCP_NODELAY) | set_of(MCBP_FEATURE_XATTR) |
           set_of(MCBP_FEATURE_SELECT_BUCKET) | set_of(MCBP_FEATURE_ALT_REQUEST) |
           set_of(MCBP_FEATURE_SYNC_REPLICATION) | set_of(MCBP_FEATURE_PRESERVE_TTL) |
           set_of(MCBP_FEATURE_VATTR) | set_of(MCBP_FEATURE_SUBDOC_CREATE_AS_DELETED) |
           set_of(MCBP_FEATURE_SUBDOC_DOCUMENT_MACRO) |
           set_of(MCBP_FEATURE_SUBDOC_REPLACE_BODY_WITH_XATTR) |
           set_of(MCBP_FEATURE_SUBDOC_REPLICA_READ);
}

static void conclude(const struct middle *middle, struct seen *seen)
{
    static const enum mcbp_feature decided[] = {MCBP_FEATURE_TRACING, MCBP_FEATURE_MUTATION_SEQNO,
                                                MCBP_FEATURE_JSON, MCBP_FEATURE_SNAPPY,
                                                MCBP_FEATURE_COLLECTIONS};
    mcbp_feature_set open;
    bool told;
    mcbp_feature_set features = shadow_client_features(seen->client, &open);
    seen->start.bucket = shadow_client_bucket(middle->shadow, seen->client, &told);
    if (seen->granted) {
        seen->start.features = features;
        return;
    }
    seen->start.needs_bucket |= !seen->has_selected && told;
    seen->start.features = usual() | seen->shown;
    for (size_t i = 0; i < sizeof(decided) / sizeof(decided[0]); i++) {
        seen->start.features |= features & set_of(decided[i]);
    }
    if (mcbp_feature_is_in(open, MCBP_FEATURE_COLLECTIONS) && seen->keys > 0 && seen->words == 0) {
        seen->start.features |= set_of(MCBP_FEATURE_COLLECTIONS);
    }
    seen->start.features |= seen->remapped ? 0 : set_of(MCBP_FEATURE_XERROR);
}

/* A pipe can't be. */
static bool can_be_read_twice(const char *path)
{
    struct stat file;
    return strcmp(path, "-") != 0 && stat(path, &file) == 0 && S_ISREG(file.st_mode);
}

struct middle *middle_find(const char *path, const struct dissect_options *options)
{
    struct middle *middle = calloc(1, sizeof(*middle));
    struct capture_result result = {.path = path};
    struct dissect_consumer consumer = {.context = middle, .frame = on_frame};
    if (!can_be_read_twice(path) || middle == NULL ||
        (middle->shadow = shadow_create(false)) == NULL) {
        free(middle);
        return NULL;
    }
    dissect_capture(path, options, &consumer, &result);
    capture_result_deinit(&result);
    bool any = false;
    for (struct seen *seen = middle->all; seen != NULL; seen = seen->next) {
        conclude(middle, seen);
        any |= seen->in_middle;
    }
    if (!any || !middle->is_couchbase || middle->no_memory) {
        middle_destroy(middle);
        return NULL;
    }
    return middle;
}

void middle_destroy(struct middle *middle)
{
    while (middle != NULL && middle->all != NULL) {
        struct seen *seen = middle->all;
        middle->all = seen->next;
        shadow_client_destroy(seen->client);
        free(seen);
    }
    if (middle != NULL) {
        shadow_destroy(middle->shadow);
        free(middle);
    }
}

const struct middle_start *middle_start_of(const struct middle *middle, uint64_t connection)
{
    const struct seen *seen = middle == NULL ? NULL : middle->all;
    while (seen != NULL && seen->start.connection != connection) {
        seen = seen->next;
    }
    return seen != NULL && seen->in_middle && !seen->brings_hello ? &seen->start : NULL;
}
