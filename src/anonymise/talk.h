/*
 * A conversation while it is gone through: the framing of replay, and for each frame that it finds
 * where in the streams its bytes lie.
 */
#ifndef KVREPLAY_ANONYMISE_TALK_H
#define KVREPLAY_ANONYMISE_TALK_H

#include "anonymise/places.h"
#include "mcbp/frame.h"
#include "replay/framing.h"

/* Bytes of a frame that lie together; several if it came in several datagrams. */
struct talk_piece {
    uint64_t stream;
    uint64_t offset;
    size_t size;
};

struct talk_frame {
    const struct dissect_frame *frame;
    const struct talk_piece *pieces; /* one behind the other they are the frame; size 0: unknown */
    size_t count;
    void **user; /* the listener's own, per conversation; NULL at first */
};

struct talk_listener {
    void *context;
    void (*frame)(void *context, const struct talk_frame *frame);
    /* Bytes outside of frames that say nothing but what protocol this is: memcached's header of a
     * datagram, a frame's header whose rest is missing, the first word of another protocol. */
    void (*harmless)(void *context, uint64_t stream, uint64_t offset, struct span bytes);
    void (*closed)(void *context, void *user); /* only if user has been set */
    /* A conversation that was one of the binary protocol is over. */
    void (*mcbp)(void *context, uint64_t conversation);
    /* Whether a pass before was told that; NULL: there was none. */
    bool (*is_mcbp)(void *context, uint64_t conversation);
};

enum { TALK_OPENING = 16 }; /* the longest first word, "SERVER_ERROR ", fits in */

/* One direction of a TCP conversation. */
struct talk_side {
    uint64_t told;                  /* bytes, those in gaps not counted */
    uint64_t shift;                 /* from that to offsets in the stream, since the last gap */
    uint64_t expected;              /* where the next frame begins, counted like `told` ... */
    bool in_step;                   /* ... if it does */
    uint8_t head[MCBP_HEADER_SIZE]; /* the first bytes of that frame, which is not whole yet */
    size_t head_size;
    uint8_t opening[TALK_OPENING];
    size_t opening_size;
    uint64_t opening_at; /* offset in the stream */
};

struct talk_datagram;

struct talk {
    uint64_t id;
    const struct talk_listener *listener;
    struct framing *framing;
    bool udp;
    bool framed; /* it is MCBP, as this pass or one before has found out */
    void *user;
    struct talk_side sides[2];

    /* UDP: datagrams of messages that are not whole, and the pieces of the one that is told of. */
    struct talk_datagram *datagrams;
    size_t datagrams_count;
    struct talk_piece *message;
    size_t message_count;
    size_t message_at; /* bytes of it that were frames already */
};

/* The stream's number. */
uint64_t talk_stream(uint64_t conversation, const struct net_endpoint *source,
                     const struct net_endpoint *destination);

/* NULL: no memory. `framing` is of the same conversation, its consumer hands on to the two below.
 */
struct talk *talk_create(const struct net_conversation *conversation,
                         const struct framing_context *framing,
                         const struct talk_listener *listener);
void talk_destroy(struct talk *talk, const struct net_conversation *conversation);

void talk_data(struct talk *talk, const struct net_conversation *conversation,
               enum net_direction direction, struct span bytes, const struct net_origin *origin);
void talk_gap(struct talk *talk, const struct net_conversation *conversation,
              enum net_direction direction);

void talk_end(struct talk *talk, const struct net_conversation *conversation,
              enum net_direction direction);

/* Tells of the first word of what is not MCBP, if it is one that is known. */
void talk_tell_opening(const struct talk *talk, uint64_t stream, uint64_t offset,
                       struct span opening);

/* What the framing's consumer is told of, while one of the above runs. */
void talk_frame(struct talk *talk, const struct dissect_conversation *conversation,
                const struct dissect_frame *frame);
void talk_lost(struct talk *talk, const struct dissect_conversation *conversation,
               enum dissect_role role);

#endif
