/*
 * What waits in a stream for bytes before it, or for the other direction: copies of payload, and
 * marks (a cut, FIN, RST) at the place where they take effect. Ordered by offset, without overlap;
 * of bytes that come twice, the ones that came first stay, unless they were doubtful.
 */
#ifndef KVREPLAY_NET_HELD_H
#define KVREPLAY_NET_HELD_H

#include "base/blocks.h"
#include "base/list.h"
#include "net/listener.h"

enum held_kind {
    HELD_DATA,
    HELD_CUT, /* `size` bytes from here on were cut off by the snap length */
    HELD_FIN,
    HELD_RST,
};

struct held {
    struct list_link link; /* of its stream */
    uint64_t offset;       /* in its stream */
    uint64_t needs;        /* offset in the other stream that its segment acknowledges, or 0 */
    struct net_origin origin;
    uint64_t turn; /* in which its segment was captured */
    bool doubtful; /* its checksum was wrong: it counts if nothing better comes */
    enum held_kind kind;
    uint32_t size;
    uint32_t room;   /* that `bytes` has */
    uint8_t bytes[]; /* `size` of them for HELD_DATA, else none */
};

/* The memory of all that a flow holds. */
struct held_memory {
    struct blocks blocks;
    size_t limit;     /* of the blocks taken, in bytes */
    uint64_t payload; /* bytes of payload in them */
};

void held_memory_deinit(struct held_memory *memory); /* all has been given back */

/* Whether a segment with `size` bytes of payload fits in. */
bool held_memory_has_room(const struct held_memory *memory, size_t size);

void held_give(struct held_memory *memory, struct held *held); /* out of its list already */

static inline struct held *held_first(const struct list_link *list)
{
    return list_is_empty(list) ? NULL : LIST_MEMBER(list->next, struct held, link);
}

static inline uint64_t held_end(const struct held *held)
{
    return held->offset + (held->kind == HELD_DATA ? held->size : 0);
}

/* What the pieces of one segment have in common. */
struct held_label {
    uint64_t needs;
    struct net_origin origin;
    uint64_t turn;
    bool doubtful;
};

struct held_added {
    uint32_t pieces;    /* that are in the list now in addition */
    uint64_t duplicate; /* bytes that were there before, those that differ included */
    uint64_t differing;
    uint64_t refused; /* bytes for which there was no memory */
};

/*
 * Adds those of the bytes at `offset` that the list doesn't have. Bytes that are sent again
 * acknowledge more than when they were sent first; where the list shows it, they need less.
 */
struct held_added held_add_data(struct held_memory *memory, struct list_link *list, uint64_t offset,
                                struct span bytes, const struct held_label *label);

/* Lets the bytes before `offset` need nothing. Returns the number of pieces added, by splitting
 * one. */
uint32_t held_release(struct held_memory *memory, struct list_link *list, uint64_t offset);

/* Adds a mark, before data at the same offset. Returns the number of pieces added: 1, or 0. */
uint32_t held_add_mark(struct held_memory *memory, struct list_link *list, enum held_kind kind,
                       uint64_t offset, uint32_t size, const struct held_label *label);

#endif
