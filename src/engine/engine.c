/* Making an engine, and what a replay asks and tells it beside requests. */
#include "engine/engine.h"

#include "engine/state.h"

#include <stdlib.h>

enum {
    ITEM_SIZE_MAX = 1 << 20,
    ITEM_CHUNK_MAX = 1 << 19,
};

struct engine *engine_create(const struct engine_options *options)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return NULL;
    }
    if (options != NULL) {
        engine->options = *options;
    }
    if (engine->options.item_size_max == 0) {
        engine->options.item_size_max = ITEM_SIZE_MAX;
    }
    if (engine->options.item_chunk_max == 0) {
        engine->options.item_chunk_max = ITEM_CHUNK_MAX;
    }
    if (engine->options.version == NULL) {
        engine->options.version = KVREPLAY_VERSION;
    }
    engine->store.forgets_absent = engine->options.own_cas;
    engine->store.limit = engine->options.memory_max;
    engine->store.values.lend = engine->options.lend_values;
    if (!store_init(&engine->store)) {
        free(engine);
        return NULL;
    }
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    store_deinit(&engine->store);
    free(engine);
}

void engine_undo(struct engine *engine)
{
    if (store_undo(&engine->store)) {
        engine->last_cas = engine->cas_before;
    }
}

static struct entry *engine_find(const struct engine *engine, struct span key)
{
    return store_find(&engine->store, key, store_hash(&engine->store, key));
}

void engine_look(struct engine *engine, struct span key, int64_t now, struct engine_item *item)
{
    const struct entry *entry = engine_find(engine, key);
    *item = (struct engine_item){.knowledge = store_knowledge(&engine->store, entry, now)};
    if (item->knowledge != ENGINE_PRESENT) {
        return;
    }
    const struct content *content = &entry->content;
    item->doubtful = content->doubtful;
    item->certain = content->certain;
    item->flags = content->flags;
    item->datatype = content->datatype;
    item->value = span_of(content->value, content->value_size);
    item->expires = content->expires;
    item->stored = content->stored;
    item->cas = content->cas;
    item->cas_unknown = content->cas_unknown;
    item->expiry_unknown = content->expiry_unknown;
    item->came_back = content->flushes < engine->store.flushes;
}

/* Sets the key's content, of which all but the value is given, as stored at that time; 0: stamped
 * so that it holds now. */
static bool engine_place(struct engine *engine, struct span key, struct content *content,
                         struct span value, int64_t stored)
{
    struct store *store = &engine->store;
    store_settle(store);
    if (value.size != 0) {
        content->value = values_take(&store->values, value.size);
        if (content->value == NULL) {
            return false;
        }
        memcpy(content->value, value.data, value.size);
        content->value_size = (uint32_t)value.size;
    }
    uint64_t hash = store_hash(store, key);
    struct entry *entry = store_find(store, key, hash);
    if (entry == NULL) {
        entry = store_add(store, key, hash);
    }
    if (entry == NULL) {
        values_give(&store->values, content->value, content->value_size);
        return false;
    }
    store_stamp(store, content);
    if (stored != 0) {
        content->stored = stored;
    } else if (store->flush_live <= store->now && content->stored <= store->flush_live) {
        /* The flush is over, this is what's there now: by no clock was it stored in its time. */
        content->stored = store->flush_live + 2;
    }
    store_change(store, entry, content);
    store_settle(store);
    return true;
}

bool engine_seed(struct engine *engine, struct span key, const struct engine_item *item)
{
    struct content content = {.knowledge = (uint8_t)item->knowledge};
    if (item->knowledge != ENGINE_PRESENT) {
        return engine_place(engine, key, &content, (struct span){0}, 0);
    }
    content.doubtful = item->doubtful;
    content.certain = item->certain;
    content.flags = item->flags;
    content.datatype = item->datatype;
    content.expires = item->expires;
    content.cas = item->cas;
    content.cas_unknown = item->cas_unknown;
    content.expiry_unknown = item->expiry_unknown;
    if (!engine_place(engine, key, &content, item->value, item->stored)) {
        return false;
    }
    if (item->came_back) {
        engine_find(engine, key)->content.flushes--;
    }
    return true;
}

void engine_bind_cas(struct engine *engine, struct span key, uint64_t cas)
{
    store_settle(&engine->store);
    struct entry *entry = engine_find(engine, key);
    if (entry == NULL || !store_counts(&engine->store, &entry->content)) {
        return;
    }
    entry->content.cas = cas;
    entry->content.cas_unknown = false;
}

/* A key without an entry needs one only where a missing one says something else. */
void engine_forget(struct engine *engine, struct span key)
{
    struct content content = {.knowledge = ENGINE_UNKNOWN};
    store_settle(&engine->store);
    if (store_knowledge(&engine->store, engine_find(engine, key), engine->store.now) !=
        ENGINE_UNKNOWN) {
        engine_place(engine, key, &content, (struct span){0}, 0);
    }
}

void engine_forget_all(struct engine *engine)
{
    store_forget_all(&engine->store);
    engine->delayed_flush = 0;
}

int64_t engine_flush_time(const struct engine *engine)
{
    return engine->delayed_flush;
}

struct engine_flush engine_flush_state(const struct engine *engine)
{
    return (struct engine_flush){engine->store.flush_live, engine->store.flush_is_over,
                                 engine->store.flush_at_once, engine->delayed_flush,
                                 engine->store.flush_called_off};
}

void engine_set_flush_state(struct engine *engine, const struct engine_flush *flush)
{
    engine->store.flush_live = flush->live;
    engine->store.flush_is_over = flush->is_over;
    engine->store.flush_at_once = flush->at_once;
    engine->delayed_flush = flush->delayed;
    engine->store.flush_called_off = flush->called_off;
}

size_t engine_item_count(const struct engine *engine)
{
    return engine->store.present;
}

uint64_t engine_evictions(const struct engine *engine)
{
    return engine->store.evictions;
}

void engine_reserve(struct engine *engine, size_t bytes)
{
    engine->store.reserved = bytes;
}

size_t engine_memory(const struct engine *engine)
{
    return sizeof(*engine) + store_memory(&engine->store);
}
