/*
 * The items by key, what is known of each, and the last step back.
 *
 * Time-dependent knowledge is found out on looking, as in memcached: nothing here runs in the
 * background. An entry once made stays, also for a key known to be absent, until the table has to
 * grow; entries that say no more than a missing one would are dropped then.
 */
#ifndef KVREPLAY_ENGINE_STORE_H
#define KVREPLAY_ENGINE_STORE_H

#include "base/blocks.h"
#include "base/list.h"
#include "engine/item.h"
#include "engine/values.h"

/* What an entry holds besides its key; copied as a whole to be taken back. */
struct content {
    uint8_t *value; /* one of the store's values, value_size bytes; NULL if that is 0 */
    uint32_t value_size;
    uint32_t flags;
    uint64_t cas;        /* with cas_unknown: one that it is not, since a change has replaced it */
    int64_t expires;     /* Unix time, 0: never */
    int64_t stored;      /* Unix time */
    uint32_t flushes;    /* the store's count of flushes when this was stored */
    uint32_t generation; /* the store's, of another one: says nothing any more */
    struct engine_certain certain;
    uint8_t knowledge; /* enum engine_knowledge */
    uint8_t datatype;
    bool doubtful;
    bool cas_unknown;
    bool expiry_unknown;
};

struct entry {
    struct content content;
    struct list_link use; /* in store->lru */
    uint16_t key_size;
    uint8_t key[];
};

struct store {
    struct slot *slots; /* open addressing, linear probing; a power of two of them */
    size_t mask;
    size_t used;
    struct blocks blocks;
    struct values values;
    struct list_link lru; /* all entries, that used longest ago first; empty without a limit */
    size_t limit;         /* of store_counted_memory, bytes; 0: none */
    size_t reserved;      /* bytes of the limit that are not for entries */
    uint64_t evictions;   /* items dropped for the limit */
    uint64_t seed[2];
    size_t present;      /* entries with ENGINE_PRESENT */
    int64_t now;         /* of the last execution */
    int64_t stamp;       /* what it has stored was stored then */
    uint32_t generation; /* rises with every store_forget_all */
    bool forgets_absent; /* absent and unknown are the same to the store's user */

    /*
     * memcached's settings.oldest_live and oldest_cas. From flush_live on (0: never), everything is
     * flushed that was stored at or before that second, or before the last flush which took effect
     * at once. A later FLUSH replaces both, so that what was flushed before and not looked at since
     * comes back, as it does in memcached.
     */
    int64_t flush_live;
    bool flush_is_over; /* flush_live was past when FLUSH came: whatever is stored since then stays,
                           even if it is executed as of an earlier second */
    bool flush_at_once; /* it had come, or was past */
    int64_t flush_called_off; /* see engine_flush */
    uint32_t flushes;

    struct entry *changed; /* what the current step changed, NULL: nothing */
    struct content before; /* and what it was */
};

/* True if the content counts among the items present (expired or flushed ones not looked at too).
 */
static inline bool store_counts(const struct store *store, const struct content *content)
{
    return content->knowledge == ENGINE_PRESENT && content->generation == store->generation;
}

/* False: no memory. The store is all zero before, but for the options: limit and values.lend. */
bool store_init(struct store *store);
void store_deinit(struct store *store);

uint64_t store_hash(const struct store *store, struct span key);

/* The key's entry, or NULL. */
struct entry *store_find(const struct store *store, struct span key, uint64_t hash);

/* Adds an entry for a key that has none; it says what a missing one says. NULL: no memory. */
struct entry *store_add(struct store *store, struct span key, uint64_t hash);

/* What is known of the key at a time; `entry` NULL: a key without one. */
enum engine_knowledge store_knowledge(const struct store *store, const struct entry *entry,
                                      int64_t now);

/* Makes the content one of this moment: later flushes will flush it. */
void store_stamp(const struct store *store, struct content *content);

/*
 * Replaces an entry's content; the store owns the new value from here on. The old one is kept until
 * store_settle, for store_undo.
 */
void store_change(struct store *store, struct entry *entry, const struct content *content);

/* Gives up taking back, before the next step. */
void store_settle(struct store *store);

/* False: there was nothing to take back. */
bool store_undo(struct store *store);

/* memcached's flush: `live` as described above; `at_once`: what there is now is flushed. */
void store_flush(struct store *store, int64_t live, bool at_once);

/* Constant time. */
void store_forget_all(struct store *store);

/* The entry has been used. */
static inline void store_use(struct store *store, struct entry *entry)
{
    if (store->limit != 0) {
        list_move_to_end(&store->lru, &entry->use);
    }
}

/* The entry's item is gone: it is the first to be dropped. */
static inline void store_retire(struct store *store, struct entry *entry)
{
    if (store->limit == 0) {
        return;
    }
    list_remove(&entry->use);
    list_insert_behind(&store->lru, &entry->use);
}

/* Drops what was not used for longest until the limit is kept; not during a step. */
void store_evict(struct store *store);

/* What the items take, with the store's overhead: what the limit is of. */
size_t store_counted_memory(const struct store *store);

/* All that the store has from malloc. */
size_t store_memory(const struct store *store);

#endif
