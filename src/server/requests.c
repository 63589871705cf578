#include "server/requests.h"

#include "mcbp/status.h"
#include "server/couchbase_requests.h"

#include <event2/buffer.h>
#include <time.h>

/* What is known of the request that the input begins with. */
enum view {
    VIEW_EXECUTABLE,
    VIEW_NEEDS_MORE, /* bytes; requests->needed says how many there have to be */
    VIEW_NO_REQUEST, /* memcached closes the connection without a word */
};

static enum view need(struct requests *requests, size_t size)
{
    requests->needed = size;
    return VIEW_NEEDS_MORE;
}

/*
 * A request of which a part has come: enough for the engine, if that doesn't look at the value. The
 * value's span then has its size, and no bytes to be read.
 */
static enum view view_part(struct requests *requests, const struct service *service,
                           struct span input, struct mcbp_frame *frame)
{
    const struct mcbp_header *header = &frame->header;
    size_t prefix = MCBP_HEADER_SIZE + (size_t)header->extras_length + header->key_length;
    size_t value = frame->bytes.size - prefix;
    if (engine_reads_value(header->opcode) && value <= service->item_size_max) {
        return need(requests, frame->bytes.size);
    }
    if (input.size < prefix) {
        return need(requests, prefix);
    }
    frame->framing_extras = (struct span){0};
    frame->extras = span_of(input.data + MCBP_HEADER_SIZE, header->extras_length);
    frame->key = span_of(frame->extras.data + header->extras_length, header->key_length);
    frame->value = span_of(frame->key.data + header->key_length, value);
    return VIEW_EXECUTABLE;
}

static enum view view_request(struct requests *requests, const struct service *service,
                              struct span input, struct engine_request *request,
                              struct mcbp_frame *frame)
{
    switch (mcbp_frame_parse(input, frame)) {
    case MCBP_FRAME:
        return VIEW_EXECUTABLE;
    case MCBP_BAD_LENGTHS:
        *frame = (struct mcbp_frame){.header = frame->header};
        request->bad_lengths = true;
        return VIEW_EXECUTABLE;
    case MCBP_NEED_MORE:
        if (input.size < MCBP_HEADER_SIZE) {
            return need(requests, MCBP_HEADER_SIZE);
        }
        if (frame->header.magic != MCBP_CLIENT_REQUEST) {
            return VIEW_NO_REQUEST;
        }
        return view_part(requests, service, input, frame);
    default:
        return VIEW_NO_REQUEST;
    }
}

/* The store had no memory left for it, though quiet requests would say nothing else. */
static void add_no_memory(struct batch *batch, const struct mcbp_header *header)
{
    const char *text = mcbp_status_error_body(MCBP_STATUS_NO_MEMORY);
    struct kvr_response response = {
        .magic = MCBP_CLIENT_RESPONSE,
        .opcode = header->opcode,
        .status = MCBP_STATUS_NO_MEMORY,
        .opaque = header->opaque,
        .value = text,
        .value_size = strlen(text),
    };
    batch_add(batch, &response, 1);
}

/* False: the connection is to be closed. */
static bool execute(struct requests *requests, struct engine *engine,
                    const struct engine_request *request, struct batch *batch)
{
    struct engine_answer answer;
    engine_execute(engine, request, &answer);
    if (answer.verdict == ENGINE_NO_MEMORY) {
        add_no_memory(batch, &request->frame->header);
    } else {
        batch_add(batch, answer.responses, answer.count);
    }
    requests->swallow = request->frame->bytes.size + answer.overread - answer.unread;
    return !answer.close;
}

static size_t requests_swallow(struct requests *requests, size_t available)
{
    size_t swallowed = requests->swallow < available ? requests->swallow : available;
    requests->swallow -= swallowed;
    requests->needed = 1;
    return swallowed;
}

/* Executes what is in one piece of memory. Sets *used to what of it is done with. */
static enum requests_state execute_span(struct requests *requests, struct service *service,
                                        struct span input, struct batch *batch, size_t *used,
                                        size_t *executed)
{
    struct mcbp_frame frame;
    struct engine_request request = {.frame = &frame, .now = time(NULL)};
    *used = 0;
    for (;;) {
        *used += requests_swallow(requests, input.size - *used);
        struct span rest = span_skip(input, *used);
        if (rest.size == 0) {
            return REQUESTS_WAIT;
        }
        if (batch_is_full(batch)) {
            return REQUESTS_FULL;
        }
        switch (view_request(requests, service, rest, &request, &frame)) {
        case VIEW_EXECUTABLE:
            break;
        case VIEW_NEEDS_MORE:
            return REQUESTS_WAIT;
        default:
            return REQUESTS_CLOSE;
        }
        ++*executed;
        if (!execute(requests, service->engine, &request, batch)) {
            return REQUESTS_CLOSE;
        }
    }
}

bool requests_init(struct requests *requests, const struct service *service)
{
    *requests = (struct requests){0};
    if (service->node != NULL) {
        requests->session = couchbase_session_create(service->node);
    }
    return service->node == NULL || requests->session != NULL;
}

void requests_deinit(struct requests *requests)
{
    couchbase_session_destroy(requests->session);
}

void requests_refuse(struct requests *requests, struct service *service, struct evbuffer *input,
                     struct batch *batch)
{
    uint8_t bytes[MCBP_HEADER_SIZE];
    struct mcbp_frame frame;
    evbuffer_copyout(input, bytes, sizeof(bytes));
    mcbp_frame_parse(span_of(bytes, sizeof(bytes)), &frame);
    if (service->node != NULL) {
        couchbase_requests_refuse(requests, service, &frame, batch);
    } else {
        add_no_memory(batch, &frame.header);
    }
    requests->swallow = frame.bytes.size;
    requests->needed = 1;
}

/* The beginning of the input as one piece of memory, of `needed` bytes at least; moved only if it
 * has to be. */
static struct span beginning(struct evbuffer *input, size_t needed)
{
    size_t size = evbuffer_get_contiguous_space(input);
    if (size < needed) {
        size = needed;
    }
    const uint8_t *data = evbuffer_pullup(input, (ev_ssize_t)size);
    return span_of(data, data == NULL ? 0 : size);
}

enum requests_state requests_execute(struct requests *requests, struct service *service,
                                     struct evbuffer *input, struct batch *batch, size_t *executed)
{
    enum requests_state state = REQUESTS_WAIT;
    *executed = 0;
    if (requests->needed == 0) {
        requests->needed = 1;
    }
    while (state == REQUESTS_WAIT && evbuffer_get_length(input) >= requests->needed) {
        if (requests->swallow > 0) {
            evbuffer_drain(input, requests_swallow(requests, evbuffer_get_length(input)));
            continue;
        }
        struct span piece = beginning(input, requests->needed);
        if (piece.size == 0) {
            return REQUESTS_NO_MEMORY;
        }
        size_t used;
        pthread_mutex_lock(&service->lock);
        if (service->engine != NULL) {
            engine_reserve(service->engine, atomic_load(&service->receiving));
        }
        state = service->node != NULL
                    ? couchbase_requests_execute(requests, service, piece, batch, &used, executed)
                    : execute_span(requests, service, piece, batch, &used, executed);
        pthread_mutex_unlock(&service->lock);
        evbuffer_drain(input, used);
    }
    return state;
}
