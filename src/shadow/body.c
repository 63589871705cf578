/* Of a mutation of attributes that are not known, what it does to the body that is. */
#include "couchbase/documents.h"
#include "mcbp/status.h"
#include "shadow/parts.h"
#include "subdoc/request.h"

/* Attributes come first: the request without them is a request, too. */
static bool without_attributes(const struct subdoc_request *subdoc, struct mcbp_frame *request)
{
    struct mcbp_subdoc_spec spec;
    size_t size = request->value.size;
    for (size_t i = 0; i < subdoc->xattr_count; i++) {
        if (!mcbp_subdoc_spec_next(MCBP_SUBDOC_MUTATION, &request->value, &spec)) {
            return false;
        }
    }
    request->header.body_length -= (uint32_t)(size - request->value.size);
    return true;
}

bool body_mutate(const struct judged *judged, const struct subdoc_request *subdoc)
{
    struct couchbase_answer answer;
    struct mcbp_frame reduced = *judged->exchange->request;
    struct shadow_vbucket *vbucket = judged->exchange->asked->vbucket;
    if (!subdoc->is_multi || subdoc->xattr_count == subdoc->count ||
        !without_attributes(subdoc, &reduced)) {
        return false;
    }
    const struct couchbase_request request = {.frame = &reduced,
                                              .now = judged->exchange->answered_at,
                                              .told = judged_told_by(judged->exchange->answer)};
    couchbase_execute(vbucket->bucket->node, judged->client->session, &request, &answer);
    return answer.count == 1 && answer.responses[0].status == MCBP_STATUS_SUCCESS;
}
