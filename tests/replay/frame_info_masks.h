/*
 * A mask for every frame info: answers with framing extras that no HELLO has asked for are right
 * under these only.
 */
#ifndef KVREPLAY_TESTS_REPLAY_FRAME_INFO_MASKS_H
#define KVREPLAY_TESTS_REPLAY_FRAME_INFO_MASKS_H

#include "check/mask.h"
#include "mcbp/frame_info.h"

/* Valid until the program ends. */
static inline struct mask_list frame_info_masks(void)
{
    static struct mask masks[MCBP_FRAME_INFO_ID_MAX + 1];
    for (uint16_t id = 0; id <= MCBP_FRAME_INFO_ID_MAX; id++) {
        masks[id] = (struct mask){.any_opcode = true, .field = MASK_FRAME_INFO, .frame_info = id};
    }
    return (struct mask_list){.masks = masks, .count = MCBP_FRAME_INFO_ID_MAX + 1};
}

#endif
