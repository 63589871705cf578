/*
 * Bytes outside of frames that are kept, since they say nothing but what protocol this is:
 * memcached's header of a datagram, a frame's header whose rest is missing, the first word of
 * another protocol; and those by which framing decides how to go on.
 */
#ifndef KVREPLAY_ANONYMISE_HARMLESS_H
#define KVREPLAY_ANONYMISE_HARMLESS_H

#include "anonymise/places.h"

enum {
    HARMLESS_OPENING = 16, /* the longest first word, "SERVER_ERROR ", fits in */
    HARMLESS_ENDS = 8,
};

/* What a direction of a conversation began with. */
struct harmless_opening {
    uint8_t bytes[HARMLESS_OPENING];
    size_t size;
    struct dissect_range range; /* of the first ones */
    bool known;                 /* what protocol it is: that was kept */
};

/* One direction of a TCP conversation; bytes are counted as dissect_frame.at does. */
struct harmless_side {
    uint64_t expected; /* where the next frame has to begin */
    /* Of what looked like headers in bytes that were skipped: where the last one ends, and where
     * the frames of the last ones would. */
    uint64_t header_to;
    uint64_t ends[HARMLESS_ENDS];
    unsigned ends_count;
};

/* The header that a client's stream begins with. */
struct harmless_asked {
    uint8_t header[MCBP_HEADER_SIZE];
    struct dissect_range range; /* empty: it is the header of a frame, and kept as such */
    bool known;
};

/* Of one conversation; all zero to begin with. */
struct harmless {
    struct harmless_asked asked;
    struct harmless_side sides[2]; /* by the last bit of their streams' numbers, as the next */
    struct harmless_opening openings[2];
};

/* Where it is kept. */
struct harmless_keeper {
    struct places *places;
    size_t frame_max;
    uint64_t bytes; /* that were kept */
    bool unplaced;  /* some of them lie nowhere */
};

/* What a dissect_consumer receives. `is_mcbp`: the conversation is, as a pass before has found
 * out; the others only receive MCBP. */
void harmless_data(struct harmless_keeper *keeper, struct harmless *harmless, bool is_mcbp,
                   const struct dissect_conversation *conversation,
                   const struct dissect_range *range, struct span bytes);
void harmless_frame(struct harmless *harmless, const struct dissect_conversation *conversation,
                    const struct dissect_frame *frame);
void harmless_unfinished(struct harmless_keeper *keeper, struct harmless *harmless,
                         const struct dissect_conversation *conversation,
                         const struct dissect_frame *frame);
void harmless_skipped(struct harmless_keeper *keeper, struct harmless *harmless,
                      const struct dissect_conversation *conversation, enum dissect_role role,
                      uint64_t at, size_t size, struct span bytes);

#endif
