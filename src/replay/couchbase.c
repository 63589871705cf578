#include "replay/couchbase.h"

#include "couchbase/documents.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/awaiting.h"
#include "replay/couchbase_ask.h"
#include "replay/couchbase_order.h"
#include "replay/executed.h"
#include "replay/order.h"
#include "replay/outcome.h"
#include "replay/pairing.h"
#include "replay/settlement.h"
#include "replay/unseen.h"

/* ---------------------------------------------------------------- judging */

struct agreeing {
    struct run *run;
    struct settlement *settlement;
};

static bool agrees(void *context, const struct kvr_response *response,
                   const struct mcbp_frame *answer)
{
    struct agreeing *agreeing = context;
    return settlement_compare(agreeing->run, response, answer, agreeing->settlement);
}

static enum outcome outcome_of(enum shadow_outcome outcome)
{
    switch (outcome) {
    case SHADOW_IDENTICAL:
        return OUTCOME_IDENTICAL;
    case SHADOW_ADOPTED:
        return OUTCOME_ADOPTED;
    case SHADOW_AMBIGUOUS:
        return OUTCOME_AMBIGUOUS;
    case SHADOW_DIFFERENT:
        return OUTCOME_DIFFERENT;
    default:
        return OUTCOME_NOT_EXECUTED;
    }
}

/* Where no field tells what is wrong, it is what the value says. */
static void name_field(struct settlement *settlement, const struct mcbp_frame *answer)
{
    if (settlement->comparison.field[0] == '\0') {
        settlement->comparison = (struct comparison){
            .field = "value", .offset = (size_t)(answer->value.data - answer->bytes.data)};
    }
}

static void settle_verdict(struct run *run, const struct shadow_verdict *verdict,
                           const struct mcbp_frame *answer, struct settlement *settlement)
{
    enum kvr_error error;
    settlement->outcome = outcome_of(verdict->outcome);
    settlement->agreed = verdict->outcome != SHADOW_DIFFERENT;
    settlement->answers = verdict->answers;
    settlement->closes = verdict->closes;
    settlement->ruling.why = verdict->why;
    settlement->provisional = verdict->by_unseen;
    settlement->shown = answer == NULL ? 0 : shadow_version_of(answer);
    settlement->flat = span_of(NULL, 0);
    run->no_memory |= verdict->outcome == SHADOW_NO_MEMORY;
    if (answer == NULL || !verdict->answers || settlement->outcome == OUTCOME_NOT_EXECUTED) {
        return;
    }
    struct span flat = construct_flat(run->construct, &verdict->response, &error);
    if (settlement->agreed) {
        settlement->flat = flat;
        return;
    }
    settlement_show(run, flat, answer, settlement);
    if (settlement->outcome == OUTCOME_DIFFERENT) {
        name_field(settlement, answer);
    }
}

/* Success shows what the document holds, or replaces it. */
static bool tells_content(const struct pending *request)
{
    enum mcbp_family family = mcbp_opcode_family(mcbp_opcode_loud(request->opcode));
    return request->opcode == MCBP_GET_EX || family == MCBP_FAMILY_RETRIEVE ||
           family == MCBP_FAMILY_RETRIEVE_TOUCH || family == MCBP_FAMILY_STORE ||
           family == MCBP_FAMILY_REMOVE;
}

static void note(struct run *run, const struct shadow_verdict *verdict,
                 const struct pending *request, const struct mcbp_frame *answer)
{
    bool tells = verdict->outcome == SHADOW_IDENTICAL || verdict->outcome == SHADOW_ADOPTED;
    run->capture->expired += verdict->expired;
    run->capture->recompressed += verdict->recompressed;
    if (answer == NULL) {
        return;
    }
    run->capture->durations_unchecked += answer->framing_extras.size > 0;
    if (tells && request->asked.document != NULL && shadow_version_of(answer) != 0) {
        if (tells_content(request)) {
            unseen_note_certain(run, request, request->asked.changes_it);
        }
        run->capture->cas_adopted += shadow_makes_version(&request->frame, answer);
    }
}

static void report_silence(struct run *run, const struct connection *connection,
                           const struct pending *request, const struct settlement *settlement)
{
    if (settlement->outcome == OUTCOME_DIFFERENT && !request->lost_ok) {
        outcome_missing(run, connection, request,
                        "a quiet request that the store answers was not answered");
    }
}

static void conclude(struct run *run, struct connection *connection, const struct pending *request,
                     const struct dissect_frame *response, const struct settlement *settlement)
{
    if (response == NULL) {
        report_silence(run, connection, request, settlement);
        return;
    }
    executed_finish(run, connection, response, request, settlement);
    if (settlement->outcome == OUTCOME_DIFFERENT) {
        struct difference *difference =
            outcome_report(run, connection, response, request, settlement);
        outcome_note_provisional(run, settlement, difference, false);
    }
}

static bool is_open(const struct run *run, const struct pending *request)
{
    return run->model->unseen.open > 0 || shadow_is_open(&request->asked);
}

static bool is_unseen(struct run *run, const struct pending *request)
{
    return request->lost_ok || shadow_is_open(&request->asked) ||
           unseen_may_have_changed(run, request, true);
}

static bool settle(struct run *run, struct connection *connection, const struct pending *request,
                   const struct dissect_frame *response, enum settle_how how)
{
    struct settlement settlement = {.outcome = OUTCOME_NOT_EXECUTED};
    struct agreeing agreeing = {run, &settlement};
    const struct shadow_comparer comparer = {&agreeing, agrees};
    const struct mcbp_frame *answer = response == NULL ? NULL : &response->frame;
    const struct shadow_exchange exchange = {
        .request = &request->frame,
        .answer = answer,
        .asked = &request->asked,
        .asked_at = request->origin.time,
        .answered_at = response == NULL ? request->origin.time : response->origin.time,
        .unseen = is_unseen(run, request),
        .open = is_open(run, request),
    };
    static const enum shadow_rigour rigours[] = {[SETTLE] = SHADOW_LENIENT,
                                                 [SETTLE_IF_RIGHT] = SHADOW_STRICT,
                                                 [SETTLE_IF_KNOWN] = SHADOW_KNOWN,
                                                 [SETTLE_IF_OPEN] = SHADOW_OPEN,
                                                 [SETTLE_TRY] = SHADOW_STRICT};
    struct shadow_verdict verdict;
    shadow_judge(connection->model->shadow, connection->client, &exchange, &comparer, rigours[how],
                 &verdict);
    if (how != SETTLE && verdict.outcome == SHADOW_DIFFERENT) {
        return false;
    }
    if (shadow_is_open(&request->asked)) {
        shadow_doubt(request->asked.document);
    }
    if (how == SETTLE_TRY) {
        return true;
    }
    note(run, &verdict, request, answer);
    settle_verdict(run, &verdict, answer, &settlement);
    conclude(run, connection, request, response, &settlement);
    return true;
}

/* The numbers that the answer tells can't be right, whatever the document holds. */
static bool refuse_numbers(struct run *run, struct connection *connection,
                           const struct pending *request, const struct dissect_frame *response)
{
    struct settlement settlement = {.outcome = OUTCOME_DIFFERENT};
    struct shadow_verdict verdict;
    const struct mcbp_frame *answer = response == NULL ? NULL : &response->frame;
    const struct shadow_exchange exchange = {
        .request = &request->frame,
        .answer = answer,
        .asked = &request->asked,
        .asked_at = request->origin.time,
        .unseen = is_unseen(run, request),
        .open = is_open(run, request),
    };
    if (shadow_note_numbers(run->model->shadow, connection->client, &exchange, &verdict)) {
        return false;
    }
    shadow_doubt(request->asked.document);
    settle_verdict(run, &verdict, answer, &settlement);
    conclude(run, connection, request, response, &settlement);
    return true;
}

/* ---------------------------------------------------------------- one request is answered */

/* A change among others that tells no CAS may have any place among them; and of a document that is
 * not known, what they show first may have been there before all of them, or not. */
static bool is_without_order(const struct pending *request, const struct dissect_frame *response)
{
    return (response == NULL && request->asked.changes_it) ||
           (request->asked.document->unknown & DOCUMENT_PRESENCE) != 0;
}

/* `response` NULL: in silence. Takes the request over. */
static void answered(struct run *run, struct connection *connection, struct pending *request,
                     const struct dissect_frame *response)
{
    struct document *document = request->asked.document;
    if (refuse_numbers(run, connection, request, response)) {
        if (request->doing != NULL) {
            couchbase_order_remove(run, request);
        }
    } else if (request->doing != NULL && couchbase_order_overlaps(request)) {
        if (is_without_order(request, response)) {
            unseen_note_changed(run, request);
        }
        shadow_note_overlap(&request->asked);
        run->no_memory |= !couchbase_order_keep(run, request, response);
        couchbase_order_advance(run, document, settle);
        return;
    } else {
        if (request->doing != NULL) {
            couchbase_order_remove(run, request);
        }
        settle(run, connection, request, response, SETTLE);
    }
    pending_release(request, &run->blocks);
    if (document != NULL) {
        couchbase_order_advance(run, document, settle);
    }
}

void couchbase_abandon(struct run *run, struct pending *request)
{
    couchbase_forget(run, request);
    if (request->asked.document != NULL) {
        couchbase_order_advance(run, request->asked.document, settle);
    }
}

/* ---------------------------------------------------------------- whose answer it is */

/* Requests before `index`: quiet ones have been silent, and others are late unless they may be
 * overtaken. Returns where the one at `index` is then. */
static size_t pass_over(struct run *run, struct connection *connection, size_t index)
{
    uint8_t opcode = pending_queue_at(&connection->queue, index)->opcode;
    for (size_t i = 0; i < index;) {
        struct pending *earlier = pending_queue_at(&connection->queue, i);
        if (!pending_is_quiet(earlier)) {
            earlier->overtaken |= !shadow_may_overtake(connection->client, opcode, earlier->opcode);
            i++;
            continue;
        }
        struct pending quiet;
        awaiting_take(run, connection, i, &quiet);
        answered(run, connection, &quiet, NULL);
        index--;
    }
    return index;
}

/* More answers to the same request are to come. */
static bool is_continued(const struct pending *request, const struct mcbp_frame *answer)
{
    bool success = answer->header.vbucket_or_status == MCBP_STATUS_SUCCESS;
    return success && ((request->opcode == MCBP_STAT && answer->header.body_length > 0) ||
                       request->opcode == MCBP_RANGE_SCAN_CONTINUE);
}

static bool find_by_opaque(const struct connection *connection, uint32_t opaque, size_t *index)
{
    for (*index = 0; *index < connection->queue.count; (*index)++) {
        if (pending_queue_at(&connection->queue, *index)->opaque == opaque) {
            return true;
        }
    }
    return false;
}

/* Opcode or opaque is that of no request. */
static void mislabelled(struct run *run, struct connection *connection,
                        const struct dissect_frame *response, size_t index)
{
    struct settlement settlement = {.outcome = OUTCOME_DIFFERENT, .answers = true};
    struct pending request;
    awaiting_take(run, connection, index, &request);
    executed_label(response, &request, &settlement);
    conclude(run, connection, &request, response, &settlement);
    couchbase_abandon(run, &request);
    pending_release(&request, &run->blocks);
}

static bool is_certain(const struct connection *connection)
{
    return connection->conversation->from_start && !connection->requests_uncertain &&
           !connection->answers_uncertain && !connection->desynchronised;
}

static void answer(struct run *run, struct connection *connection,
                   const struct dissect_frame *response, size_t index)
{
    struct pending request;
    index = pass_over(run, connection, index);
    struct pending *waiting = pending_queue_at(&connection->queue, index);
    bool late = waiting->overtaken && !waiting->lost_ok && is_certain(connection);
    if (waiting->origin.time > connection->answered_asked) {
        connection->answered_asked = waiting->origin.time;
    }
    shadow_client_note(run->model->shadow, connection->client, &waiting->frame, &response->frame);
    if (is_continued(waiting, &response->frame)) {
        settle(run, connection, waiting, response, SETTLE);
        return;
    }
    awaiting_take(run, connection, index, &request);
    executed_note_certainty(run, connection, &request);
    if (late) {
        struct settlement settlement = {.outcome = OUTCOME_DIFFERENT};
        outcome_out_of_order(run, connection, response, &request);
        executed_finish(run, connection, response, &request, &settlement);
        couchbase_abandon(run, &request);
        pending_release(&request, &run->blocks);
        return;
    }
    answered(run, connection, &request, response);
}

void couchbase_response(struct run *run, struct connection *connection,
                        const struct dissect_frame *response)
{
    size_t index;
    connection->response_packet = response->origin.packet;
    if (pairing_find(connection, response, 0, &index)) {
        answer(run, connection, response, index);
    } else if (!is_certain(connection) || connection->streams) {
        outcome_count(run, &response->frame.header, OUTCOME_NOT_EXECUTED);
    } else if (find_by_opaque(connection, response->frame.header.opaque, &index) ||
               pairing_find_similar(connection, response, &index)) {
        mislabelled(run, connection, response, index);
    } else {
        outcome_unexpected(run, connection, response);
    }
    run->capture->restarts += shadow_has_restarted(run->model->shadow);
}

/* ---------------------------------------------------------------- what does not come */

void couchbase_lost(struct run *run, struct connection *connection, enum dissect_role role)
{
    unseen_begin(run, connection);
    for (size_t i = 0; role == FROM_SERVER && i < connection->queue.count; i++) {
        couchbase_abandon(run, pending_queue_at(&connection->queue, i));
    }
}

/* Requests that were sent when clients have long given this one up are answered. Durable changes
 * may take longer. Source of the time: couchbase-cxx-client, key_value_timeout. */
static bool is_missing(const struct connection *connection, const struct pending *request)
{
    static const int64_t timeout = 2500 * INT64_C(1000000);
    bool long_since = connection->answered_asked - request->origin.time > timeout &&
                      request->frame.framing_extras.size == 0;
    return !request->lost_ok && is_certain(connection) && !connection->streams &&
           !pending_is_quiet(request) && (request->overtaken || long_since);
}

void couchbase_leave(struct run *run, struct connection *connection)
{
    while (connection->queue.count > 0) {
        struct pending request;
        awaiting_take(run, connection, 0, &request);
        if (is_missing(connection, &request)) {
            outcome_missing(run, connection, &request,
                            "later requests were answered, this one never was");
        } else {
            run->capture->unanswered += !pending_is_quiet(&request);
        }
        couchbase_abandon(run, &request);
        pending_release(&request, &run->blocks);
    }
}
