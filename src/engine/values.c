#include "engine/values.h"

#include <stddef.h>

/* Lies before the bytes of a value that may be lent. */
struct lent_value {
    struct kvr_value_owner owner; /* the first member: the owner's functions are given it */
    struct values *values;
    struct lent_value *next; /* in values->let_go */
    size_t size;
    atomic_uint references; /* the item's is one of them */
    uint8_t bytes[];
};

static void values_retain(struct kvr_value_owner *owner)
{
    struct lent_value *lent = (struct lent_value *)owner;
    atomic_fetch_add_explicit(&lent->references, 1, memory_order_relaxed);
}

/* True if that was the last reference: whatever others did with the value has been done then. */
static bool values_drop(struct lent_value *lent)
{
    return atomic_fetch_sub_explicit(&lent->references, 1, memory_order_acq_rel) == 1;
}

/* The list is only ever added to or taken as a whole, so no node can come back unnoticed. */
static void values_release(struct kvr_value_owner *owner)
{
    struct lent_value *lent = (struct lent_value *)owner;
    if (!values_drop(lent)) {
        return;
    }
    struct values *values = lent->values;
    lent->next = atomic_load_explicit(&values->let_go, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&values->let_go, &lent->next, lent,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

static size_t lent_size(size_t size)
{
    return offsetof(struct lent_value, bytes) + size;
}

static struct lent_value *lent_of(uint8_t *value)
{
    return (struct lent_value *)(void *)(value - offsetof(struct lent_value, bytes));
}

uint8_t *values_take(struct values *values, size_t size)
{
    if (!values->lend) {
        return blocks_take(values->blocks, size);
    }
    struct lent_value *lent = blocks_take(values->blocks, lent_size(size));
    if (lent == NULL) {
        return NULL;
    }
    lent->owner = (struct kvr_value_owner){values_retain, values_release};
    lent->values = values;
    lent->size = size;
    atomic_init(&lent->references, 1);
    return lent->bytes;
}

void values_give(struct values *values, uint8_t *value, size_t size)
{
    if (!values->lend || value == NULL) {
        blocks_give(values->blocks, value, size);
        return;
    }
    /* Counted before it is dropped: it may come back at once. */
    values->outlived += blocks_size(lent_size(size));
    if (values_drop(lent_of(value))) {
        values->outlived -= blocks_size(lent_size(size));
        blocks_give(values->blocks, lent_of(value), lent_size(size));
    }
}

struct kvr_value_owner *values_owner(const struct values *values, uint8_t *value)
{
    return values->lend && value != NULL ? &lent_of(value)->owner : NULL;
}

void values_collect(struct values *values)
{
    if (atomic_load_explicit(&values->let_go, memory_order_relaxed) == NULL) {
        return;
    }
    struct lent_value *lent = atomic_exchange_explicit(&values->let_go, NULL, memory_order_acquire);
    while (lent != NULL) {
        struct lent_value *next = lent->next;
        values->outlived -= blocks_size(lent_size(lent->size));
        blocks_give(values->blocks, lent, lent_size(lent->size));
        lent = next;
    }
}
