#include "replay/outcome.h"

#include "replay/differences.h"
#include "replay/explain.h"
#include "replay/provisional.h"
#include "replay/restart.h"

#include <inttypes.h>

static struct executed_counts *counts_of(struct run *run)
{
    return &run->capture->executed;
}

struct difference *outcome_missing(struct run *run, const struct connection *connection,
                                   const struct pending *request, const char *detail)
{
    struct mcbp_frame frame = request->frame;
    struct construct_request described;
    struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = DIFFERENCE_MISSING,
        .connection = connection,
        .origin = &request->origin,
        .header = &frame.header,
        .request = &described,
    };
    difference_describe_request(request, &described);
    counts_of(run)->missing++;
    struct difference *difference = difference_add(run, &subject);
    difference_set_detail(difference, "%s", detail);
    explain_doubt(run, frame.key, origin_seconds(&request->origin));
    return difference;
}

static void count_not_executed(struct run *run, const struct mcbp_header *response)
{
    struct opcode_counts *counts = opcode_table_at(
        &run->capture->opcodes, response->magic == MCBP_SERVER_REQUEST, response->opcode);
    if (counts != NULL) {
        counts->not_executed++;
    }
}

void outcome_count(struct run *run, const struct mcbp_header *response, enum outcome outcome)
{
    struct executed_counts *counts = counts_of(run);
    switch (outcome) {
    case OUTCOME_IDENTICAL:
        counts->check.compared++;
        counts->check.identical++;
        break;
    case OUTCOME_DIFFERENT:
        counts->check.compared++;
        counts->check.different++;
        break;
    case OUTCOME_ADOPTED:
        counts->adopted++;
        break;
    case OUTCOME_AMBIGUOUS:
        counts->ambiguous++;
        break;
    case OUTCOME_NOT_EXECUTED:
        counts->not_executed++;
        count_not_executed(run, response);
        break;
    }
}

void outcome_unexpected(struct run *run, const struct connection *connection,
                        const struct dissect_frame *response)
{
    struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = DIFFERENCE_UNEXPECTED,
        .connection = connection,
        .origin = &response->origin,
        .header = &response->frame.header,
    };
    struct difference *difference = difference_add(run, &subject);
    difference_set_detail(difference, !mcbp_magic_is_response(response->frame.header.magic) ||
                                              response->frame.header.magic == MCBP_SERVER_RESPONSE
                                          ? "a server does not send frames of this magic"
                                      : connection->closed
                                          ? "the server has to close the connection before this"
                                          : "no request is waiting for this answer");
    difference_show(difference, response->frame.bytes);
    outcome_count(run, &response->frame.header, OUTCOME_DIFFERENT);
}

void outcome_out_of_order(struct run *run, const struct connection *connection,
                          const struct dissect_frame *response, const struct pending *request)
{
    struct construct_request described;
    struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = DIFFERENCE_ORDER,
        .connection = connection,
        .origin = &response->origin,
        .header = &response->frame.header,
        .request = &described,
    };
    difference_describe_request(request, &described);
    struct difference *difference = difference_add(run, &subject);
    difference_set_detail(difference, "a later request was answered before it");
    difference_show(difference, response->frame.bytes);
}

static void explain_cas(struct difference *difference, const struct cas_ruling *ruling)
{
    if (ruling->why != NULL && ruling->packet != 0) {
        difference_set_detail(difference, "%s (packet %" PRIu64 ")", ruling->why, ruling->packet);
    } else if (ruling->why != NULL) {
        difference_set_detail(difference, "%s", ruling->why);
    }
}

struct difference *outcome_report(struct run *run, const struct connection *connection,
                                  const struct dissect_frame *response,
                                  const struct pending *request,
                                  const struct settlement *settlement)
{
    bool silent = !settlement->answers;
    bool failed = construct_has_failed(&settlement->failure);
    struct construct_request described;
    struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = failed   ? DIFFERENCE_REFUSED
                : silent ? DIFFERENCE_UNEXPECTED
                         : DIFFERENCE_FIELD,
        .connection = connection,
        .origin = &response->origin,
        .header = &response->frame.header,
        .request = &described,
    };
    difference_describe_request(request, &described);
    struct difference *difference = difference_add(run, &subject);
    if (failed && difference != NULL) {
        construct_describe_failure(&settlement->failure, difference->detail);
    } else if (silent) {
        difference_set_detail(difference, "the store does not answer this request");
        difference_show(difference, response->frame.bytes);
    } else {
        difference_set_sides(difference, &settlement->comparison, settlement->reference,
                             settlement->built);
        explain_cas(difference, &settlement->ruling);
    }
    return difference;
}

/* memcached's own connection for UDP stays open whatever comes. */
void outcome_note_closing(struct connection *connection, const struct pending *request,
                          const struct settlement *settlement)
{
    connection->closing |= settlement->closes;
    connection->closed |= settlement->closes && settlement->agreed && request->request_id < 0;
}

void outcome_note_provisional(struct run *run, const struct settlement *settlement,
                              struct difference *difference, bool missing)
{
    if (settlement->provisional || settlement->memory || settlement->dropped || settlement->early ||
        restart_is_possible(run)) {
        const struct provisional_difference provisional = {
            .model = run->model,
            .packet = run->packet,
            .record = difference,
            .missing = missing,
            .unseen = settlement->provisional,
            .early = settlement->early,
            .cas = settlement->shown,
            .memory = settlement->dropped || (settlement->memory && !missing),
        };
        run->no_memory |= !provisional_add(&run->provisional, &provisional);
    }
}
