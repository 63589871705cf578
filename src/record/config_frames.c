#include "record/config_frames.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"

static bool has_config(const struct mcbp_header *header)
{
    uint16_t status = header->vbucket_or_status;
    if (mcbp_value_size(header) == 0) {
        return false;
    }
    if (header->magic == MCBP_SERVER_REQUEST) {
        return header->opcode == MCBP_CLUSTERMAP_CHANGE_NOTIFICATION;
    }
    return (header->magic == MCBP_CLIENT_RESPONSE || header->magic == MCBP_FLEX_CLIENT_RESPONSE) &&
           (status == MCBP_STATUS_NOT_MY_VBUCKET ||
            (status == MCBP_STATUS_SUCCESS && header->opcode == MCBP_GET_CLUSTER_CONFIG));
}

/* What stands at the beginning of a frame, `input`. OTHER: *size is the whole frame's. */
static enum config_frames look_at(struct span input, uint64_t *size)
{
    struct mcbp_frame frame;
    enum mcbp_parse parse = mcbp_frame_parse(input, &frame);
    if (parse != MCBP_FRAME && parse != MCBP_NEED_MORE) {
        *size = UINT64_MAX;
        return CONFIG_FRAMES_OTHER;
    }
    *size = frame.bytes.size;
    if (input.size < MCBP_HEADER_SIZE) {
        return CONFIG_FRAMES_MORE;
    }
    if (!has_config(&frame.header)) {
        return CONFIG_FRAMES_OTHER;
    }
    return *size > CONFIG_FRAME_MAX ? CONFIG_FRAMES_LONG
           : parse == MCBP_FRAME    ? CONFIG_FRAMES_FOUND
                                    : CONFIG_FRAMES_MORE;
}

enum config_frames config_frames_next(uint64_t *rest, struct span input, size_t *size)
{
    *size = 0;
    for (;;) {
        size_t left = input.size - *size;
        size_t passing = *rest < left ? (size_t)*rest : left;
        *rest -= passing;
        *size += passing;
        if (*size == input.size) {
            return CONFIG_FRAMES_OTHER;
        }
        uint64_t frame;
        enum config_frames found = look_at(span_skip(input, *size), &frame);
        if (found == CONFIG_FRAMES_OTHER) {
            *rest = frame;
        } else if (*size > 0) {
            return CONFIG_FRAMES_OTHER;
        } else {
            *rest = found == CONFIG_FRAMES_LONG ? frame : 0;
            *size = found == CONFIG_FRAMES_LONG ? 0 : (size_t)frame;
            return found;
        }
    }
}
