#include "replay/pairing.h"

#include "mcbp/form.h"

bool pairing_fits(const struct dissect_frame *response, const struct pending *request)
{
    const struct mcbp_header *header = &response->frame.header;
    return request->opaque == header->opaque && request->opcode == header->opcode &&
           request->request_id == response->request_id &&
           (!mcbp_form_repeats_key(header->opcode) || response->frame.key.size == 0 ||
            span_equal(response->frame.key, request->frame.key));
}

bool pairing_is_certain(const struct connection *connection, const struct pending *request)
{
    return !request->alike || request->alone ||
           (!connection->requests_uncertain && !connection->answers_uncertain);
}

bool pairing_has_another(const struct connection *connection, const struct pending *request)
{
    for (size_t i = 0; i < connection->queue.count; i++) {
        const struct pending *later = pending_queue_at(&connection->queue, i);
        if (later->sequence <= request->sequence) {
            continue;
        }
        if (later->opaque == request->opaque && later->opcode == request->opcode) {
            return true;
        }
        if (!pending_is_quiet(later) && !later->lost_ok && !connection->unordered) {
            return false; /* who uses opaques again can't have asked for another order unseen */
        }
    }
    return false;
}

bool pairing_find(const struct connection *connection, const struct dissect_frame *response,
                  size_t from, size_t *index)
{
    for (size_t i = from; i < connection->queue.count; i++) {
        if (pairing_fits(response, pending_queue_at(&connection->queue, i))) {
            *index = i;
            return true;
        }
    }
    return false;
}

bool pairing_find_similar(const struct connection *connection, const struct dissect_frame *response,
                          size_t *index)
{
    const struct mcbp_header *header = &response->frame.header;
    for (size_t i = 0; i < connection->queue.count; i++) {
        const struct pending *request = pending_queue_at(&connection->queue, i);
        if (!request->overtaken && request->request_id == response->request_id &&
            (request->opaque == header->opaque || request->opcode == header->opcode)) {
            *index = i;
            return true;
        }
        if (!request->overtaken && !pending_is_quiet(request)) {
            return false;
        }
    }
    return false;
}

bool pairing_find_of_datagram(const struct connection *connection,
                              const struct dissect_frame *response, size_t *index)
{
    const struct mcbp_header *header = &response->frame.header;
    for (size_t i = 0; response->request_id >= 0 && i < connection->queue.count; i++) {
        const struct pending *request = pending_queue_at(&connection->queue, i);
        if (!request->overtaken && request->request_id == response->request_id &&
            (request->opaque == header->opaque || request->opcode == header->opcode)) {
            *index = i;
            return true;
        }
    }
    return false;
}
