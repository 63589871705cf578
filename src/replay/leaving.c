#include "replay/leaving.h"

#include "mcbp/opcode.h"
#include "replay/awaiting.h"
#include "replay/couchbase.h"
#include "replay/defer.h"
#include "replay/explain.h"
#include "replay/last_mismatch.h"
#include "replay/operation.h"
#include "replay/outcome.h"
#include "replay/overlap.h"
#include "replay/silence.h"
#include "replay/unseen.h"

/* The server may have executed it, or not. */
static void doubt_unanswered(struct run *run, struct connection *connection,
                             const struct pending *request)
{
    run->capture->unanswered += !pending_is_quiet(request);
    defer_begin_abandoned(run, connection, request);
    if (mcbp_opcode_empties(request->opcode)) {
        defer_abandoned(run, connection, request);
        overlap_finish_all(run);
        engine_forget_all(run->model->engine);
        run->model->forgotten = true;
    } else if (!defer_abandoned(run, connection, request) &&
               !awaiting_only_reads(connection, request)) {
        explain_doubt(run, request->frame.key, origin_seconds(&request->origin));
    }
}

/* Nothing was said of a quiet request. A server that the client had left may not have read it. */
static void silent_at_end(struct run *run, struct connection *connection, struct pending *request,
                          bool owes)
{
    if (!owes && defer_abandoned(run, connection, request)) {
        if (!operation_is_flush(request)) {
            return;
        }
        overlap_finish_all(run);
    }
    request->lost_ok |= !owes;
    silence_settle(run, connection, request);
}

static bool makes_server_close(const struct pending *request)
{
    return mcbp_opcode_loud(request->opcode) == MCBP_QUIT || request->bad_lengths ||
           engine_refuses(&request->frame) || engine_loses_step(&request->frame);
}

bool leaving_cuts_short(const struct connection *connection)
{
    bool closes = connection->requests_uncertain || connection->responded_at != 0;
    for (size_t i = 0; i < connection->queue.count && !closes; i++) {
        closes = makes_server_close(pending_queue_at(&connection->queue, i));
    }
    return connection->conversation->server_reset && closes;
}

/* What a server that closes has done of the waiting requests, counted from the first on. */
struct done {
    size_t owed; /* these it should have answered */
    size_t read; /* these it has read; what it took for the next one is not what was sent */
};

/*
 * memcached sends answers when it has read all that came, a NOOP, or what it refuses. Where it
 * finds no request, since it reads at the wrong place or the client has sent none, it closes, and
 * they are lost.
 */
static struct done count_done(const struct connection *connection)
{
    bool uncertain = connection->requests_uncertain || connection->responded_at != 0;
    uint64_t since =
        connection->requests_uncertain ? connection->uncertain_since : connection->responded_at;
    struct done done = {0, 0};
    for (size_t i = 0; i < connection->queue.count; i++) {
        const struct pending *request = pending_queue_at(&connection->queue, i);
        if (uncertain && request->sequence > since) {
            return done;
        }
        done.read = i + 1;
        if (engine_loses_step(&request->frame)) {
            return done;
        }
        if (request->opcode == MCBP_NOOP || request->bad_lengths) {
            done.owed = done.read;
        }
    }
    done.owed = uncertain ? done.owed : done.read;
    return done;
}

/*
 * The server sends no more. What is quiet and was not answered has run in silence; what had to be
 * answered was not, unless there was a reason to close first. A client that went away is owed
 * nothing: a server that has read its FIN closes too, and after its RST nothing reaches it.
 */
static void server_ended(struct run *run, struct connection *connection)
{
    if (connection->client != NULL) {
        couchbase_leave(run, connection);
        return;
    }
    struct done done = count_done(connection);
    bool cut_short = leaving_cuts_short(connection);
    bool reset = connection->conversation->client_reset || connection->conversation->server_reset;
    for (size_t i = 0; connection->queue.count > 0; i++) {
        struct pending request;
        bool owes = i < done.owed && !connection->client_ended && !cut_short;
        awaiting_take(run, connection, 0, &request);
        bool due = owes && silence_is_wrong(connection, &request);
        if (pending_is_quiet(&request) && !connection->closing && i < done.read && !reset) {
            silent_at_end(run, connection, &request, owes);
        } else if (!pending_is_quiet(&request) && silence_is_overtaken(connection, &request)) {
            outcome_missing(run, connection, &request,
                            "later requests were answered, this one never was");
        } else if (!pending_is_quiet(&request) && due && !connection->closing) {
            outcome_missing(run, connection, &request, "the server closed the connection instead");
            connection->closing = true;
        } else if (!connection->closing) {
            doubt_unanswered(run, connection, &request);
        }
        connection->closing |= cut_short && makes_server_close(&request);
        pending_release(&request, &run->blocks);
    }
}

void leaving_end(struct run *run, struct connection *connection, enum dissect_role role)
{
    if (role == FROM_CLIENT) {
        connection->client_ended = true;
    } else if (!connection->server_ended) {
        const struct dissect_conversation *conversation = connection->conversation;
        connection->server_ended = true;
        run->capture->left +=
            connection->client_ended && conversation->from_start && !conversation->client_reset;
        server_ended(run, connection);
    }
}

void leaving_turned_away(struct run *run, struct connection *connection)
{
    while (connection->queue.count > 0) {
        struct pending request;
        awaiting_take(run, connection, 0, &request);
        run->capture->unanswered += !pending_is_quiet(&request);
        pending_release(&request, &run->blocks);
    }
    connection->closing = connection->closed = true;
}

void leaving_closed(struct run *run, struct connection *connection)
{
    if (connection->client != NULL) {
        couchbase_leave(run, connection);
    }
    while (connection->queue.count > 0) {
        struct pending request;
        awaiting_take(run, connection, 0, &request);
        if (silence_is_overtaken(connection, &request)) {
            outcome_missing(run, connection, &request,
                            "later requests were answered, this one never was");
        } else {
            run->capture->unanswered += !pending_is_quiet(&request);
            defer_abandoned(run, connection, &request);
        }
        pending_release(&request, &run->blocks);
    }
    unseen_end(run, connection);
    last_mismatch_clear(run, connection);
    pending_queue_deinit(&connection->queue, &run->blocks);
}
