/*
 * Frame infos: the (id, value) pairs that framing extras consist of.
 *
 * One byte holds a 4-bit id and a 4-bit length; 15 in either means "15 + the next byte" (the id's
 * escape byte first). Source: docs/BinaryProtocol.md in couchbase/kv_engine.
 */
#ifndef KVREPLAY_MCBP_FRAME_INFO_H
#define KVREPLAY_MCBP_FRAME_INFO_H

#include "base/span.h"

/* The ids that a response's framing extras may carry. */
enum mcbp_response_frame_info {
    MCBP_FRAME_INFO_DURATION = 0,    /* 16 bits: server's time, 2 us to the power 1/1.74 */
    MCBP_FRAME_INFO_READ_UNITS = 1,  /* 16 bits */
    MCBP_FRAME_INFO_WRITE_UNITS = 2, /* 16 bits */
    MCBP_FRAME_INFO_THROTTLE = 3,    /* 16 bits: as duration, time spent throttled */
};

enum {
    MCBP_FRAME_INFO_ID_MAX = 15 + 255,
    MCBP_FRAME_INFO_VALUE_MAX = 15 + 255,
    MCBP_FRAME_INFO_PREFIX_MAX = 3, /* id and length byte, two escape bytes */
};

struct mcbp_frame_info {
    uint16_t id;       /* 0 to MCBP_FRAME_INFO_ID_MAX */
    struct span value; /* 0 to MCBP_FRAME_INFO_VALUE_MAX bytes */
    struct span bytes; /* the whole frame info; value is its end */
};

/*
 * Takes the first frame info off `framing_extras`. False: there is none, and framing_extras is
 * unchanged; it is then either empty (the list is complete) or not well-formed.
 */
bool mcbp_frame_info_next(struct span *framing_extras, struct mcbp_frame_info *info);

/*
 * Writes the shortest form of `info` (id and value; bytes is not looked at) to `out`, which has
 * `room` bytes. Returns the bytes written, or 0 if id or value are too large or the room too small.
 */
size_t mcbp_frame_info_encode(const struct mcbp_frame_info *info, uint8_t *out, size_t room);

#endif
