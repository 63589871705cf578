/*
 * The requests of one connection that have not been answered yet, oldest first.
 */
#ifndef KVREPLAY_REPLAY_PENDING_H
#define KVREPLAY_REPLAY_PENDING_H

#include "base/blocks.h"
#include "dissect/dissect.h"
#include "shadow/shadow.h"

struct pending {
    struct mcbp_frame frame; /* in a copy of its bytes, from the run's blocks; of one with bad
                                lengths only header and bytes are set */
    struct net_origin origin;
    uint64_t sequence; /* of the request among all frames of the capture */
    uint64_t begun;    /* when its key had come: see awaiting_begin */
    uint64_t key_hash;
    uint64_t cas_before; /* the highest that the server had told when it was sent */
    uint32_t opaque;
    int32_t request_id; /* of UDP; -1 for TCP */
    uint8_t magic;
    uint8_t opcode;
    bool bad_lengths;
    bool cas_judged; /* the CAS in its answer may be right as far as cas.h goes, and is noted */
    bool unwatched;  /* it had begun, and what others did before it was there was not kept */
    bool late;       /* frames of later packets were delivered before it */
    bool overtaken;  /* a later request has been answered before it */
    bool lost_ok;    /* bytes of the server's were lost while it waited: its answer may be there */
    bool alike;      /* another has its opcode and its opaque, or may have */
    bool rises;      /* its opaque is above all before it: hardly one that is missing has had it */
    bool alone;      /* no answer to another request can be taken for its own */
    bool unseen;     /* what it has done or will do to its key may not be in the capture */
    struct shadow_asked asked; /* in Couchbase's dialect; all zero otherwise */
    struct doing *doing;       /* likewise, of one about a document; see couchbase_order.h */
};

struct pending_queue { /* all zero to begin with */
    struct pending *entries;
    size_t head;
    size_t count;
    size_t room;
};

void pending_queue_deinit(struct pending_queue *queue, struct blocks *blocks);

/* Copies the request to the end. NULL: no memory. The entry is valid until the queue changes. */
struct pending *pending_queue_push(struct pending_queue *queue, struct blocks *blocks,
                                   const struct dissect_frame *request);

static inline struct pending *pending_queue_at(const struct pending_queue *queue, size_t index)
{
    return &queue->entries[queue->head + index];
}

/* Takes the entry at `index` out of the queue; its memory goes over to *entry. */
void pending_queue_take(struct pending_queue *queue, size_t index, struct pending *entry);

/* Puts an entry back where it was taken from, before anything else has changed the queue. */
void pending_queue_put_back(struct pending_queue *queue, size_t index, const struct pending *entry);

/* Copies an entry with its memory. False: there is none. */
bool pending_copy(struct pending *copy, const struct pending *entry, struct blocks *blocks);

/* Whether silence may be the right answer to it. */
bool pending_is_quiet(const struct pending *entry);

/* Gives an entry's memory back. */
void pending_release(struct pending *entry, struct blocks *blocks);

#endif
