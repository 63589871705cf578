#include "replay/executed.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/differences.h"
#include "replay/explain.h"
#include "replay/outcome.h"
#include "replay/pairing.h"
#include "replay/settle.h"
#include "replay/suspect.h"

enum {
    PENDING_MAX = 65536, /* requests of one connection */
    CANDIDATES = 64, /* requests with the same opcode and opaque that one answer is tried with */
};

/* ------------------------------------------------------------------------------------ requests */

static void take(struct run *run, struct connection *connection, size_t index,
                 struct pending *request)
{
    pending_queue_take(&connection->queue, index, request);
    run->pending_bytes -= request->frame.bytes.size;
    overlap_ends_to_wait(run, request);
}

static void doubt_requests(struct run *run, struct connection *connection)
{
    connection->requests_uncertain = true;
    connection->uncertain_since = run->sequence;
}

static void drop_oldest(struct run *run, struct connection *connection)
{
    struct pending request;
    take(run, connection, 0, &request);
    explain_doubt(run, request.frame.key, origin_seconds(&request.origin));
    pending_release(&request, &run->blocks);
    run->capture->unanswered++;
    doubt_requests(run, connection);
}

void executed_request(struct run *run, struct connection *connection,
                      const struct dissect_frame *request)
{
    if (mcbp_magic_is_response(request->frame.header.magic)) {
        return; /* the client's answer to a request of the server's */
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
    connection->unnumbered |= connection->requests > 0 && entry->opaque == connection->last_opaque;
    connection->last_opaque = entry->opaque;
    connection->requests++;
    /* Where neither side's frames have begun for certain, its answer may have been told before. */
    entry->lost_ok = connection->requests_uncertain && !connection->conversation->from_start;
    entry->key_hash = request->bad_lengths ? 0 : overlap_key_hash(request->frame.key);
    run->pending_bytes += entry->frame.bytes.size;
    overlap_begins_to_wait(run, connection, entry);
}

/* ------------------------------------------------------------------------------------ missing */

/* memcached's own connection for UDP stays open whatever comes. */
static void note_closing(struct connection *connection, const struct pending *request,
                         const struct settlement *settlement)
{
    connection->closing |= settlement->closes;
    connection->closed |= settlement->closes && settlement->agreed && request->request_id < 0;
}

/* A quiet request that was not answered: silence has to be the right answer. It has run when it
 * came; what shows that it is silent may have come much later. */
static void settle_silence(struct run *run, struct connection *connection, struct pending *request)
{
    struct settlement settlement;
    int64_t now = origin_seconds(&request->origin);
    settle_try(run, connection, request, NULL, now, false, &settlement);
    note_closing(connection, request, &settlement);
    if (settlement.outcome != OUTCOME_DIFFERENT) {
        return;
    }
    if (request->lost_ok) {
        explain_doubt(run, request->frame.key, now);
    } else {
        outcome_missing(run, connection, request,
                        "a quiet request that the store answers was not answered");
    }
}

static bool is_known_to_be_answered(const struct connection *connection,
                                    const struct pending *request)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    bool named = mcbp_opcode_text(request->magic, request->opcode, text) != text;
    return request->magic == MCBP_CLIENT_REQUEST && !connection->foreign &&
           !connection->out_of_step && request->request_id < 0 && !request->lost_ok && named &&
           (request->opcode <= MCBP_GATKQ && request->opcode != MCBP_HELLO);
}

/*
 * An answer to a later request has come. Quiet ones before it are silent for good; others have been
 * overtaken, and wait on for servers that answer out of order.
 */
static size_t pass_over(struct run *run, struct connection *connection, size_t index, int64_t now)
{
    size_t i = 0;
    while (i < index) {
        struct pending *request = pending_queue_at(&connection->queue, i);
        if (pending_is_quiet(request)) {
            struct pending taken;
            take(run, connection, i, &taken);
            settle_silence(run, connection, &taken);
            pending_release(&taken, &run->blocks);
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

/* ----------------------------------------------------------------------------------- answers */

/* Tries later requests that the answer fits as well by opcode and opaque; those before it are
 * missing theirs then. */
static bool answers_later(struct run *run, struct connection *connection,
                          const struct dissect_frame *response, size_t from, size_t *index,
                          struct settlement *settlement)
{
    size_t tried = 0;
    for (size_t i = from; tried < CANDIDATES && pairing_find(connection, response, i, &i); i++) {
        struct settlement later;
        tried++;
        settle_try(run, connection, pending_queue_at(&connection->queue, i), &response->frame,
                   origin_seconds(&response->origin), true, &later);
        if (later.agreed && later.outcome != OUTCOME_NOT_EXECUTED) {
            *settlement = later;
            *index = i;
            return true;
        }
    }
    return false;
}

/* What the store answers is settled: the writer under test builds it, and it is counted then. */
static void build(struct run *run, const struct connection *connection,
                  const struct dissect_frame *response, const struct pending *request,
                  const struct settlement *settlement)
{
    struct construct_label *label = construct_add(run->construct, settlement->flat);
    if (label == NULL) {
        run->no_memory = true;
        outcome_count(run, &response->frame.header, OUTCOME_NOT_EXECUTED);
        return;
    }
    label->check = CHECK_EXECUTED;
    label->outcome = (int)settlement->outcome;
    label->connection = connection;
    label->origin = response->origin;
    difference_describe_request(request, &label->request);
}

void executed_built(struct run *run, const struct mcbp_header *response, int outcome, bool faulty)
{
    outcome_count(run, response, faulty ? OUTCOME_DIFFERENT : (enum outcome)outcome);
}

static void finish(struct run *run, struct connection *connection,
                   const struct dissect_frame *response, const struct pending *request,
                   const struct settlement *settlement)
{
    uint8_t opcode = response->frame.header.opcode;
    if (settlement->flat.size > 0) {
        build(run, connection, response, request, settlement);
    } else {
        outcome_count(run, &response->frame.header, settlement->outcome);
    }
    if (settlement->mask_needed) {
        run->result->mask_hits[settlement->mask]++;
    }
    note_closing(connection, request, settlement);
    connection->out_of_step |= settlement->out_of_step;
    if (opcode == MCBP_HELLO && request->opcode == MCBP_HELLO &&
        response->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS) {
        connection->foreign = true;
    }
}

/* The server's answer differs and nothing explains it. Takes over `request` and `before`. */
static void differs(struct run *run, struct connection *connection,
                    const struct dissect_frame *response, struct pending *request,
                    struct saved_item *before, const struct settlement *settlement)
{
    finish(run, connection, response, request, settlement);
    struct difference *difference = NULL;
    if (settlement->outcome == OUTCOME_DIFFERENT) {
        difference = outcome_report(run, connection, response, request, settlement);
    }
    explain_doubt(run, request->frame.key, origin_seconds(&response->origin));
    suspect_set(run, connection, request, before, difference);
}

static void put_back(struct run *run, struct connection *connection, size_t index,
                     const struct pending *request)
{
    pending_queue_put_back(&connection->queue, index, request);
    run->pending_bytes += request->frame.bytes.size;
    overlap_begins_to_wait(run, connection, request);
}

/*
 * Quiet requests that look alike, of a client that doesn't number them: the answer is to the first
 * one that the store answers. Those before it have succeeded, or missed, in silence.
 */
static size_t pass_over_alike(struct run *run, struct connection *connection,
                              const struct dissect_frame *response, size_t index, int64_t now)
{
    size_t next;
    while (pairing_find(connection, response, index + 1, &next)) {
        struct pending *request = pending_queue_at(&connection->queue, index);
        if (!pending_is_quiet(request) || settle_has_answer(run, connection, request)) {
            break;
        }
        index = pass_over(run, connection, next, now);
    }
    return index;
}

/* The answer to a request that was sent after a loss ends what was uncertain because of it. */
static void note_certainty(const struct run *run, struct connection *connection,
                           const struct pending *request)
{
    if (connection->requests_uncertain && request->sequence > connection->uncertain_since) {
        connection->requests_uncertain = false;
        connection->certain_since = run->sequence;
    }
    connection->answers_uncertain &= request->sequence <= connection->answers_lost_at;
}

/* The answer to a request that waited when answers were lost may be among those: a later request
 * of the same look comes first then. */
static size_t skip_lost(const struct connection *connection, const struct dissect_frame *response,
                        size_t index)
{
    size_t next = index;
    while (pending_queue_at(&connection->queue, next)->lost_ok) {
        if (!pairing_find(connection, response, next + 1, &next)) {
            return index;
        }
    }
    return next;
}

/* Gives up the requests before `index` whose answers are lost: without numbers they would be taken
 * for those that the next answers belong to. Returns where the one at `index` is then. */
static size_t drop_lost(struct run *run, struct connection *connection, size_t index)
{
    for (size_t i = 0; i < index;) {
        struct pending request;
        if (!pending_queue_at(&connection->queue, i)->lost_ok ||
            pending_is_quiet(pending_queue_at(&connection->queue, i))) {
            i++;
            continue;
        }
        take(run, connection, i, &request);
        explain_doubt(run, request.frame.key, origin_seconds(&request.origin));
        pending_release(&request, &run->blocks);
        run->capture->unanswered++;
        index--;
    }
    return index;
}

static bool is_unnumbered(const struct connection *connection, const struct pending *request)
{
    return connection->unnumbered || request->opaque == 0;
}

/* Some requests, or some answers, are not in the capture, and opaques don't tell which: the answer
 * belongs to whichever request it is right for, or can't be checked. */
static void answer_after_loss(struct run *run, struct connection *connection,
                              const struct dissect_frame *response)
{
    struct settlement settlement;
    size_t right;
    struct pending request;
    if (!answers_later(run, connection, response, 0, &right, &settlement)) {
        outcome_count(run, &response->frame.header, OUTCOME_NOT_EXECUTED);
        return;
    }
    take(run, connection, right, &request);
    finish(run, connection, response, &request, &settlement);
    note_certainty(run, connection, &request);
    pass_over(run, connection, right, origin_seconds(&response->origin));
    pending_release(&request, &run->blocks);
}

static void answer(struct run *run, struct connection *connection,
                   const struct dissect_frame *response, size_t index)
{
    int64_t now = origin_seconds(&response->origin);
    if (connection->answers_uncertain && connection->unnumbered) {
        index = skip_lost(connection, response, index);
        index = drop_lost(run, connection, index);
    }
    index = pass_over(run, connection, index, now);
    index = pass_over_alike(run, connection, response, index, now);
    if (connection->closed) {
        outcome_unexpected(run, connection, response);
        return;
    }
    struct pending request;
    take(run, connection, index, &request);

    struct settlement settlement;
    settle_try(run, connection, &request, &response->frame, now, false, &settlement);
    if (settlement.agreed) {
        finish(run, connection, response, &request, &settlement);
        note_certainty(run, connection, &request);
        suspect_clear(run, connection);
        pending_release(&request, &run->blocks);
        return;
    }
    if (is_unnumbered(connection, &request) &&
        (connection->requests_uncertain || connection->answers_uncertain)) {
        /* It may answer a request that is not here, or a later one. */
        put_back(run, connection, index, &request);
        answer_after_loss(run, connection, response);
        return;
    }

    struct saved_item before = {0};
    struct settlement other;
    size_t later;
    if (suspect_is_answered(run, connection, response, &other)) {
        /* put it back: its own answer is still to come */
        put_back(run, connection, index, &request);
        finish(run, connection, response, &connection->suspect.request, &other);
        suspect_clear(run, connection);
        return;
    }
    if (answers_later(run, connection, response, index, &later, &other)) {
        struct pending right;
        take(run, connection, later, &right);
        finish(run, connection, response, &right, &other);
        if (pending_is_quiet(&request)) {
            settle_silence(run, connection, &request);
        } else {
            outcome_missing(run, connection, &request,
                            "the next answer is that of a later request");
        }
        pass_over(run, connection, later, now);
        pending_release(&right, &run->blocks);
        pending_release(&request, &run->blocks);
        return;
    }
    if (request.frame.key.size > 0) {
        saved_item_take(&before, run->engine, request.frame.key, now);
    }
    differs(run, connection, response, &request, &before, &settlement);
}

/* No waiting request has both its opcode and its opaque. */
static void no_exact_answer(struct run *run, struct connection *connection,
                            const struct dissect_frame *response)
{
    struct settlement settlement;
    size_t index;
    if (suspect_is_answered(run, connection, response, &settlement)) {
        finish(run, connection, response, &connection->suspect.request, &settlement);
        suspect_clear(run, connection);
    } else if (pairing_find_similar(connection, response, &index)) {
        answer(run, connection, response, index);
    } else {
        outcome_unexpected(run, connection, response);
    }
}

/* A row of STAT is the server's own business. Its form is checked; the request waits on for the row
 * without a key that ends them. */
static bool is_stat_row(const struct dissect_frame *response)
{
    return response->frame.header.opcode == MCBP_STAT && response->frame.key.size > 0 &&
           response->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS;
}

static void stat_row(struct run *run, struct connection *connection,
                     const struct dissect_frame *response, size_t index)
{
    index = pass_over(run, connection, index, origin_seconds(&response->origin));
    const struct pending *request = pending_queue_at(&connection->queue, index);
    const struct mcbp_frame *frame = &response->frame;
    struct kvr_response row = {
        .magic = MCBP_CLIENT_RESPONSE,
        .opcode = MCBP_STAT,
        .opaque = request->opaque,
        .key = frame->key.data,
        .key_size = frame->key.size,
        .value = frame->value.data,
        .value_size = frame->value.size,
    };
    struct settlement settlement;
    settle_row(run, &row, frame, &settlement);
    finish(run, connection, response, request, &settlement);
    if (settlement.outcome == OUTCOME_DIFFERENT) {
        outcome_report(run, connection, response, request, &settlement);
    }
}

/* Couchbase's servers send requests too: of DCP, and as DCP's consumers others of their own. The
 * commands of the store are clients' alone. */
static bool is_clients_alone(const struct connection *connection, const struct mcbp_header *header)
{
    bool request =
        header->magic == MCBP_CLIENT_REQUEST || header->magic == MCBP_FLEX_CLIENT_REQUEST;
    return header->magic == MCBP_SERVER_RESPONSE ||
           (request && header->opcode <= MCBP_GATKQ && header->opcode != MCBP_HELLO &&
            !connection->foreign && !connection->requests_uncertain);
}

void executed_response(struct run *run, struct connection *connection,
                       const struct dissect_frame *response)
{
    size_t index;
    uint8_t magic = response->frame.header.magic;
    if (is_clients_alone(connection, &response->frame.header)) {
        outcome_unexpected(run, connection, response);
        return;
    }
    if (magic != MCBP_CLIENT_RESPONSE && magic != MCBP_FLEX_CLIENT_RESPONSE) {
        outcome_count(run, &response->frame.header,
                      OUTCOME_NOT_EXECUTED); /* a request of the server's own */
        return;
    }
    bool exact = pairing_find(connection, response, 0, &index);
    bool uncertain = connection->requests_uncertain || connection->out_of_step ||
                     connection->foreign || response->request_id >= 0;
    if (connection->closed && !connection->out_of_step) {
        outcome_unexpected(run, connection, response);
    } else if (exact && is_stat_row(response)) {
        stat_row(run, connection, response, index);
    } else if (exact) {
        answer(run, connection, response, index);
    } else if (pairing_find_of_datagram(connection, response, &index)) {
        answer(run, connection, response, index);
    } else if (uncertain) {
        outcome_count(run, &response->frame.header, OUTCOME_NOT_EXECUTED);
    } else {
        no_exact_answer(run, connection, response);
    }
}

void executed_lost(struct run *run, struct connection *connection, enum dissect_role role,
                   bool missing)
{
    if (role == FROM_CLIENT) {
        doubt_requests(run, connection);
        overlap_forget_all(run);
        engine_forget_all(run->engine); /* whatever those bytes asked for may have been done */
        return;
    }
    if (missing) {
        /* While bytes were waited for, other connections went on: what they did may have come
         * later. */
        overlap_forget_all(run);
        engine_forget_all(run->engine);
    }
    connection->answers_uncertain = true;
    connection->answers_lost_at = run->sequence;
    for (size_t i = 0; i < connection->queue.count; i++) {
        pending_queue_at(&connection->queue, i)->lost_ok = true;
    }
}

/* The server sends no more. What is quiet and was not answered has run in silence; what had to be
 * answered was not, unless there was a reason to close first. */
static void server_ended(struct run *run, struct connection *connection)
{
    while (connection->queue.count > 0) {
        struct pending request;
        take(run, connection, 0, &request);
        int64_t now = origin_seconds(&request.origin);
        bool due = is_known_to_be_answered(connection, &request);
        if (pending_is_quiet(&request) && !connection->closing) {
            settle_silence(run, connection, &request);
        } else if (!pending_is_quiet(&request) && due && request.overtaken) {
            outcome_missing(run, connection, &request,
                            "later requests were answered, this one never was");
        } else if (!pending_is_quiet(&request) && due && !connection->closing) {
            outcome_missing(run, connection, &request, "the server closed the connection instead");
            connection->closing = true;
        } else if (!connection->closing) {
            run->capture->unanswered++;
            explain_doubt(run, request.frame.key, now);
        }
        pending_release(&request, &run->blocks);
    }
}

void executed_end(struct run *run, struct connection *connection, enum dissect_role role)
{
    if (role == FROM_CLIENT) {
        connection->client_ended = true;
    } else if (!connection->server_ended) {
        connection->server_ended = true;
        server_ended(run, connection);
    }
}

void executed_closed(struct run *run, struct connection *connection)
{
    while (connection->queue.count > 0) {
        struct pending request;
        take(run, connection, 0, &request);
        if (request.overtaken && is_known_to_be_answered(connection, &request)) {
            outcome_missing(run, connection, &request,
                            "later requests were answered, this one never was");
        } else {
            run->capture->unanswered += !pending_is_quiet(&request);
        }
        pending_release(&request, &run->blocks);
    }
    suspect_clear(run, connection);
    pending_queue_deinit(&connection->queue, &run->blocks);
}
