/*
 * The memory of items' values. A store that lends them lets responses refer to values without a
 * copy: each then counts who refers to it, and outlives its item until nobody does.
 *
 * Only `owner`'s functions may be called by other threads than the store's. A value let go by one
 * of those waits in a list until values_collect, which the store calls before each request.
 */
#ifndef KVREPLAY_ENGINE_VALUES_H
#define KVREPLAY_ENGINE_VALUES_H

#include "base/blocks.h"
#include "kvresponse/kvresponse.h"

#include <stdatomic.h>
#include <stdbool.h>

struct lent_value;

struct values {
    struct blocks *blocks;
    bool lend;
    _Atomic(struct lent_value *) let_go; /* nobody refers to them */
    size_t outlived; /* bytes of values that have outlived their items; part of what is taken */
};

/* `size` bytes, not 0, not cleared; NULL: no memory. */
uint8_t *values_take(struct values *values, size_t size);

/* Gives the item's value back, which took that size; NULL is allowed. */
void values_give(struct values *values, uint8_t *value, size_t size);

/* What a response names as its value's owner: NULL if values aren't lent. */
struct kvr_value_owner *values_owner(const struct values *values, uint8_t *value);

/* Takes back what others have let go. */
void values_collect(struct values *values);

#endif
