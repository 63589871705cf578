/* What holds on a connection. */
#include "base/endian.h"
#include "mcbp/collection.h"
#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"
#include "mcbp/token.h"
#include "shadow/parts.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>

static mcbp_feature_set set_of(enum mcbp_feature feature)
{
    return (mcbp_feature_set)1 << (unsigned)feature;
}

void client_enter(struct shadow_client *client, struct shadow_bucket *bucket)
{
    client->bucket = bucket;
    client->session->node = bucket->node;
}

/* Who may do what is the server's business: a client may do all that is answered. */
struct shadow_client *shadow_client_create(struct shadow *shadow, bool whole)
{
    struct shadow_client *client = calloc(1, sizeof(*client));
    struct shadow_bucket *bucket = shadow_likely_bucket(shadow);
    if (client == NULL || bucket == NULL ||
        (client->session = couchbase_session_create(bucket->node)) == NULL) {
        free(client);
        return NULL;
    }
    client->session->authenticated = true;
    client->session->has_bucket = true;
    client->whole = whole;
    client->prefixed = client->plain = UINT_MAX;
    client_enter(client, bucket);
    if (!whole) {
        client->open = set_of(MCBP_FEATURE_TRACING) | set_of(MCBP_FEATURE_MUTATION_SEQNO) |
                       set_of(MCBP_FEATURE_JSON) | set_of(MCBP_FEATURE_SNAPPY) |
                       set_of(MCBP_FEATURE_XERROR) | set_of(MCBP_FEATURE_COLLECTIONS);
        client->session->features =
            client->open | set_of(MCBP_FEATURE_XATTR) | set_of(MCBP_FEATURE_UNORDERED_EXECUTION);
    }
    return client;
}

void shadow_client_destroy(struct shadow_client *client)
{
    if (client != NULL) {
        couchbase_session_destroy(client->session);
        free(client);
    }
}

/* ---------------------------------------------------------------- what answers show */

void client_decide(struct shadow_client *client, enum mcbp_feature feature, bool granted)
{
    if (mcbp_feature_is_in(client->open, feature)) {
        client->open &= ~set_of(feature);
        client->session->features &= granted ? ~(mcbp_feature_set)0 : ~set_of(feature);
    }
}

/* A token comes with all successful changes of a document's value, or with none. */
static bool may_have_token(const struct mcbp_frame *request)
{
    uint8_t opcode = mcbp_opcode_loud(request->header.opcode);
    enum mcbp_family family = mcbp_opcode_family(opcode);
    return family == MCBP_FAMILY_STORE || family == MCBP_FAMILY_CONCATENATE ||
           family == MCBP_FAMILY_COUNT || family == MCBP_FAMILY_REMOVE ||
           (mcbp_subdoc_shape_of(opcode) != MCBP_SUBDOC_NONE && shadow_changes(opcode));
}

static void infer(struct shadow_client *client, const struct mcbp_frame *request,
                  const struct mcbp_frame *answer)
{
    if (answer->header.opcode != MCBP_STAT) {
        client_decide(client, MCBP_FEATURE_TRACING,
                      answer->header.magic == MCBP_FLEX_CLIENT_RESPONSE);
    }
    uint16_t status = answer->header.vbucket_or_status;
    if ((status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED) &&
        may_have_token(request)) {
        client_decide(client, MCBP_FEATURE_MUTATION_SEQNO,
                      mcbp_token_is(answer->header.opcode, answer->extras));
    }
    if (status == MCBP_STATUS_LOCKED || status == MCBP_STATUS_NOT_LOCKED) {
        client_decide(client, MCBP_FEATURE_XERROR, true);
    }
    if ((answer->header.datatype & MCBP_DATATYPE_JSON) != 0) {
        client_decide(client, MCBP_FEATURE_JSON, true);
    }
    if ((answer->header.datatype & MCBP_DATATYPE_SNAPPY) != 0) {
        client_decide(client, MCBP_FEATURE_SNAPPY, true);
    }
}

/* It is executed only for those who take all that may be stored. */
static void infer_from_get_ex(struct shadow_client *client, uint16_t status)
{
    if (status == MCBP_STATUS_SUCCESS || status == MCBP_STATUS_KEY_NOT_FOUND) {
        client_decide(client, MCBP_FEATURE_JSON, true);
        client_decide(client, MCBP_FEATURE_SNAPPY, true);
        client->session->features |= set_of(MCBP_FEATURE_SNAPPY_EVERYWHERE);
    }
}

/* A cluster configuration names the bucket that was selected. */
static void note_config(struct shadow *shadow, struct shadow_client *client, struct span json)
{
    json_t *root = json_loadb((const char *)json.data, json.size, 0, NULL);
    const char *name = json_string_value(json_object_get(root, "name"));
    if (name != NULL && !client->has_told_bucket) {
        struct shadow_bucket *bucket = shadow_bucket_of(shadow, span_of(name, strlen(name)));
        if (bucket != NULL) {
            client->has_told_bucket = true;
            client_enter(client, bucket);
        }
    }
    json_decref(root);
}

/* Clients leave their bucket where they log in anew, delete it, or can't select another one, which
 * some come back from. One that is deleted takes its connections with it. Source:
 * daemon/protocol/mcbp/select_bucket_executor.cc, sasl_auth_command_context.cc and
 * bucket_management_command_context.cc. */
static void note_selection(struct shadow_client *client, const struct mcbp_frame *request,
                           bool success)
{
    static const char none[] = "@no bucket@";
    switch (request->header.opcode) {
    case MCBP_SELECT_BUCKET:
        client->has_selected =
            success && !span_equal(request->key, span_of(none, sizeof(none) - 1));
        break;
    case MCBP_SASL_AUTH:
    case MCBP_SASL_STEP:
    case MCBP_DELETE_BUCKET:
        client->has_selected = false;
        break;
    default:
        break;
    }
}

void shadow_client_note(struct shadow *shadow, struct shadow_client *client,
                        const struct mcbp_frame *request, const struct mcbp_frame *answer)
{
    bool success = answer->header.vbucket_or_status == MCBP_STATUS_SUCCESS;
    note_selection(client, request, success);
    if (!client->whole) {
        infer(client, request, answer);
    }
    if (!client->whole && request->header.opcode == MCBP_GET_EX) {
        infer_from_get_ex(client, answer->header.vbucket_or_status);
    }
    if (!success) {
        return;
    }
    if (request->header.opcode == MCBP_HELLO) {
        client->session->features =
            mcbp_feature_set_of(request->value) & mcbp_feature_set_of(answer->value);
        client->whole = true;
        client->open = 0;
    } else if (request->header.opcode == MCBP_SELECT_BUCKET) {
        struct shadow_bucket *bucket = shadow_bucket_of(shadow, request->key);
        if (bucket != NULL) {
            client->has_told_bucket = true;
            client_enter(client, bucket);
        }
    } else if (request->header.opcode == MCBP_GET_CLUSTER_CONFIG && !client->whole) {
        note_config(shadow, client, answer->value);
    }
}

mcbp_feature_set shadow_client_features(const struct shadow_client *client, mcbp_feature_set *open)
{
    *open = client->open;
    return client->session->features & ~client->open;
}

struct span shadow_client_bucket(const struct shadow *shadow, const struct shadow_client *client,
                                 bool *told)
{
    *told = client->has_told_bucket;
    const struct shadow_bucket *only = shadow->buckets->next == NULL ? shadow->buckets : NULL;
    const struct shadow_bucket *bucket = client->has_told_bucket ? client->bucket : only;
    return bucket != NULL ? blob_span(bucket->name) : span_of(NULL, 0);
}

/* Source: protocol/mcbp/opcode.cc in couchbase/kv_engine, Attribute::Reorder. */
static bool is_reorderable(uint8_t opcode)
{
    switch (opcode) {
    case MCBP_GET_ALL_VB_SEQNOS:
    case MCBP_GET_EX:
    case MCBP_GET_EX_REPLICA:
    case MCBP_MUTATE_WITH_META:
    case MCBP_GET_REPLICA:
    case MCBP_EVICT_KEY:
    case MCBP_GET_LOCKED:
    case MCBP_UNLOCK_KEY:
    case MCBP_GET_CLUSTER_CONFIG:
    case MCBP_RANGE_SCAN_CREATE:
        return true;
    default:
        return (mcbp_opcode_is_keyed(opcode) && opcode <= MCBP_GAT &&
                !mcbp_opcode_is_quiet(opcode)) ||
               (opcode >= MCBP_SUBDOC_GET && opcode <= MCBP_SUBDOC_REPLACE_BODY_WITH_XATTR);
    }
}

bool shadow_may_overtake(const struct shadow_client *client, uint8_t opcode, uint8_t overtaken)
{
    return !client->whole || (client_has(client, MCBP_FEATURE_UNORDERED_EXECUTION) &&
                              is_reorderable(opcode) && is_reorderable(overtaken));
}

/* ---------------------------------------------------------------- the form of answers */

/* Frame info 0, the server's duration, and behind it those of REPORT_UNIT_USAGE: all of 2 bytes. */
static bool are_frame_infos(const struct shadow_client *client, struct span extras)
{
    enum { DURATION = 0, LAST_OF_UNITS = 3, SIZE = 2 };
    struct mcbp_frame_info info;
    int last = -1;
    unsigned most = client_has(client, MCBP_FEATURE_REPORT_UNIT_USAGE) ? LAST_OF_UNITS : DURATION;
    while (mcbp_frame_info_next(&extras, &info)) {
        if (info.id > most || (int)info.id <= last || info.value.size != SIZE) {
            return false;
        }
        last = (int)info.id;
    }
    return extras.size == 0 && last >= 0;
}

void client_set_frame(const struct judged *judged, bool framed, struct kvr_response *response)
{
    static const uint8_t duration[] = {0x02, 0, 0};
    const struct mcbp_frame *answer = judged->exchange->answer;
    bool traced = framed && client_has(judged->client, MCBP_FEATURE_TRACING);
    response->magic = traced ? MCBP_FLEX_CLIENT_RESPONSE : MCBP_CLIENT_RESPONSE;
    response->framing_extras = traced ? duration : NULL;
    response->framing_extras_size = traced ? sizeof(duration) : 0;
    if (traced && answer != NULL && are_frame_infos(judged->client, answer->framing_extras)) {
        response->framing_extras = answer->framing_extras.data;
        response->framing_extras_size = answer->framing_extras.size;
    }
}

/* {"error":{"context":"...","ref":"..."}, "manifest_uid":"..."}, each of which may be missing. */
static bool is_error_text(struct span text)
{
    json_t *root = json_loadb((const char *)text.data, text.size, 0, NULL);
    const json_t *error = json_object_get(root, "error");
    bool is = json_is_object(root) && json_object_size(root) > 0 &&
              (error == NULL || json_is_object(error)) &&
              json_object_size(root) ==
                  (size_t)(error != NULL) + (json_object_get(root, "manifest_uid") != NULL);
    json_decref(root);
    return is;
}

uint8_t client_json(const struct judged *judged)
{
    bool open = mcbp_feature_is_in(judged->client->open, MCBP_FEATURE_JSON);
    uint8_t told = judged->exchange->answer->header.datatype & MCBP_DATATYPE_JSON;
    return open ? told : client_has(judged->client, MCBP_FEATURE_JSON) ? MCBP_DATATYPE_JSON : 0;
}

/* A configuration comes with NOT_MY_VBUCKET, or nothing if the client was given it before. */
static void take_config(const struct judged *judged, struct kvr_response *response)
{
    const struct mcbp_frame *answer = judged->exchange->answer;
    bool everywhere = client_has(judged->client, MCBP_FEATURE_SNAPPY_EVERYWHERE);
    uint8_t may = session_datatypes(judged->client->session) &
                  (uint8_t)(MCBP_DATATYPE_JSON | (everywhere ? MCBP_DATATYPE_SNAPPY : 0));
    response->value = answer->value.data;
    response->value_size = answer->value.size;
    response->datatype = answer->value.size > 0 ? answer->header.datatype & may : 0;
}

void client_take_error_text(const struct judged *judged, struct kvr_response *response)
{
    struct span text = judged->exchange->answer->value;
    if (judged->status == MCBP_STATUS_NOT_MY_VBUCKET) {
        take_config(judged, response);
        return;
    }
    if (text.size == 0 || is_error_text(text)) {
        response->value = text.data;
        response->value_size = text.size;
        response->value_owner = NULL;
        response->datatype = text.size > 0 ? client_json(judged) : 0;
    }
}
