#include "replay/sasl.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"

static bool is_sasl(uint8_t opcode)
{
    return mcbp_opcode_family(opcode) == MCBP_FAMILY_AUTHENTICATE;
}

/* memcached without SASL doesn't know the commands, which the store says, too. */
static bool is_from_server_with_sasl(const struct run *run, uint16_t status)
{
    return run->model->sasl == SASL_THERE ||
           (run->model->sasl == SASL_UNKNOWN && status != MCBP_STATUS_UNKNOWN_COMMAND);
}

/* memcached refuses all but VERSION and SASL itself, quiet requests too, and closes then. */
static void settle_refusal(struct run *run, const struct pending *request,
                           const struct mcbp_frame *recorded, struct settlement *settlement)
{
    const char *text = mcbp_status_error_body(MCBP_STATUS_AUTH_ERROR);
    struct kvr_response refusal = {
        .magic = MCBP_CLIENT_RESPONSE,
        .opcode = request->opcode,
        .status = MCBP_STATUS_AUTH_ERROR,
        .opaque = request->opaque,
        .value = text,
        .value_size = strlen(text),
    };
    settlement_of_row(run, &refusal, recorded, settlement);
    settlement->closes = true;
}

bool sasl_settle(struct run *run, const struct connection *connection,
                 const struct pending *request, const struct mcbp_frame *recorded,
                 struct settlement *settlement)
{
    uint16_t status = recorded != NULL ? recorded->header.vbucket_or_status : 0;
    if (recorded != NULL && mcbp_opcode_empties(request->opcode) &&
        status == MCBP_STATUS_AUTH_ERROR && run->model->flush != FLUSH_ALLOWED) {
        settle_refusal(run, request, recorded, settlement);
        settlement->closes = false; /* a server with SASL may */
        return true;
    }
    if (recorded == NULL || !is_from_server_with_sasl(run, status)) {
        return false;
    }
    if (is_sasl(request->opcode)) {
        *settlement = (struct settlement){.outcome = OUTCOME_NOT_EXECUTED, .agreed = true};
        return true;
    }
    if (status != MCBP_STATUS_AUTH_ERROR || request->opcode == MCBP_VERSION ||
        connection->admitted) {
        return false;
    }
    settle_refusal(run, request, recorded, settlement);
    return true;
}

void sasl_note(struct run *run, struct connection *connection, const struct pending *request,
               const struct mcbp_frame *response)
{
    uint16_t status = response->header.vbucket_or_status;
    bool refused = status == MCBP_STATUS_AUTH_ERROR;
    if (mcbp_opcode_empties(request->opcode) && run->model->flush == FLUSH_UNKNOWN) {
        run->model->flush = refused ? FLUSH_FORBIDDEN : FLUSH_ALLOWED;
    }
    if (mcbp_opcode_empties(request->opcode) && refused) {
        connection->closing |= !connection->admitted;
        return;
    }
    if (run->model->sasl == SASL_UNKNOWN && (is_sasl(request->opcode) || refused)) {
        run->model->sasl = status == MCBP_STATUS_UNKNOWN_COMMAND ? SASL_ABSENT : SASL_THERE;
    }
    if (request->opcode == MCBP_SASL_AUTH || request->opcode == MCBP_SASL_STEP) {
        connection->admitted = status == MCBP_STATUS_SUCCESS;
    } else if (!is_sasl(request->opcode) && request->opcode != MCBP_VERSION && !refused) {
        connection->admitted = true;
    }
}
