#include "response/from_frame.h"

void response_from_frame(const struct mcbp_frame *frame, struct kvr_response *response)
{
    *response = (struct kvr_response){
        .magic = frame->header.magic,
        .opcode = frame->header.opcode,
        .datatype = frame->header.datatype,
        .status = frame->header.vbucket_or_status,
        .opaque = frame->header.opaque,
        .cas = frame->header.cas,
        .framing_extras = frame->framing_extras.data,
        .framing_extras_size = frame->framing_extras.size,
        .extras = frame->extras.data,
        .extras_size = frame->extras.size,
        .key = frame->key.data,
        .key_size = frame->key.size,
        .value = frame->value.data,
        .value_size = frame->value.size,
    };
}
