#include "replay/executed.h"

#include "engine/engine.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"
#include "replay/awaiting.h"
#include "replay/cas.h"
#include "replay/dcp.h"
#include "replay/defer.h"
#include "replay/differences.h"
#include "replay/explain.h"
#include "replay/last_mismatch.h"
#include "replay/operation.h"
#include "replay/order.h"
#include "replay/outcome.h"
#include "replay/overlap.h"
#include "replay/pairing.h"
#include "replay/provisional.h"
#include "replay/sasl.h"
#include "replay/settle.h"
#include "replay/settlement.h"
#include "replay/silence.h"
#include "replay/unseen.h"

enum {
    CANDIDATES = 64, /* requests with the same opcode and opaque that one answer is tried with */
};

/* ------------------------------------------------------------------------------ right answers */

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
    struct mcbp_frame built;
    mcbp_frame_parse(settlement->flat, &built);
    struct construct_label *label = construct_add(run->construct, &built);
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

void executed_finish(struct run *run, struct connection *connection,
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
    sasl_note(run, connection, request, &response->frame);
    outcome_note_closing(connection, request, settlement);
    connection->desynchronised |= settlement->desynchronised;
    if (opcode == MCBP_HELLO && request->opcode == MCBP_HELLO &&
        run->options->dialect != DIALECT_MEMCACHED) {
        order_note_hello(connection, &response->frame);
    }
    defer_advance(run, request);
}

void executed_conclude(struct run *run, struct connection *connection,
                       const struct pending *request, const struct dissect_frame *response,
                       const struct settlement *settlement)
{
    if (response == NULL) {
        silence_conclude(run, connection, request, settlement);
        return;
    }
    executed_finish(run, connection, response, request, settlement);
    if (settlement->outcome == OUTCOME_DIFFERENT) {
        struct difference *difference =
            outcome_report(run, connection, response, request, settlement);
        outcome_note_provisional(run, settlement, difference, false);
        if (!settlement->memory) {
            explain_doubt(run, request->frame.key, origin_seconds(&response->origin));
        }
    }
}

/* ------------------------------------------------------------------------------ wrong answers */

/* The server's answer differs and nothing explains it. Takes over `request` and `before`. */
static void differs(struct run *run, struct connection *connection,
                    const struct dissect_frame *response, struct pending *request,
                    struct saved_item *before, const struct settlement *settlement)
{
    executed_finish(run, connection, response, request, settlement);
    struct difference *difference = NULL;
    cas_note_difference(run, connection, request, &settlement->ruling, response->frame.header.cas);
    if (settlement->outcome == OUTCOME_DIFFERENT) {
        difference = outcome_report(run, connection, response, request, settlement);
        outcome_note_provisional(run, settlement, difference, false);
    }
    if (!settlement->memory) {
        explain_doubt(run, request->frame.key, origin_seconds(&response->origin));
    }
    last_mismatch_set(run, connection, request, before, difference);
}

/* The answer is right, but comes behind one that it should come before. */
static void executed_out_of_order(struct run *run, const struct connection *connection,
                                  const struct dissect_frame *response,
                                  const struct pending *request, struct settlement *settlement)
{
    outcome_out_of_order(run, connection, response, request);
    settlement->outcome = OUTCOME_DIFFERENT;
    settlement->flat = span_of(NULL, 0);
}

static struct comparison label_of(const struct mcbp_frame *answer, const struct pending *request)
{
    enum { OPCODE_OFFSET = 1, OPAQUE_OFFSET = 12 };
    if (answer->header.opcode != request->opcode) {
        return (struct comparison){.field = "header.opcode", .offset = OPCODE_OFFSET};
    }
    if (answer->header.opaque != request->opaque) {
        return (struct comparison){.field = "header.opaque", .offset = OPAQUE_OFFSET};
    }
    return (struct comparison){
        .field = "key", .offset = (size_t)((const uint8_t *)answer->key.data - answer->bytes.data)};
}

/* Whatever is in the answer: which request it is to is certain, and said wrongly. */
void executed_label(const struct dissect_frame *response, const struct pending *request,
                    struct settlement *settlement)
{
    settlement->outcome = OUTCOME_DIFFERENT;
    settlement->answers = true;
    settlement->reference = response->frame.bytes;
    settlement->comparison = label_of(&response->frame, request);
}

/* ------------------------------------------------------------------------- whose answer it is */

/* A request that waits before the one at `index` stores what the answer shows of its key. */
static bool is_about_to_hold(const struct connection *connection, size_t index,
                             const struct dissect_frame *response)
{
    const struct pending *request = pending_queue_at(&connection->queue, index);
    while (index-- > 0) {
        const struct pending *earlier = pending_queue_at(&connection->queue, index);
        if (mcbp_opcode_changes(earlier->opcode) && earlier->key_hash == request->key_hash) {
            return mcbp_opcode_family(mcbp_opcode_loud(earlier->opcode)) == MCBP_FAMILY_STORE &&
                   span_equal(earlier->frame.value, response->frame.value);
        }
    }
    return false;
}

/* Unseen requests may have changed its key: then the answer is rather to a later request of the
 * same look that the store answers so. */
static bool is_rather_a_later_ones(struct run *run, struct connection *connection,
                                   const struct dissect_frame *response, size_t index)
{
    const struct pending *request = pending_queue_at(&connection->queue, index);
    while (!settle_is_answer(run, connection, request, &response->frame) &&
           !is_about_to_hold(connection, index, response)) {
        if (!pairing_has_another(connection, request) ||
            !pairing_find(connection, response, index + 1, &index)) {
            return false;
        }
        request = pending_queue_at(&connection->queue, index);
    }
    return true;
}

/* Whether it has not been answered, though `response` fits it. */
static bool is_silent(struct run *run, struct connection *connection,
                      const struct dissect_frame *response, size_t index)
{
    struct pending *request = pending_queue_at(&connection->queue, index);
    if (!unseen_may_have_changed(run, request, false)) {
        return !settle_has_answer(run, connection, request);
    }
    if (settle_is_answer(run, connection, request, &response->frame) ||
        !is_rather_a_later_ones(run, connection, response, index)) {
        return false;
    }
    request->lost_ok = true; /* nor is its silence certain */
    unseen_request_begins(run, connection, request);
    return true;
}

/*
 * Quiet requests that look alike, of a client that doesn't number them: the answer is to the first
 * one that the store answers. Those before it have succeeded, or missed, in silence.
 */
static size_t pass_over_alike(struct run *run, struct connection *connection,
                              const struct dissect_frame *response, size_t index, int64_t now)
{
    size_t next;
    while (pending_is_quiet(pending_queue_at(&connection->queue, index)) &&
           pairing_has_another(connection, pending_queue_at(&connection->queue, index)) &&
           !overlap_is_contended(run, pending_queue_at(&connection->queue, index)) &&
           pairing_find(connection, response, index + 1, &next) &&
           is_silent(run, connection, response, index)) {
        index = silence_pass_over(run, connection, next, now);
    }
    return index;
}

/* It may as well be the answer to a later quiet request of the same look, and while others change
 * the key, what the store holds does not tell. */
static bool is_ambiguous(struct run *run, const struct connection *connection, size_t index)
{
    const struct pending *request = pending_queue_at(&connection->queue, index);
    return pending_is_quiet(request) && overlap_is_contended(run, request) &&
           pairing_has_another(connection, request);
}

static void answer_ambiguously(struct run *run, struct connection *connection,
                               const struct dissect_frame *response, size_t index)
{
    struct pending request;
    size_t next = index;
    while (pairing_find(connection, response, next + 1, &next)) {
        struct pending *other = pending_queue_at(&connection->queue, next);
        other->lost_ok = true;
        unseen_request_begins(run, connection, other);
    }
    awaiting_take(run, connection, index, &request);
    outcome_count(run, &response->frame.header, OUTCOME_NOT_EXECUTED);
    if (!connection->requests_uncertain && !connection->answers_uncertain) {
        run->capture->executed.undecided++;
        undecided_keys_add(&run->capture->undecided_keys, request.frame.key);
    }
    request.lost_ok = true;
    silence_settle(run, connection, &request);
    pending_release(&request, &run->blocks);
}

/* The answer to a request that was sent after a loss ends what was uncertain because of it. */
void executed_note_certainty(struct run *run, struct connection *connection,
                             const struct pending *request)
{
    if (request->alike && !request->alone) {
        return; /* it may have been the answer to another request */
    }
    connection->requests_uncertain &= request->sequence <= connection->uncertain_since;
    if (request->sequence > connection->responded_at) {
        connection->responded_at = 0;
    }
    unseen_note_answered(run, connection, request);
    connection->answers_uncertain &= request->sequence <= connection->answers_lost_at;
}

/* Somebody waits there whose answer comes first, and is not lost. */
static bool waits_before(const struct connection *connection, size_t from, size_t index)
{
    for (size_t i = from; i < index; i++) {
        const struct pending *earlier = pending_queue_at(&connection->queue, i);
        if (!pending_is_quiet(earlier) && !earlier->lost_ok) {
            return true;
        }
    }
    return false;
}

/* The answer to a request that waited when answers were lost may be among those: a later request
 * of the same look comes first then. */
static size_t skip_lost(const struct connection *connection, const struct dissect_frame *response,
                        size_t index)
{
    size_t next = index;
    while (pending_queue_at(&connection->queue, next)->lost_ok) {
        if (!pairing_find(connection, response, next + 1, &next) ||
            waits_before(connection, index, next)) {
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
        const struct pending *request = pending_queue_at(&connection->queue, i);
        if (!request->lost_ok || pending_is_quiet(request)) {
            i++;
            continue;
        }
        silence_give_up(run, connection, i);
        index--;
    }
    return index;
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
    awaiting_take(run, connection, right, &request);
    executed_finish(run, connection, response, &request, &settlement);
    executed_note_certainty(run, connection, &request);
    silence_pass_over(run, connection, right, origin_seconds(&response->origin));
    pending_release(&request, &run->blocks);
}

/* The request's silence, or its missing answer, is shown by a later one's. */
static void answers_later_one(struct run *run, struct connection *connection,
                              const struct dissect_frame *response, struct pending *request,
                              const struct settlement *settlement, size_t later,
                              struct settlement *other)
{
    struct pending right;
    awaiting_take(run, connection, later, &right);
    executed_finish(run, connection, response, &right, other);
    if (pending_is_quiet(request)) {
        silence_settle(run, connection, request);
    } else {
        struct difference *difference =
            outcome_missing(run, connection, request, "the next answer is that of a later request");
        outcome_note_provisional(run, settlement, difference, true);
    }
    silence_pass_over(run, connection, later, origin_seconds(&response->origin));
    pending_release(&right, &run->blocks);
    pending_release(request, &run->blocks);
}

/* An answer before it belonged to it, or to a quiet request of the same look: nobody knows. */
static bool may_be_answered(const struct connection *connection, const struct pending *request)
{
    return request->lost_ok && pending_is_quiet(request) && !connection->requests_uncertain &&
           !connection->answers_uncertain && pairing_has_another(connection, request);
}

/* Then it is the answer to the one that it is right for; failing that, nobody knows again. */
static void answer_behind_ambiguous(struct run *run, struct connection *connection,
                                    const struct dissect_frame *response, size_t index)
{
    struct settlement settlement;
    size_t right;
    struct pending request;
    if (!answers_later(run, connection, response, index, &right, &settlement)) {
        answer_ambiguously(run, connection, response, index);
        return;
    }
    awaiting_take(run, connection, right, &request);
    executed_finish(run, connection, response, &request, &settlement);
    silence_pass_over(run, connection, right, origin_seconds(&response->origin));
    pending_release(&request, &run->blocks);
}

/* It is not what the store answers: is it the answer to another request? */
static void disagrees(struct run *run, struct connection *connection,
                      const struct dissect_frame *response, size_t index, struct pending *request,
                      struct settlement *settlement)
{
    struct saved_item before = {0};
    struct settlement other;
    size_t later;
    if ((request->alike || request->opaque == 0) &&
        (connection->requests_uncertain || connection->answers_uncertain)) {
        /* It may answer a request that is not here, or a later one. */
        awaiting_put_back(run, connection, index, request);
        answer_after_loss(run, connection, response);
        return;
    }
    if (may_be_answered(connection, request)) {
        awaiting_put_back(run, connection, index, request);
        answer_behind_ambiguous(run, connection, response, index);
        return;
    }
    if (last_mismatch_is_answered(run, connection, response, &other)) {
        /* put it back: its own answer is still to come */
        awaiting_put_back(run, connection, index, request);
        executed_finish(run, connection, response, &connection->last_mismatch.request, &other);
        last_mismatch_clear(run, connection);
        return;
    }
    if (answers_later(run, connection, response, index, &later, &other)) {
        answers_later_one(run, connection, response, request, settlement, later, &other);
        return;
    }
    if (request->frame.key.size > 0) {
        saved_item_take(&before, run->model->engine, request->frame.key,
                        origin_seconds(&response->origin));
    }
    differs(run, connection, response, request, &before, settlement);
}

/* ------------------------------------------------------------------------------------ answers */

/* The request has its answer. */
static void answered(struct run *run, struct connection *connection, struct pending *request)
{
    executed_note_certainty(run, connection, request);
    last_mismatch_clear(run, connection);
    pending_release(request, &run->blocks);
}

static void answer(struct run *run, struct connection *connection,
                   const struct dissect_frame *response, size_t index)
{
    int64_t now = origin_seconds(&response->origin);
    struct pending request;
    struct settlement settlement;
    if (connection->answers_uncertain && pending_queue_at(&connection->queue, index)->alike) {
        index = skip_lost(connection, response, index);
        index = drop_lost(run, connection, index);
    }
    index = silence_pass_over(run, connection, index, now);
    index = pass_over_alike(run, connection, response, index, now);
    if (connection->closed) {
        outcome_unexpected(run, connection, response);
        return;
    }
    if (is_ambiguous(run, connection, index)) {
        answer_ambiguously(run, connection, response, index);
        return;
    }
    awaiting_take(run, connection, index, &request);
    if (!order_is_violated_by(connection, &request) &&
        defer_answer(run, connection, &request, response)) {
        answered(run, connection, &request);
        return;
    }
    settle_try(run, connection, &request, &response->frame, now, false, &settlement);
    if (!settlement.agreed) {
        disagrees(run, connection, response, index, &request, &settlement);
        return;
    }
    if (order_is_violated_by(connection, &request)) {
        executed_out_of_order(run, connection, response, &request, &settlement);
        executed_finish(run, connection, response, &request, &settlement);
    } else {
        if (settlement.outcome == OUTCOME_NOT_EXECUTED && !pairing_fits(response, &request)) {
            executed_label(response, &request, &settlement);
        }
        executed_conclude(run, connection, &request, response, &settlement);
    }
    answered(run, connection, &request);
}

/* A row of STAT is the server's own business. Its form is checked; the request waits on for the
 * answer without a body that ends them, or for an error, which has no key. */
static bool is_stat_row(const struct pending *request, const struct dissect_frame *response)
{
    const struct mcbp_header *header = &response->frame.header;
    return request->opcode == MCBP_STAT &&
           (response->frame.key.size > 0 ||
            (header->vbucket_or_status == MCBP_STATUS_SUCCESS && header->body_length > 0));
}

static void stat_row(struct run *run, struct connection *connection,
                     const struct dissect_frame *response, size_t index)
{
    index = silence_pass_over(run, connection, index, origin_seconds(&response->origin));
    const struct pending *request = pending_queue_at(&connection->queue, index);
    const struct mcbp_frame *frame = &response->frame;
    struct kvr_response row = {
        .magic = MCBP_CLIENT_RESPONSE,
        .opcode = MCBP_STAT,
        .opaque = request->opaque,
        .key = frame->key.data,
        .key_size = frame->key.size,
        .value = frame->value.data,
        .value_size = frame->key.size > 0 ? frame->value.size : 0,
    };
    struct settlement settlement;
    settlement_of_row(run, &row, frame, &settlement);
    executed_finish(run, connection, response, request, &settlement);
    if (settlement.outcome == OUTCOME_DIFFERENT) {
        outcome_report(run, connection, response, request, &settlement);
    }
}

/* The waiting request at `index` has this answer, or this row of its answer. */
static void answer_or_row(struct run *run, struct connection *connection,
                          const struct dissect_frame *response, size_t index)
{
    if (is_stat_row(pending_queue_at(&connection->queue, index), response)) {
        stat_row(run, connection, response, index);
    } else {
        answer(run, connection, response, index);
    }
}

/* No waiting request has both its opcode and its opaque. */
static void no_exact_answer(struct run *run, struct connection *connection,
                            const struct dissect_frame *response)
{
    struct settlement settlement;
    size_t index;
    if (last_mismatch_is_answered(run, connection, response, &settlement)) {
        executed_finish(run, connection, response, &connection->last_mismatch.request, &settlement);
        last_mismatch_clear(run, connection);
    } else if (pairing_find_similar(connection, response, &index)) {
        answer_or_row(run, connection, response, index);
    } else {
        outcome_unexpected(run, connection, response);
    }
}

static bool is_store_request(const struct mcbp_header *header)
{
    bool request =
        header->magic == MCBP_CLIENT_REQUEST || header->magic == MCBP_FLEX_CLIENT_REQUEST;
    return request && engine_is_of_store(header->opcode);
}

/* Couchbase's servers send requests too: of DCP, and as DCP's consumers others of their own. The
 * commands of the store are clients' alone. */
static bool is_clients_alone(const struct connection *connection, const struct mcbp_header *header)
{
    return header->magic == MCBP_SERVER_RESPONSE ||
           (is_store_request(header) && !connection->features_negotiated &&
            !connection->requests_uncertain);
}

/* Answers to overlapping requests are judged later, but this one tells of all of them. */
static void note_memory(struct run *run, const struct mcbp_header *answer)
{
    if (answer->vbucket_or_status == MCBP_STATUS_NO_MEMORY &&
        mcbp_opcode_makes_version(answer->opcode) && !run->model->out_of_memory) {
        run->model->out_of_memory = true;
        provisional_withdraw_memory(&run->provisional, run->model);
    }
}

/* Requests may be missing that look like the one at `index`, before which another waits whose
 * answer comes first: so the answer at hand is rather that of one of those. */
static bool may_be_of_missing(const struct connection *connection, size_t index)
{
    const struct pending *request = pending_queue_at(&connection->queue, index);
    if (!connection->requests_uncertain || !request->alike || request->alone) {
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        const struct pending *earlier = pending_queue_at(&connection->queue, i);
        if (!pending_is_quiet(earlier) && !earlier->overtaken &&
            (!earlier->lost_ok || earlier->rises)) {
            return true;
        }
    }
    return false;
}

void executed_response(struct run *run, struct connection *connection,
                       const struct dissect_frame *response)
{
    size_t index;
    uint8_t magic = response->frame.header.magic;
    connection->response_packet = response->origin.packet;
    unseen_note_answer(run, &response->frame.header);
    note_memory(run, &response->frame.header);
    if (connection->answers_astray > 0 && --connection->answers_astray == 0) {
        unseen_end(run, connection);
    }
    if (is_clients_alone(connection, &response->frame.header)) {
        outcome_unexpected(run, connection, response);
        return;
    }
    if (magic != MCBP_CLIENT_RESPONSE && magic != MCBP_FLEX_CLIENT_RESPONSE) {
        run->capture->senders_unknown |= !connection->conversation->from_start &&
                                         !connection->features_negotiated &&
                                         is_store_request(&response->frame.header);
        if (!dcp_message(run, connection, response)) {
            outcome_count(run, &response->frame.header,
                          OUTCOME_NOT_EXECUTED); /* a request of the server's own */
        }
        return;
    }
    bool exact =
        pairing_find(connection, response, 0, &index) && !may_be_of_missing(connection, index);
    bool uncertain =
        connection->requests_uncertain || connection->desynchronised ||
        (connection->answers_uncertain && (connection->opaques_repeat || connection->repeats)) ||
        connection->features_negotiated || response->request_id >= 0;
    if (connection->closed && !connection->desynchronised) {
        outcome_unexpected(run, connection, response);
    } else if (exact) {
        answer_or_row(run, connection, response, index);
    } else if (pairing_find_of_datagram(connection, response, &index)) {
        answer(run, connection, response, index);
    } else if (uncertain) {
        outcome_count(run, &response->frame.header, OUTCOME_NOT_EXECUTED);
        if (response->request_id >= 0) {
            unseen_begin(run, connection); /* the datagram with the request is not in the capture */
        }
    } else {
        no_exact_answer(run, connection, response);
    }
}

/* --------------------------------------------------------------------------------- lost bytes */

/* How many answers may come to what waits when `missing` bytes are lost: one at least is not among
 * them; none, if they have room for all that a client waits for before it asks again. */
static uint64_t count_astray(const struct connection *connection, uint64_t missing)
{
    enum { ASKED_AT_ONCE = 8 };
    size_t waiting = connection->queue.count;
    size_t loud = 0;
    for (size_t i = 0; i < waiting; i++) {
        loud += !pending_is_quiet(pending_queue_at(&connection->queue, i));
    }
    if (loud <= ASKED_AT_ONCE && missing >= loud * MCBP_HEADER_SIZE) {
        return 0;
    }
    return missing > 0 ? waiting - 1 : waiting;
}

void executed_lost(struct run *run, struct connection *connection, enum dissect_role role,
                   uint64_t missing)
{
    order_note_loss(connection, role);
    if (role == FROM_CLIENT) {
        awaiting_doubt(run, connection, missing);
        unseen_begin(run, connection);
        return;
    }
    connection->answers_uncertain = true;
    connection->answers_lost_at = run->sequence;
    uint64_t astray = count_astray(connection, missing);
    if (connection->answers_astray < astray) {
        connection->answers_astray = astray;
    }
    for (size_t i = 0; i < connection->queue.count; i++) {
        struct pending *request = pending_queue_at(&connection->queue, i);
        request->lost_ok = true;
        request->alone = false;
        unseen_request_begins(run, connection, request);
    }
}
