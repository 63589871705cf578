/* Requests about no document: what the server alone decides is taken over, and held to where it
 * has been told before. */
#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "response/from_frame.h"
#include "shadow/parts.h"

#include <jansson.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- forms */

enum {
    VALUE = 1,      /* a success may have one, which is the server's own */
    JSON = 2,       /* which is JSON */
    UNFRAMED = 4,   /* answers have no framing extras, ever */
    ROWS = 8,       /* and may have a key */
    EITHER = 16,    /* answers may have the form from before HELLO, or that which it agrees on */
    SHOWS_CAS = 32, /* the CAS is the server's own */
    DOCUMENT = 64,  /* the value is a document */
};

static const struct form {
    bool is_known;
    uint8_t extras; /* bytes of a success */
    uint8_t traits;
} FORMS[256] = {
    [MCBP_HELLO] = {true, 0, VALUE | EITHER},
    [MCBP_SASL_LIST_MECHS] = {true, 0, VALUE},
    [MCBP_SASL_AUTH] = {true, 0, VALUE},
    [MCBP_SASL_STEP] = {true, 0, VALUE},
    [MCBP_GET_ERROR_MAP] = {true, 0, VALUE | JSON},
    [MCBP_SELECT_BUCKET] = {true, 0, 0},
    [MCBP_NOOP] = {true, 0, 0},
    [MCBP_VERSION] = {true, 0, VALUE},
    [MCBP_QUIT] = {true, 0, 0},
    [MCBP_STAT] = {true, 0, VALUE | UNFRAMED | ROWS},
    [MCBP_GET_CLUSTER_CONFIG] = {true, 0, VALUE | JSON},
    [MCBP_COLLECTIONS_GET_MANIFEST] = {true, 0, VALUE | JSON},
    [MCBP_COLLECTIONS_GET_ID] = {true, 12, 0},
    [MCBP_COLLECTIONS_GET_SCOPE_ID] = {true, 12, 0},
    [MCBP_GET_RANDOM_KEY] = {true, 4, VALUE | ROWS | SHOWS_CAS | DOCUMENT},
    [MCBP_OBSERVE] = {true, 0, VALUE | SHOWS_CAS},
    [MCBP_OBSERVE_SEQNO] = {true, 0, VALUE},
    [MCBP_RANGE_SCAN_CREATE] = {true, 0, VALUE},
    [MCBP_RANGE_SCAN_CONTINUE] = {true, 4, VALUE},
    [MCBP_RANGE_SCAN_CANCEL] = {true, 0, 0},
};

static bool is_success(uint16_t status)
{
    return status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_AUTH_CONTINUE ||
           status == MCBP_STATUS_RANGE_SCAN_MORE || status == MCBP_STATUS_RANGE_SCAN_COMPLETE;
}

/* Errors of requests that are about no document. */
static bool may_be_refused(uint16_t status)
{
    switch (status) {
    case MCBP_STATUS_KEY_NOT_FOUND:
    case MCBP_STATUS_INVALID_ARGUMENTS:
    case MCBP_STATUS_TOO_LARGE:
    case MCBP_STATUS_RANGE_ERROR:
    case MCBP_STATUS_UNKNOWN_COMMAND:
    case MCBP_STATUS_UNKNOWN_FRAME_INFO:
    case MCBP_STATUS_DURABILITY_INVALID_LEVEL:
    case MCBP_STATUS_RANGE_SCAN_CANCELLED:
    case MCBP_STATUS_VBUCKET_UUID_NOT_EQUAL:
        return true;
    default:
        return judged_is_servers_own(status);
    }
}

static uint8_t datatype_of(const struct judged *judged, const struct form *form)
{
    const struct mcbp_frame *answer = judged->exchange->answer;
    bool everywhere = client_has(judged->client, MCBP_FEATURE_SNAPPY_EVERYWHERE);
    if ((form->traits & DOCUMENT) != 0) {
        return answer->header.datatype & session_datatypes(judged->client->session);
    }
    uint8_t compressed = everywhere ? answer->header.datatype & MCBP_DATATYPE_SNAPPY : 0;
    if ((form->traits & JSON) == 0 || answer->value.size == 0) {
        return 0;
    }
    return compressed | client_json(judged);
}

/* The recorded answer without what such an answer can't have. */
static void take_form(const struct judged *judged, const struct form *form)
{
    static const uint8_t nothing[256];
    const struct mcbp_frame *answer = judged->exchange->answer;
    struct kvr_response *response = &judged->verdict->response;
    *response = (struct kvr_response){
        .opcode = judged->exchange->request->header.opcode,
        .opaque = judged->exchange->request->header.opaque,
        .status = judged->status,
    };
    bool is_row = (form->traits & UNFRAMED) != 0 && is_success(judged->status);
    client_set_frame(judged, !is_row, response);
    judged->verdict->answers = true;
    if (!is_success(judged->status)) {
        bool misses = judged->opcode == MCBP_NOOP && judged->status == MCBP_STATUS_KEY_NOT_FOUND;
        bool may = may_be_refused(judged->status) && !misses && !judged_is_ruled_out(judged);
        response->status = may ? judged->status : MCBP_STATUS_SUCCESS;
        client_take_error_text(judged, response);
        return;
    }
    bool fits = answer->extras.size == form->extras;
    response->extras = fits ? answer->extras.data : nothing;
    response->extras_size = form->extras;
    response->cas = (form->traits & SHOWS_CAS) != 0 ? answer->header.cas : 0;
    response->datatype = datatype_of(judged, form);
    if ((form->traits & ROWS) != 0) {
        response->key = answer->key.data;
        response->key_size = answer->key.size;
    }
    if ((form->traits & VALUE) != 0) {
        response->value = answer->value.data;
        response->value_size = answer->value.size;
    }
}

/* What the answer tells is another thing than before. `value`: what it has to be, NULL: unknown. */
static void contradict(struct judged *judged, const char *why)
{
    judged->verdict->outcome = SHADOW_DIFFERENT;
    judged->verdict->why = why;
}

/* ---------------------------------------------------------------- HELLO */

/* Granted is what was asked for, in ascending order. */
static void judge_hello(struct judged *judged)
{
    struct kvr_response *response = &judged->verdict->response;
    const struct mcbp_frame *answer = judged->exchange->answer;
    mcbp_feature_set granted =
        mcbp_feature_set_of(answer->value) & mcbp_feature_set_of(judged->exchange->request->value);
    struct blob *list = blob_create(2 * 64);
    if (list == NULL) {
        judged->verdict->outcome = SHADOW_NO_MEMORY;
        return;
    }
    list->size = 0;
    for (uint16_t feature = 0; feature < 64; feature++) {
        if ((granted >> feature & 1) != 0) {
            write_be16(list->bytes + list->size, feature);
            list->size += 2;
        }
    }
    blob_drop(judged->shadow->kept);
    judged->shadow->kept = list;
    response->value = list->bytes;
    response->value_size = list->size;
    if (answer->header.magic == MCBP_CLIENT_RESPONSE) {
        client_set_frame(judged, false, response);
    }
    judged_compare(judged, SHADOW_IDENTICAL);
}

/* ---------------------------------------------------------------- cluster configuration */

struct revision {
    int64_t epoch;
    int64_t revision;
    uint64_t manifest; /* 0: not told */
};

static bool read_revision(struct span json, struct revision *revision)
{
    json_t *root = json_loadb((const char *)json.data, json.size, 0, NULL);
    const json_t *number = json_object_get(root, "rev");
    const char *manifest = json_string_value(json_object_get(root, "collectionsManifestUid"));
    *revision = (struct revision){json_integer_value(json_object_get(root, "revEpoch")),
                                  json_integer_value(number),
                                  manifest == NULL ? 0 : strtoull(manifest, NULL, 16)};
    bool read = json_is_integer(number);
    json_decref(root);
    return read;
}

/* Vbuckets may have gone to other nodes, and come back with other UUIDs. */
static void take_config(struct judged *judged, const struct revision *told)
{
    struct shadow_bucket *bucket = judged->client->bucket;
    bucket->era += bucket->config != NULL;
    limits_forget(bucket);
    blob_drop(bucket->config);
    bucket->config = blob_copy(judged->exchange->answer->value);
    bucket->config_epoch = told->epoch;
    bucket->config_revision = told->revision;
    bucket->config_absence = judged->shadow->absences;
    if (told->manifest != 0) {
        limits_note_manifest(bucket, told->manifest);
    }
}

/* A revision has one content, and none comes behind a higher one. */
static void judge_config(struct judged *judged)
{
    struct shadow_bucket *bucket = judged->client->bucket;
    const struct mcbp_frame *answer = judged->exchange->answer;
    struct revision told;
    judged_compare(judged, SHADOW_ADOPTED);
    if (judged->verdict->outcome == SHADOW_DIFFERENT || answer->value.size == 0 ||
        (answer->header.datatype & MCBP_DATATYPE_SNAPPY) != 0 || !judged->client->has_told_bucket) {
        return;
    }
    if (span_equal(answer->value, blob_span(bucket->config))) {
        bucket->config_absence = judged->shadow->absences;
        return;
    }
    bool read = read_revision(answer->value, &told);
    bool held = bucket->config != NULL && told.epoch == bucket->config_epoch &&
                bucket->config_absence == judged->shadow->absences;
    if (!read) {
        contradict(judged, "it is no cluster configuration: JSON with a revision");
    } else if (held && told.revision == bucket->config_revision) {
        contradict(judged, "the same revision had another content before");
        judged->verdict->response.value = bucket->config->bytes;
        judged->verdict->response.value_size = bucket->config->size;
    } else if (held && told.revision < bucket->config_revision) {
        contradict(judged, "a higher revision was told before");
    } else {
        take_config(judged, &told);
    }
}

/* ---------------------------------------------------------------- ids */

static struct shadow_id *find_id(const struct judged *judged, struct span path)
{
    struct shadow_id *id = judged->shadow->ids;
    while (id != NULL && (id->opcode != judged->opcode || !span_equal(blob_span(id->path), path))) {
        id = id->next;
    }
    return id;
}

/* NULL: no memory. */
static struct shadow_id *add_id(const struct judged *judged, struct span path)
{
    struct shadow_id *id = calloc(1, sizeof(*id));
    struct blob *copy = blob_copy(path);
    if (id == NULL || copy == NULL) {
        free(id);
        blob_drop(copy);
        return NULL;
    }
    id->path = copy;
    id->opcode = judged->opcode;
    id->next = judged->shadow->ids;
    judged->shadow->ids = id;
    return id;
}

/* As long as the manifest is the same, so is the id of a name. */
static void judge_id(struct judged *judged)
{
    const struct mcbp_frame *request = judged->exchange->request;
    const struct mcbp_frame *answer = judged->exchange->answer;
    struct span path = request->value.size > 0 ? request->value : request->key;
    judged_compare(judged, SHADOW_ADOPTED);
    if (judged->verdict->outcome == SHADOW_DIFFERENT || !judged->client->has_told_bucket) {
        return;
    }
    uint64_t manifest = read_be64(answer->extras.data);
    uint32_t number = read_be32(answer->extras.data + 8);
    struct shadow_id *id = find_id(judged, path);
    if (id == NULL && (id = add_id(judged, path)) == NULL) {
        judged->verdict->outcome = SHADOW_NO_MEMORY;
        return;
    }
    if (id->manifest == manifest && id->bucket == judged->client->bucket && id->number != number &&
        id->absence == judged->shadow->absences && id->is_told) {
        contradict(judged, "the same manifest had another number for that name before");
        return;
    }
    limits_note_manifest(judged->client->bucket, manifest);
    id->is_told = true;
    id->bucket = judged->client->bucket;
    id->manifest = manifest;
    id->absence = judged->shadow->absences;
    id->number = number;
}

/* The answer tells how long documents may live. */
static void judge_manifest(struct judged *judged)
{
    const struct mcbp_frame *answer = judged->exchange->answer;
    judged_compare(judged, SHADOW_ADOPTED);
    if (judged->verdict->outcome != SHADOW_DIFFERENT && judged->client->has_told_bucket &&
        (answer->header.datatype & MCBP_DATATYPE_SNAPPY) == 0) {
        limits_read_manifest(judged->client->bucket, answer->value);
    }
}

/* ---------------------------------------------------------------- what is observed */

static void contradict_uuid(struct judged *judged, struct shadow_vbucket *known)
{
    if (anew_is_possible(known)) {
        anew_begin(judged->shadow, known, NULL);
    } else {
        contradict(judged, "tokens of this vbucket have another UUID");
    }
}

/* A number is one of that UUID. */
static void note_observed(const struct judged *judged, struct shadow_vbucket *known, uint64_t uuid,
                          uint64_t seqno)
{
    if (!judged->client->has_told_bucket) {
        return;
    }
    if (known->uuid == 0) {
        known->uuid = uuid;
        known->era = known->bucket->era;
    }
    if (known->uuid == uuid && seqno > known->observed) {
        known->observed = seqno;
    }
}

/* Format 0, or 1 behind a failover; vbucket, UUID, the highest number that is persisted, and the
 * highest one. */
static void judge_observe_seqno(struct judged *judged)
{
    enum { SIZE = 27, SIZE_BEHIND_FAILOVER = 43 };
    const struct mcbp_frame *request = judged->exchange->request;
    const struct mcbp_frame *answer = judged->exchange->answer;
    const uint8_t *told = answer->value.data;
    uint16_t vbucket = request->header.vbucket_or_status;
    judged_compare(judged, SHADOW_ADOPTED);
    if (judged->verdict->outcome == SHADOW_DIFFERENT || vbucket >= COUCHBASE_VBUCKETS_MAX) {
        return;
    }
    struct shadow_vbucket *known = &judged->client->bucket->vbuckets[vbucket];
    const struct shadow_asked *asked = judged->exchange->asked;
    if (answer->value.size == 0 ||
        answer->value.size != (told[0] == 0 ? SIZE : SIZE_BEHIND_FAILOVER)) {
        contradict(judged, "its length is not that of its format");
    } else if (read_be16(told + 1) != vbucket) {
        contradict(judged, "it tells of another vbucket than the one asked for");
    } else if (read_be64(told + 11) > read_be64(told + 19)) {
        contradict(judged, "more is persisted than there is");
    } else if (known->uuid != 0 && read_be64(told + 3) != known->uuid) {
        contradict_uuid(judged, known);
    } else if (read_be64(told + 19) < floor_of(asked, asked->seqno)) {
        contradict(judged, "a higher number was told before");
    } else {
        note_observed(judged, known, read_be64(told + 3), read_be64(told + 19));
    }
}

/* ---------------------------------------------------------------- which it is */

static void judge_content(struct judged *judged)
{
    switch (judged->opcode) {
    case MCBP_HELLO:
        judge_hello(judged);
        break;
    case MCBP_GET_CLUSTER_CONFIG:
        judge_config(judged);
        break;
    case MCBP_COLLECTIONS_GET_ID:
    case MCBP_COLLECTIONS_GET_SCOPE_ID:
        judge_id(judged);
        break;
    case MCBP_COLLECTIONS_GET_MANIFEST:
        judge_manifest(judged);
        break;
    case MCBP_OBSERVE_SEQNO:
        judge_observe_seqno(judged);
        break;
    case MCBP_OBSERVE:
        shown_judge_observed(judged);
        break;
    case MCBP_GET_RANDOM_KEY:
        shown_judge_random(judged);
        break;
    case MCBP_RANGE_SCAN_CREATE:
        scan_note_create(judged);
        break;
    case MCBP_RANGE_SCAN_CONTINUE:
        scan_judge_continue(judged);
        break;
    case MCBP_NOOP:
    case MCBP_QUIT:
        judged_compare(judged, SHADOW_IDENTICAL);
        break;
    default:
        judged_compare(judged, SHADOW_ADOPTED);
        break;
    }
}

bool bound_judge(struct judged *judged)
{
    const struct form *form = &FORMS[judged->opcode];
    if (!form->is_known) {
        return false;
    }
    if (judged->exchange->answer == NULL) { /* QUITQ */
        judged->verdict->outcome = SHADOW_IDENTICAL;
        return true;
    }
    judged->verdict->closes = judged->opcode == MCBP_QUIT;
    take_form(judged, form);
    if (is_success(judged->status)) {
        judge_content(judged);
    } else {
        judged_compare(judged, SHADOW_ADOPTED);
    }
    return true;
}
