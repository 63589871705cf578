#include "server/couchbase_requests.h"

#include "base/clock.h"

_Static_assert((int)COUCHBASE_RESPONSES <= (int)BATCH_RESPONSES_ANSWER,
               "a batch takes every answer");

/* Sets requests->needed if more has to come. */
static enum requests_state find_request(struct requests *requests, struct span input,
                                        struct mcbp_frame *frame, bool *found)
{
    enum mcbp_parse parse = mcbp_frame_parse(input, frame);
    uint8_t magic = input.data[0];
    *found = false;
    if (parse == MCBP_BAD_MAGIC || parse == MCBP_BAD_LENGTHS ||
        (magic != MCBP_CLIENT_REQUEST && magic != MCBP_FLEX_CLIENT_REQUEST) ||
        frame->bytes.size > MCBP_HEADER_SIZE + couchbase_session_frame_max(requests->session)) {
        return REQUESTS_CLOSE;
    }
    *found = parse == MCBP_FRAME;
    requests->needed = *found ? 1 : frame->bytes.size;
    return REQUESTS_WAIT;
}

void couchbase_requests_tell(struct requests *requests, struct service *service,
                             struct batch *batch)
{
    struct couchbase_answer answer;
    pthread_mutex_lock(&service->lock);
    if (couchbase_session_tell(requests->session, &answer)) {
        batch_add(batch, answer.responses, answer.count);
    }
    pthread_mutex_unlock(&service->lock);
}

/* The service's lock is held. */
static void announce_change(struct service *service)
{
    int64_t revision = couchbase_node_configurations(service->node);
    if (revision != service->revision) {
        service->revision = revision;
        service->announce(service->announce_context);
    }
}

void couchbase_requests_refuse(struct requests *requests, struct service *service,
                               const struct mcbp_frame *frame, struct batch *batch)
{
    struct couchbase_answer answer;
    struct couchbase_request request = {.frame = frame, .now = clock_now(CLOCK_REALTIME)};
    pthread_mutex_lock(&service->lock);
    couchbase_refuse(service->node, requests->session, &request, &answer);
    batch_add(batch, answer.responses, answer.count);
    pthread_mutex_unlock(&service->lock);
}

enum requests_state couchbase_requests_execute(struct requests *requests, struct service *service,
                                               struct span input, struct batch *batch, size_t *used,
                                               size_t *executed)
{
    struct mcbp_frame frame;
    struct couchbase_answer answer;
    struct couchbase_request request = {.frame = &frame, .now = clock_now(CLOCK_REALTIME)};
    int64_t begun = clock_now(CLOCK_MONOTONIC);
    *used = 0;
    while (*used < input.size) {
        bool found;
        if (batch_is_full(batch)) {
            return REQUESTS_FULL;
        }
        enum requests_state state = find_request(requests, span_skip(input, *used), &frame, &found);
        if (!found) {
            return state;
        }
        couchbase_execute(service->node, requests->session, &request, &answer);
        int64_t done = clock_now(CLOCK_MONOTONIC);
        couchbase_set_duration(service->node, (uint64_t)(done - begun) / 1000);
        begun = done;
        batch_add(batch, answer.responses, answer.count);
        announce_change(service);
        if (answer.more) {
            continue;
        }
        *used += frame.bytes.size;
        ++*executed;
        if (answer.close) {
            return REQUESTS_CLOSE;
        }
    }
    return REQUESTS_WAIT;
}
