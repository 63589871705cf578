/*
 * Alternates: what keys held in orders of execution that the capture does not rule out.
 *
 * Requests are executed in the order in which they were answered. Where two of different
 * connections overlap in time, the server may have run them the other way round; what a key held
 * before the first of them is then kept here for a while.
 */
#ifndef KVREPLAY_REPLAY_ALTERNATES_H
#define KVREPLAY_REPLAY_ALTERNATES_H

#include "engine/engine.h"

enum { ALTERNATES_MAX = 64, ALTERNATE_KEY_MAX = 250 };

/* A copy of all that is known of a key. */
struct saved_item {
    struct engine_item item;
    uint8_t *value; /* what item.value points to */
};

/* False: no memory. */
bool saved_item_take(struct saved_item *saved, struct engine *engine, struct span key, int64_t now);
bool saved_item_restore(const struct saved_item *saved, struct engine *engine, struct span key);
void saved_item_deinit(struct saved_item *saved);

struct alternate {
    bool used;
    bool lasting; /* the order of two changes is open: the key may hold this from now on */
    uint64_t key_hash;
    uint64_t connection; /* that made the change after this state */
    uint64_t until;      /* requests of other connections with a lower sequence may have seen it */
    uint8_t key[ALTERNATE_KEY_MAX];
    size_t key_size;
    struct saved_item saved;
};

struct alternates { /* all zero to begin with */
    struct alternate ring[ALTERNATES_MAX];
    size_t next;
    size_t lasting; /* how many are */
    uint64_t latest_until;
};

void alternates_deinit(struct alternates *alternates);

/* Adds one, the oldest makes room. Takes over `saved`. */
void alternates_add(struct alternates *alternates, struct span key, uint64_t key_hash,
                    uint64_t connection, uint64_t until, bool lasting, struct saved_item *saved);

static inline bool alternate_is_of(const struct alternate *alternate, struct span key,
                                   uint64_t key_hash)
{
    return alternate->used && alternate->key_hash == key_hash &&
           span_equal(span_of(alternate->key, alternate->key_size), key);
}

/* The key was changed by a request of that sequence: lasting alternates that it came after end. */
void alternates_changed(struct alternates *alternates, struct span key, uint64_t key_hash,
                        uint64_t sequence);

/* A change of the key by such a request overlapped an earlier one of another connection. */
bool alternates_overlap(const struct alternates *alternates, struct span key, uint64_t key_hash,
                        uint64_t sequence, uint64_t connection);

#endif
