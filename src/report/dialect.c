#include "report/dialect.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"

/* Nothing that memcached 1.6 sends, or that it is asked for with success. */
static bool dialect_is_sign(const struct mcbp_frame *frame)
{
    const struct mcbp_header *header = &frame->header;
    bool others = header->magic != MCBP_CLIENT_REQUEST && header->magic != MCBP_CLIENT_RESPONSE;
    bool success =
        header->magic == MCBP_CLIENT_RESPONSE && header->vbucket_or_status == MCBP_STATUS_SUCCESS;
    return others || header->datatype != 0 ||
           (success && !mcbp_opcode_is_memcacheds(header->opcode));
}

void frame_dialect_learn(struct frame_dialect *dialect, const struct mcbp_frame *frame)
{
    const struct mcbp_header *header = &frame->header;
    bool answer =
        header->magic == MCBP_CLIENT_RESPONSE || header->magic == MCBP_FLEX_CLIENT_RESPONSE;
    dialect->couchbase |= dialect_is_sign(frame);
    if (answer && header->opcode == MCBP_HELLO &&
        header->vbucket_or_status == MCBP_STATUS_SUCCESS) {
        dialect->features = mcbp_feature_set_of(frame->value);
    }
}

bool frame_dialect_is_couchbase(const struct frame_dialect *dialect, const struct mcbp_frame *frame)
{
    char text[MCBP_OPCODE_TEXT_SIZE];
    const struct mcbp_header *header = &frame->header;
    return dialect->couchbase || (!mcbp_opcode_is_memcacheds(header->opcode) &&
                                  mcbp_opcode_text(header->magic, header->opcode, text) != text);
}
