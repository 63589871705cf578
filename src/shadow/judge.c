/* What becomes of an answer: which part judges it, and how it is compared. */
#include "mcbp/opcode.h"
#include "mcbp/status.h"
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

/* Silence says success of a change, and a miss of what reads. */
static uint16_t status_of(const struct shadow_exchange *exchange)
{
    if (exchange->answer != NULL) {
        return exchange->answer->header.vbucket_or_status;
    }
    return mcbp_opcode_changes(exchange->request->header.opcode) ? MCBP_STATUS_SUCCESS
                                                                 : MCBP_STATUS_KEY_NOT_FOUND;
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
    verdict->answers = true;
    judged_compare(judged, SHADOW_NOT_EXECUTED);
}

void shadow_judge(struct shadow *shadow, struct shadow_client *client,
                  const struct shadow_exchange *exchange, const struct shadow_comparer *comparer,
                  bool strict, struct shadow_verdict *verdict)
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
    if (exchange->asked->document != NULL && !client->bucket->is_several) {
        document_judge(&judged, strict);
    } else if (!bound_judge(&judged)) {
        judge_form(&judged);
    }
}
