/*
 * Frame infos: the (id, value) pairs that framing extras consist of.
 *
 * One byte holds a 4-bit id and a 4-bit length; 15 in either means "15 + the next byte" (the id's
 * escape byte first). Source: docs/BinaryProtocol.md in couchbase/kv_engine.
 */
#ifndef KVREPLAY_MCBP_FRAME_INFO_H
#define KVREPLAY_MCBP_FRAME_INFO_H

#include "base/span.h"

/* The ids that a request's framing extras may carry. */
enum mcbp_request_frame_info {
    MCBP_FRAME_INFO_BARRIER = 0,         /* empty */
    MCBP_FRAME_INFO_DURABILITY = 1,      /* level; level and timeout */
    MCBP_FRAME_INFO_DCP_STREAM_ID = 2,   /* 16 bits */
    MCBP_FRAME_INFO_IMPERSONATE = 4,     /* a user's name; "^name": one known elsewhere */
    MCBP_FRAME_INFO_PRESERVE_TTL = 5,    /* empty */
    MCBP_FRAME_INFO_EXTRA_PRIVILEGE = 6, /* its name */
    MCBP_FRAME_INFO_TOKEN_ID = 7,        /* 16 bits */
};

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

/* X(name, level) of durability: what a change has to have reached before it is answered. */
#define MCBP_DURABILITY_LEVELS(X)                                                                  \
    X(MAJORITY, 1)                                                                                 \
    X(MAJORITY_AND_PERSIST_ON_ACTIVE, 2)                                                           \
    X(PERSIST_TO_MAJORITY, 3)

#define MCBP_DURABILITY_ENUM(name, level) MCBP_DURABILITY_##name = (level),
enum mcbp_durability_level { MCBP_DURABILITY_LEVELS(MCBP_DURABILITY_ENUM) };
#undef MCBP_DURABILITY_ENUM

struct mcbp_durability {
    uint8_t level; /* enum mcbp_durability_level, or a number that no server accepts */
    bool has_timeout;
    uint16_t timeout; /* milliseconds; 0 without one */
};

/* False: the value of no such length. */
bool mcbp_frame_info_durability(const struct mcbp_frame_info *info, struct mcbp_durability *out);

/* The level's name, or NULL. */
const char *mcbp_durability_level_name(uint8_t level);

/* The 16-bit number that the value is; false: it is none. */
bool mcbp_frame_info_number(const struct mcbp_frame_info *info, uint16_t *number);

#endif
