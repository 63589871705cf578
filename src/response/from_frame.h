/*
 * A recorded frame taken apart into the description that a writer builds it from again.
 */
#ifndef KVREPLAY_RESPONSE_FROM_FRAME_H
#define KVREPLAY_RESPONSE_FROM_FRAME_H

#include "kvresponse/kvresponse.h"
#include "mcbp/frame.h"

/*
 * Describes any frame that mcbp_frame_parse came to MCBP_FRAME on. The description points into the
 * frame's bytes and is valid as long as they are.
 */
void response_from_frame(const struct mcbp_frame *frame, struct kvr_response *response);

#endif
