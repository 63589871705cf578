#include "replay/silence.h"

#include "engine/engine.h"
#include "mcbp/opcode.h"
#include "replay/awaiting.h"
#include "replay/defer.h"
#include "replay/explain.h"
#include "replay/order.h"
#include "replay/outcome.h"
#include "replay/overlap.h"
#include "replay/unseen.h"

void silence_conclude(struct run *run, const struct connection *connection,
                      const struct pending *request, const struct settlement *settlement)
{
    if (settlement->outcome != OUTCOME_DIFFERENT) {
        return;
    }
    if (request->lost_ok || request->request_id >= 0) { /* a datagram may be lost without a trace */
        explain_doubt(run, request->frame.key, origin_seconds(&request->origin));
        return;
    }
    struct difference *difference = outcome_missing(
        run, connection, request, "a quiet request that the store answers was not answered");
    outcome_note_provisional(run, settlement, difference, true);
}

/* A quiet request that was not answered: silence has to be the right answer. It has run when it
 * came; what shows that it is silent may have come much later. */
void silence_settle(struct run *run, struct connection *connection, struct pending *request)
{
    struct settlement settlement;
    int64_t now = origin_seconds(&request->origin);
    if (request->lost_ok && mcbp_opcode_is_keyed(request->opcode) &&
        !mcbp_opcode_changes(request->opcode)) {
        defer_advance(run, request); /* its answer may be lost, and nothing depends on it */
        return;
    }
    if (defer_answer(run, connection, request, NULL)) {
        return;
    }
    settle_try(run, connection, request, NULL, now, false, &settlement);
    outcome_note_closing(connection, request, &settlement);
    silence_conclude(run, connection, request, &settlement);
    defer_advance(run, request);
}

bool silence_is_wrong(const struct connection *connection, const struct pending *request)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    bool named = mcbp_opcode_text(request->magic, request->opcode, text) != text;
    return request->magic == MCBP_CLIENT_REQUEST && !connection->features_negotiated &&
           !connection->desynchronised && request->request_id < 0 && !request->lost_ok && named &&
           engine_is_of_store(request->opcode);
}

bool silence_is_overtaken(const struct connection *connection, const struct pending *request)
{
    return request->overtaken &&
           (order_is_violated_by(connection, request) || silence_is_wrong(connection, request));
}

void silence_give_up(struct run *run, struct connection *connection, size_t index)
{
    struct pending request;
    awaiting_take(run, connection, index, &request);
    if (mcbp_opcode_changes(request.opcode)) {
        defer_answer(run, connection, &request, NULL);
    }
    pending_release(&request, &run->blocks);
    run->capture->unanswered++;
}

/* An answer that comes later than one to a later request, with bytes lost, can only be one of a
 * server that executes out of order. */
static bool is_lost(const struct connection *connection, const struct pending *request)
{
    return request->lost_ok && connection->conversation->from_start &&
           !connection->features_negotiated && connection->uncertain_since == 0;
}

size_t silence_pass_over(struct run *run, struct connection *connection, size_t index, int64_t now)
{
    size_t i = 0;
    while (i < index) {
        struct pending *request = pending_queue_at(&connection->queue, i);
        if (pending_is_quiet(request)) {
            struct pending taken;
            awaiting_take(run, connection, i, &taken);
            silence_settle(run, connection, &taken);
            pending_release(&taken, &run->blocks);
            index--;
            continue;
        }
        if (is_lost(connection, request)) {
            silence_give_up(run, connection, i);
            index--;
            continue;
        }
        if (!request->overtaken) {
            request->overtaken = true;
            explain_doubt(run, request->frame.key, now);
        }
        i++;
    }
    return index;
}
