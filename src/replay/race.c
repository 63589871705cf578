#include "replay/race.h"

#include "base/endian.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

bool race_may_lose_add(uint8_t opcode, const struct mcbp_frame *answer)
{
    return mcbp_opcode_counts(opcode) && answer->header.vbucket_or_status == MCBP_STATUS_NOT_STORED;
}

bool race_is_stored_by(uint8_t opcode)
{
    uint8_t loud = mcbp_opcode_loud(opcode);
    return loud == MCBP_SET || loud == MCBP_ADD || mcbp_opcode_counts(opcode);
}

bool race_may_show_next_cas(uint8_t opcode, const struct mcbp_frame *answer)
{
    return mcbp_opcode_retrieves(opcode) &&
           answer->header.vbucket_or_status == MCBP_STATUS_SUCCESS && answer->header.cas != 0;
}

bool race_may_tell_next_cas(const struct mcbp_frame *request, const struct mcbp_frame *answer)
{
    enum { INITIAL = 8, EXTRAS_SIZE = 20 };
    return mcbp_opcode_counts(request->header.opcode) && request->extras.size == EXTRAS_SIZE &&
           read_be32(request->extras.data + mcbp_opcode_expiry_offset(request->header.opcode)) !=
               UINT32_MAX &&
           answer->header.vbucket_or_status == MCBP_STATUS_SUCCESS && answer->header.cas != 0 &&
           span_equal(answer->value, span_of(request->extras.data + INITIAL, sizeof(uint64_t)));
}

bool race_gives_next_cas(uint8_t opcode)
{
    return mcbp_opcode_counts(opcode);
}

bool race_may_outlive(uint8_t opcode)
{
    return mcbp_opcode_makes_version(opcode);
}

bool race_is_numbered_early(uint8_t opcode)
{
    enum mcbp_family family = mcbp_opcode_family(opcode);
    return family == MCBP_FAMILY_STORE || family == MCBP_FAMILY_CONCATENATE;
}

void race_execute_lost_add(struct run *run, struct trial *trial,
                           const struct engine_request *request)
{
    struct mcbp_frame look = trial->frame;
    struct engine_request looking = *request;
    look.header.opcode = MCBP_GET;
    look.header.body_length -= look.header.extras_length;
    look.header.extras_length = 0;
    look.extras = span_of(NULL, 0);
    looking.frame = &look;
    engine_execute(run->model->engine, &looking, &trial->answer);
    trial->answered = trial->answer.verdict == ENGINE_ANSWERED;
    trial->response = trial->answer.responses[0];
    if (trial->answered && trial->response.status == MCBP_STATUS_KEY_NOT_FOUND) {
        const char *text = mcbp_status_error_body(MCBP_STATUS_NOT_STORED);
        trial->response.opcode = trial->frame.header.opcode;
        trial->response.status = MCBP_STATUS_NOT_STORED;
        trial->response.value = text;
        trial->response.value_size = strlen(text);
    }
}

void race_count(struct run *run, enum variant variant)
{
    run->capture->races[RACE_LOST_ADD] += variant == VARIANT_LOST_ADD;
    run->capture->races[RACE_NEXT_CAS] += variant == VARIANT_NEXT_CAS;
}
