/* What the store's entries say at a time, and how that is changed and taken back. */
#include "engine/store.h"

static bool flush_is_in_effect(const struct store *store, int64_t now)
{
    return store->flush_live != 0 && (store->flush_is_over || store->flush_live <= now);
}

static bool is_flushed(const struct store *store, const struct content *content, int64_t now)
{
    bool stored_in_time = !store->flush_is_over && content->stored <= store->flush_live;
    bool stored_before = content->flushes < store->flushes;
    return (store->flush_at_once && stored_before) ||
           (flush_is_in_effect(store, now) && (stored_in_time || stored_before));
}

enum engine_knowledge store_knowledge(const struct store *store, const struct entry *entry,
                                      int64_t now)
{
    if (entry == NULL || entry->content.generation != store->generation) {
        return flush_is_in_effect(store, now) ? ENGINE_ABSENT : ENGINE_UNKNOWN;
    }
    const struct content *content = &entry->content;
    if (is_flushed(store, content, now)) {
        return ENGINE_ABSENT;
    }
    if (content->knowledge == ENGINE_PRESENT && content->expires != 0 && content->expires <= now) {
        return ENGINE_ABSENT;
    }
    return (enum engine_knowledge)content->knowledge;
}

void store_stamp(const struct store *store, struct content *content)
{
    content->stored = store->stamp;
    content->flushes = store->flushes;
    content->generation = store->generation;
}

static void knowledge_replace(struct store *store, struct entry *entry,
                              const struct content *content)
{
    store->present -= store_counts(store, &entry->content);
    store->present += store_counts(store, content);
    entry->content = *content;
}

void store_change(struct store *store, struct entry *entry, const struct content *content)
{
    struct content *old = &entry->content;
    if (store->changed == NULL) {
        store->changed = entry;
        store->before = *old;
    } else if (old->value != store->before.value && old->value != content->value) {
        values_give(&store->values, old->value,
                    old->value_size); /* the second change in one step */
    }
    assert(store->changed == entry);
    knowledge_replace(store, entry, content);
}

void store_settle(struct store *store)
{
    if (store->changed == NULL) {
        return;
    }
    if (store->before.value != store->changed->content.value) {
        values_give(&store->values, store->before.value, store->before.value_size);
    }
    store->changed = NULL;
}

bool store_undo(struct store *store)
{
    if (store->changed == NULL) {
        return false;
    }
    struct content *after = &store->changed->content;
    if (after->value != store->before.value) {
        values_give(&store->values, after->value, after->value_size);
    }
    knowledge_replace(store, store->changed, &store->before);
    store->changed = NULL;
    return true;
}

/*
 * What the FLUSH before has taken is back, unless memcached has come across it and dropped it. Of
 * one with a delay, whose second the capture's clock tells within one, that is found out by the
 * second of what was stored behind it.
 */
static int64_t called_off_by(const struct store *store, bool at_once)
{
    bool has_taken = store->flush_live != 0 && store->flush_live <= store->now + 1;
    int64_t taken = store->flush_live + 1 < store->now ? store->flush_live + 1 : store->now;
    if (at_once) {
        return 0;
    }
    return has_taken && !store->flush_is_over && taken > store->flush_called_off
               ? taken
               : store->flush_called_off;
}

void store_flush(struct store *store, int64_t live, bool at_once)
{
    store->flush_called_off = called_off_by(store, at_once);
    store->flush_live = live;
    store->flush_is_over = live < store->now;
    store->flush_at_once = at_once && live != 0;
    if (at_once) {
        store->flushes++;
    }
}

void store_forget_all(struct store *store)
{
    store_settle(store);
    store->generation++;
    store->present = 0;
    store->flush_live = 0;
    store->flush_at_once = false;
    store->flush_called_off = 0;
}
