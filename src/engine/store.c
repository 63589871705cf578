#include "engine/store.h"

#include "base/hash.h"

#include <stdlib.h>
#include <sys/random.h>

struct slot {
    uint64_t hash;
    struct entry *entry; /* NULL: free */
};

enum { FIRST_SLOTS = 128 };

static size_t entry_size(size_t key_size)
{
    return offsetof(struct entry, key) + key_size;
}

static struct slot *slot_for(struct slot *slots, size_t mask, uint64_t hash)
{
    size_t i = hash & mask;
    while (slots[i].entry != NULL) {
        i = (i + 1) & mask;
    }
    return &slots[i];
}

bool store_init(struct store *store)
{
    list_init(&store->lru);
    if (getrandom(store->seed, sizeof(store->seed), 0) != sizeof(store->seed)) {
        return false;
    }
    store->seed[1] |= 1; /* multiplying by 0 would forget the key */
    store->values.blocks = &store->blocks;
    store->slots = calloc(FIRST_SLOTS, sizeof(*store->slots));
    store->mask = FIRST_SLOTS - 1;
    store->flushes = 1; /* entries without history have 0 */
    return store->slots != NULL;
}

static void free_entry(struct store *store, struct entry *entry)
{
    store->present -= store_counts(store, &entry->content);
    if (store->limit != 0) {
        list_remove(&entry->use);
    }
    values_give(&store->values, entry->content.value, entry->content.value_size);
    blocks_give(&store->blocks, entry, entry_size(entry->key_size));
}

void store_deinit(struct store *store)
{
    store_settle(store);
    for (size_t i = 0; store->slots != NULL && i <= store->mask; i++) {
        if (store->slots[i].entry != NULL) {
            free_entry(store, store->slots[i].entry);
        }
    }
    free(store->slots);
    values_collect(&store->values);
    blocks_deinit(&store->blocks);
}

uint64_t store_hash(const struct store *store, struct span key)
{
    return hash_key(key, store->seed);
}

struct entry *store_find(const struct store *store, struct span key, uint64_t hash)
{
    for (size_t i = hash & store->mask;; i = (i + 1) & store->mask) {
        const struct slot *slot = &store->slots[i];
        if (slot->entry == NULL) {
            return NULL;
        }
        if (slot->hash == hash &&
            span_equal(span_of(slot->entry->key, slot->entry->key_size), key)) {
            return slot->entry;
        }
    }
}

/* True if a missing entry would say as much. */
static bool is_dispensable(const struct store *store, const struct entry *entry)
{
    enum engine_knowledge missing = store_knowledge(store, NULL, store->now);
    enum engine_knowledge knowledge = store_knowledge(store, entry, store->now);
    return knowledge == missing || (store->forgets_absent && knowledge != ENGINE_PRESENT);
}

/* Rebuilds the table without what can be dispensed with, twice as large if it needs to be. */
static bool store_make_room(struct store *store)
{
    assert(store->changed == NULL);
    size_t kept = 0;
    for (size_t i = 0; i <= store->mask; i++) {
        if (store->slots[i].entry != NULL && !is_dispensable(store, store->slots[i].entry)) {
            kept++;
        }
    }
    size_t count = store->mask + 1;
    if (kept >= count / 2) {
        count *= 2;
    }
    struct slot *slots = calloc(count, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i <= store->mask; i++) {
        struct slot *old = &store->slots[i];
        if (old->entry == NULL) {
            continue;
        }
        if (is_dispensable(store, old->entry)) {
            free_entry(store, old->entry);
        } else {
            *slot_for(slots, count - 1, old->hash) = *old;
        }
    }
    free(store->slots);
    store->slots = slots;
    store->mask = count - 1;
    store->used = kept;
    return true;
}

struct entry *store_add(struct store *store, struct span key, uint64_t hash)
{
    /* At most 3/4 full. */
    if (store->used >= (store->mask + 1) / 4 * 3 && !store_make_room(store)) {
        return NULL;
    }
    struct entry *entry = blocks_take(&store->blocks, entry_size(key.size));
    if (entry == NULL) {
        return NULL;
    }
    entry->content = (struct content){
        .knowledge = ENGINE_UNKNOWN,
        .generation = store->generation,
    };
    entry->key_size = (uint16_t)key.size;
    if (key.size != 0) {
        memcpy(entry->key, key.data, key.size);
    }
    *slot_for(store->slots, store->mask, hash) = (struct slot){.hash = hash, .entry = entry};
    store->used++;
    if (store->limit != 0) {
        list_append(&store->lru, &entry->use);
    }
    return entry;
}

/*
 * Frees a slot. Those behind it, up to the next free one, that could not have been where they are
 * without it move up.
 */
static void free_slot(struct store *store, size_t free)
{
    store->slots[free].entry = NULL;
    store->used--;
    for (size_t i = (free + 1) & store->mask; store->slots[i].entry != NULL;
         i = (i + 1) & store->mask) {
        size_t wanted = store->slots[i].hash & store->mask;
        if (((i - wanted) & store->mask) >= ((i - free) & store->mask)) {
            store->slots[free] = store->slots[i];
            store->slots[i].entry = NULL;
            free = i;
        }
    }
}

static void store_drop(struct store *store, struct entry *entry)
{
    size_t i = store_hash(store, span_of(entry->key, entry->key_size)) & store->mask;
    while (store->slots[i].entry != entry) {
        i = (i + 1) & store->mask;
    }
    free_slot(store, i);
    free_entry(store, entry);
}

void store_evict(struct store *store)
{
    assert(store->changed == NULL);
    while (store->limit != 0 && !list_is_empty(&store->lru) &&
           store_counted_memory(store) + store->reserved > store->limit) {
        struct entry *oldest = LIST_MEMBER(store->lru.next, struct entry, use);
        store->evictions += store_knowledge(store, oldest, store->now) == ENGINE_PRESENT;
        store_drop(store, oldest);
    }
}

/* Values that have outlived their items can't be evicted, so they don't count. */
size_t store_counted_memory(const struct store *store)
{
    return store->blocks.taken_bytes - store->values.outlived +
           (store->mask + 1) * sizeof(*store->slots);
}

size_t store_memory(const struct store *store)
{
    return store->blocks.taken_bytes + store->blocks.idle_bytes +
           (store->mask + 1) * sizeof(*store->slots);
}
