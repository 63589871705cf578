/*
 * One side's stream while it is cut into frames: what has arrived and not been used up.
 */
#ifndef KVREPLAY_DISSECT_SIDE_H
#define KVREPLAY_DISSECT_SIDE_H

#include "base/buffer.h"
#include "net/flow.h"

enum { SIDE_OPENING = 32 }; /* first bytes kept, to tell what the conversation is */

struct side {
    struct buffer carry;      /* the beginning of a frame, or what a boundary is looked for in */
    struct net_origin origin; /* of the first byte carried */
    struct net_origin latest; /* of the byte carried last */
    bool searching;           /* for a frame boundary */
    bool lossy;               /* bytes of it are not in the capture */
    bool passed;              /* bytes were passed over since their loss was reported */
    bool framed;              /* at least one boundary has been found */
    uint32_t frames_in_row;   /* since the last search; how much the framing is to be trusted */
    uint64_t begun; /* `taken` + 1 when the frame that is carried was reported to have begun */
    uint64_t taken; /* bytes of the stream before the carry, lost ones not counted */
    uint64_t passed_over; /* bytes given up before it was clear what the conversation is */
    uint8_t opening[SIDE_OPENING];
    size_t opening_size;
};

void side_deinit(struct side *side);

/* Remembers the stream's first bytes. */
void side_note_opening(struct side *side, struct span bytes);

/* Appends to the carry, which grows with what has come, not with what a header claims. False: no
 * memory; nothing has changed. */
bool side_carry(struct side *side, struct span bytes, const struct net_origin *origin);

/* Removes the first `size` bytes of the carry. */
void side_drop(struct side *side, size_t size);

static inline struct span side_opening(const struct side *side)
{
    return span_of(side->opening, side->opening_size);
}

static inline size_t side_size(const struct side *side)
{
    return side->carry.end - side->carry.begin;
}

static inline struct span side_carried(const struct side *side)
{
    return buffer_span(&side->carry);
}

#endif
