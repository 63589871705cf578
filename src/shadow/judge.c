/* What becomes of an answer: which part judges it, and how it is compared. */
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "mcbp/subdoc_spec.h"
#include "mcbp/token.h"
#include "response/from_frame.h"
#include "shadow/parts.h"

void judged_compare(struct judged *judged, enum shadow_outcome if_equal)
{
    const struct mcbp_frame *answer = judged->exchange->answer;
    struct shadow_verdict *verdict = judged->verdict;
    bool equal = answer == NULL
                     ? !verdict->answers
                     : verdict->answers && judged->comparer->agrees(judged->comparer->context,
                                                                    &verdict->response, answer);
    verdict->outcome = equal ? if_equal : SHADOW_DIFFERENT;
}

bool judged_is_about(const struct judged *judged, uint32_t told, uint32_t ours)
{
    enum { SLACK = 2 };
    uint32_t ahead = (uint32_t)(judged_ahead(judged) / 1000000000);
    uint32_t late = told - ours;
    return late + SLACK <= 2 * SLACK || late - ahead + SLACK <= 2 * SLACK;
}

/* What it may say whatever the document holds: it has no memory, the vbucket is elsewhere, the
 * client may not do that, the nodes that durability needs are not there. */
bool judged_is_servers_own(uint16_t status)
{
    switch (status) {
    case MCBP_STATUS_NOT_MY_VBUCKET:
    case MCBP_STATUS_NO_BUCKET:
    case MCBP_STATUS_WOULD_THROTTLE:
    case MCBP_STATUS_CONFIG_ONLY:
    case MCBP_STATUS_AUTH_STALE:
    case MCBP_STATUS_AUTH_ERROR:
    case MCBP_STATUS_NO_ACCESS:
    case MCBP_STATUS_NOT_INITIALIZED:
    case MCBP_STATUS_ENCRYPTION_KEY_NOT_AVAILABLE:
    case MCBP_STATUS_BUCKET_PAUSED:
    case MCBP_STATUS_CANCELLED:
    case MCBP_STATUS_NO_MEMORY:
    case MCBP_STATUS_NOT_SUPPORTED:
    case MCBP_STATUS_INTERNAL_ERROR:
    case MCBP_STATUS_BUSY:
    case MCBP_STATUS_TEMPORARY_FAILURE:
    case MCBP_STATUS_UNKNOWN_COLLECTION:
    case MCBP_STATUS_UNKNOWN_SCOPE:
    case MCBP_STATUS_DURABILITY_IMPOSSIBLE:
    case MCBP_STATUS_SYNC_WRITE_IN_PROGRESS:
    case MCBP_STATUS_SYNC_WRITE_AMBIGUOUS:
    case MCBP_STATUS_SYNC_WRITE_RECOMMIT_IN_PROGRESS:
        return true;
    default:
        return status >= MCBP_STATUS_RATE_LIMITED_NETWORK_INGRESS &&
               status <= MCBP_STATUS_BUCKET_DISK_SPACE_TOO_LOW;
    }
}

/* A document command as it was from the beginning, of a client that would be told if its bucket
 * had configurations alone. Source: daemon/mcbp_validators.cc, and daemon/cookie.cc,
 * validateClientRequest. */
static bool is_supported_always(const struct judged *judged)
{
    const struct shadow_client *client = judged->client;
    const struct mcbp_frame *request = judged->exchange->request;
    return mcbp_opcode_is_keyed(judged->opcode) && judged->opcode <= MCBP_GAT &&
           request->framing_extras.size == 0 && client_has(client, MCBP_FEATURE_XERROR) &&
           !mcbp_feature_is_in(client->open, MCBP_FEATURE_XERROR);
}

bool judged_is_ruled_out(const struct judged *judged)
{
    return (judged->status == MCBP_STATUS_NO_BUCKET && judged->client->has_selected &&
            !judged->exchange->unseen && !judged->exchange->open) ||
           (judged->status == MCBP_STATUS_NOT_SUPPORTED && is_supported_always(judged));
}

/* Silence says success of a change, and a miss of what reads. */
static uint16_t status_of(const struct shadow_exchange *exchange)
{
    if (exchange->answer != NULL) {
        return exchange->answer->header.vbucket_or_status;
    }
    uint8_t opcode = exchange->request->header.opcode;
    return shadow_changes(opcode) && !mcbp_opcode_retrieves(opcode) ? MCBP_STATUS_SUCCESS
                                                                    : MCBP_STATUS_KEY_NOT_FOUND;
}

/* No key, and a token if the document has changed and that was agreed on. */
static void hold_subdoc_form(const struct judged *judged, struct kvr_response *response)
{
    static const uint8_t nothing[MCBP_TOKEN_SIZE];
    bool changed =
        shadow_changes(judged->opcode) && (judged->status == MCBP_STATUS_SUCCESS ||
                                           judged->status == MCBP_STATUS_SUBDOC_SUCCESS_DELETED);
    size_t size =
        changed && client_has(judged->client, MCBP_FEATURE_MUTATION_SEQNO) ? MCBP_TOKEN_SIZE : 0;
    if (response->extras_size != size) {
        response->extras = nothing;
        response->extras_size = (uint8_t)size;
    }
    response->key = NULL;
    response->key_size = 0;
    if (judged->status == MCBP_STATUS_SUCCESS) { /* else it may be a configuration */
        response->datatype &= MCBP_DATATYPE_JSON;
    }
}

/* Content that is not executed still has the form that was agreed on. */
void judge_form(struct judged *judged)
{
    struct shadow_verdict *verdict = judged->verdict;
    const struct mcbp_frame *answer = judged->exchange->answer;
    verdict->outcome = SHADOW_NOT_EXECUTED;
    if (answer == NULL || !judged->client->whole ||
        mcbp_opcode_family(judged->opcode) >= MCBP_FAMILY_DCP_CONSUMER) {
        return;
    }
    response_from_frame(answer, &verdict->response);
    client_set_frame(judged, true, &verdict->response);
    verdict->response.datatype &= session_datatypes(judged->client->session);
    if (mcbp_subdoc_shape_of(judged->opcode) != MCBP_SUBDOC_NONE) {
        hold_subdoc_form(judged, &verdict->response);
    }
    verdict->answers = true;
    judged_compare(judged, SHADOW_NOT_EXECUTED);
}

void shadow_judge(struct shadow *shadow, struct shadow_client *client,
                  const struct shadow_exchange *exchange, const struct shadow_comparer *comparer,
                  enum shadow_rigour rigour, struct shadow_verdict *verdict)
{
    struct judged judged = {
        .shadow = shadow,
        .client = client,
        .exchange = exchange,
        .comparer = comparer,
        .verdict = verdict,
        .opcode = mcbp_opcode_loud(exchange->request->header.opcode),
        .status = status_of(exchange),
    };
    *verdict = (struct shadow_verdict){.outcome = SHADOW_NOT_EXECUTED};
    if (asked_of_replica(exchange->request)) {
        document_judge_replica(&judged);
    } else if (exchange->asked->document != NULL && !client->bucket->is_several) {
        document_judge(&judged, rigour);
    } else if (!bound_judge(&judged)) {
        if (judged.opcode == MCBP_COLLECTIONS_SET_MANIFEST &&
            judged.status == MCBP_STATUS_SUCCESS) {
            limits_read_manifest(client->bucket, exchange->request->value);
        }
        asked_without_place(client, exchange->request);
        judge_form(&judged);
    }
}
