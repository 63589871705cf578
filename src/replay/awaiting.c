#include "replay/awaiting.h"

#include "engine/engine.h"
#include "mcbp/opcode.h"
#include "replay/couchbase_ask.h"
#include "replay/explain.h"
#include "replay/order.h"
#include "replay/overlap.h"
#include "replay/restart.h"
#include "replay/unseen.h"

enum {
    PENDING_MAX = 65536, /* requests of one connection */
    ALIKE_MAX = 64,      /* requests that one is compared with, of those that were sent last */
};

void awaiting_take(struct run *run, struct connection *connection, size_t index,
                   struct pending *request)
{
    pending_queue_take(&connection->queue, index, request);
    run->pending_bytes -= request->frame.bytes.size;
    overlap_ends_to_wait(run, request);
    unseen_request_ends(run, request);
    shadow_ask_end(&request->asked);
}

void awaiting_put_back(struct run *run, struct connection *connection, size_t index,
                       const struct pending *request)
{
    pending_queue_put_back(&connection->queue, index, request);
    run->pending_bytes += request->frame.bytes.size;
    overlap_begins_to_wait(run, connection, request);
    struct pending *entry = pending_queue_at(&connection->queue, index);
    if (entry->unseen) {
        entry->unseen = false;
        unseen_request_begins(run, connection, entry);
    }
}

/* `missing`: bytes that they may lie in. */
void awaiting_doubt(struct run *run, struct connection *connection, uint64_t missing)
{
    connection->answers_astray =
        connection->queue.count + (missing + MCBP_HEADER_SIZE - 1) / MCBP_HEADER_SIZE;
    connection->requests_uncertain = true;
    connection->uncertain_since = run->sequence;
}

bool awaiting_only_reads(const struct connection *connection, const struct pending *request)
{
    return !connection->features_negotiated && !connection->desynchronised &&
           request->magic == MCBP_CLIENT_REQUEST && !request->bad_lengths &&
           mcbp_opcode_is_keyed(request->opcode) && !mcbp_opcode_changes(request->opcode) &&
           engine_is_well_formed(&request->frame);
}

/* There is no room for it: what it does is as unknown as what a lost request has done. */
static void drop_oldest(struct run *run, struct connection *connection)
{
    struct pending request;
    awaiting_take(run, connection, 0, &request);
    couchbase_forget(run, &request);
    if (!awaiting_only_reads(connection, &request)) {
        explain_doubt(run, request.frame.key, origin_seconds(&request.origin));
    }
    unseen_begin_with(run, connection, &request);
    pending_release(&request, &run->blocks);
    run->capture->unanswered++;
    order_note_loss(connection, FROM_CLIENT);
    awaiting_doubt(run, connection, 0);
}

static void note_opaque(struct connection *connection, uint32_t opaque)
{
    connection->requests++;
    connection->last_opaque = opaque;
    if (opaque > connection->highest_opaque) {
        connection->highest_opaque = opaque;
    }
}

/* Notes whose answers could be taken for those of another request, be it one that is missing. */
static void note_alike(struct connection *connection, struct pending *request)
{
    bool uncertain = connection->requests_uncertain || connection->answers_uncertain;
    size_t last = connection->queue.count - 1;
    size_t first = uncertain || last < ALIKE_MAX ? 0 : last - ALIKE_MAX;
    connection->opaques_repeat |=
        connection->requests > 0 && request->opaque == connection->last_opaque;
    request->rises = request->opaque > connection->highest_opaque;
    request->alike =
        connection->opaques_repeat || (connection->requests_uncertain && !request->rises);
    note_opaque(connection, request->opaque);
    request->alone = connection->answers_astray == 0;
    for (size_t i = first; i < last; i++) {
        struct pending *waiting = pending_queue_at(&connection->queue, i);
        if (waiting->opcode == request->opcode && waiting->opaque == request->opaque) {
            waiting->alike = request->alike = connection->repeats = true;
            request->alone &= waiting->sequence <= connection->answers_lost_at;
        }
    }
}

static struct pending beginning_of(const struct connection *connection)
{
    return (struct pending){.opcode = connection->beginning.opcode,
                            .key_hash = connection->beginning.key_hash};
}

void awaiting_begin(struct run *run, struct connection *connection,
                    const struct dissect_frame *request)
{
    awaiting_end_beginning(run, connection);
    connection->beginning.sequence = run->sequence;
    connection->beginning.at = request->at;
    connection->beginning.key_hash = overlap_key_hash(request->frame.key);
    connection->beginning.opcode = request->frame.header.opcode;
    connection->beginning.waits = run->model->out_of_memory;
    if (connection->beginning.waits) {
        struct pending beginning = beginning_of(connection);
        overlap_begins_to_wait(run, connection, &beginning);
    }
}

void awaiting_end_beginning(struct run *run, struct connection *connection)
{
    if (connection->beginning.sequence != 0 && connection->beginning.waits) {
        struct pending beginning = beginning_of(connection);
        overlap_ends_to_wait(run, &beginning);
    }
    connection->beginning.sequence = 0;
}

/* Behind lost bytes a frame is one only when others follow: its answer may have come before it, and
 * found no request. */
static bool is_as_good_as_lost(const struct connection *connection,
                               const struct dissect_frame *request)
{
    return connection->requests_uncertain && connection->conversation->from_start &&
           request->origin.packet < connection->response_packet && request->request_id < 0;
}

void awaiting_add(struct run *run, struct connection *connection,
                  const struct dissect_frame *request)
{
    bool unwatched = connection->beginning.sequence != 0 && !connection->beginning.waits;
    uint64_t begun = connection->beginning.at == request->at ? connection->beginning.sequence : 0;
    awaiting_end_beginning(run, connection);
    if (mcbp_magic_is_response(request->frame.header.magic)) {
        connection->responded_at = run->sequence; /* to a request of the server's */
        return;
    }
    if (is_as_good_as_lost(connection, request)) {
        unseen_begin(run, connection);
        return;
    }
    while (connection->queue.count > 0 &&
           (connection->queue.count >= PENDING_MAX ||
            run->pending_bytes + request->frame.bytes.size > run->options->pending_bytes_max)) {
        drop_oldest(run, connection);
    }
    struct pending *entry = pending_queue_push(&connection->queue, &run->blocks, request);
    if (entry == NULL) {
        run->no_memory = true;
        return;
    }
    entry->sequence = run->sequence;
    entry->begun = begun != 0 ? begun : run->sequence;
    entry->unwatched = unwatched;
    entry->late = request->origin.packet < run->packets;
    unseen_note_request(run, connection);
    entry->cas_before = connection->unseen.asked_cas;
    order_note_request(connection, &request->frame.header);
    note_alike(connection, entry);
    /* Where neither side's frames have begun for certain, or nobody knows whose answer is whose,
     * its answer may have been told before. */
    entry->lost_ok = connection->requests_uncertain && !connection->conversation->from_start;
    entry->key_hash =
        request->bad_lengths ? 0 : overlap_key_hash(couchbase_key(connection, &request->frame));
    if (entry->alike && !entry->alone &&
        (connection->requests_uncertain || connection->answers_uncertain)) {
        entry->lost_ok = true;
        unseen_request_begins(run, connection, entry);
    }
    run->pending_bytes += entry->frame.bytes.size;
    overlap_begins_to_wait(run, connection, entry);
    couchbase_ask(run, connection, entry);
    restart_note_request(run, entry->opcode);
}
