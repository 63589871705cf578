#include "replay/outcome.h"

#include "replay/differences.h"
#include "replay/explain.h"

static struct executed_counts *counts_of(struct run *run)
{
    return &run->capture->executed;
}

void outcome_missing(struct run *run, const struct connection *connection,
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
    difference_set_detail(difference_add(run, &subject), "%s", detail);
    explain_doubt(run, frame.key, origin_seconds(&request->origin));
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
        if (response->magic == MCBP_SERVER_REQUEST) {
            run->capture->server_opcodes[response->opcode].not_executed++;
        } else {
            run->capture->opcodes[response->opcode].not_executed++;
        }
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

struct difference *outcome_report(struct run *run, const struct connection *connection,
                                  const struct dissect_frame *response,
                                  const struct pending *request,
                                  const struct settlement *settlement)
{
    bool silent = !settlement->answers;
    bool refused = settlement->refused != KVR_OK;
    struct construct_request described;
    struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = refused  ? DIFFERENCE_REFUSED
                : silent ? DIFFERENCE_UNEXPECTED
                         : DIFFERENCE_FIELD,
        .connection = connection,
        .origin = &response->origin,
        .header = &response->frame.header,
        .request = &described,
    };
    difference_describe_request(request, &described);
    struct difference *difference = difference_add(run, &subject);
    if (refused) {
        difference_set_detail(difference, "the writer refused the response: %s",
                              kvr_error_text(settlement->refused));
    } else if (silent) {
        difference_set_detail(difference, "the store does not answer this request");
        difference_show(difference, response->frame.bytes);
    } else {
        difference_set_sides(difference, &settlement->comparison, settlement->reference,
                             settlement->built);
    }
    return difference;
}
