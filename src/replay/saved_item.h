/*
 * A copy of all that the store knows of a key.
 */
#ifndef KVREPLAY_REPLAY_SAVED_ITEM_H
#define KVREPLAY_REPLAY_SAVED_ITEM_H

#include "engine/engine.h"

struct saved_item {
    struct engine_item item;
    uint8_t *value; /* what item.value points to; NULL: nothing has been saved */
};

/* A time for saved_item_take at which nothing has expired yet, nor been flushed with a delay: what
 * is taken then can be restored for any time. */
static const int64_t SAVED_WHOLE = 0;

/* False: no memory. */
bool saved_item_take(struct saved_item *saved, struct engine *engine, struct span key, int64_t now);
bool saved_item_restore(const struct saved_item *saved, struct engine *engine, struct span key);
void saved_item_deinit(struct saved_item *saved);

#endif
