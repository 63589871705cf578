/*
 * The store's entries in the order in which they were last used, for a store with a limit.
 */
#ifndef KVREPLAY_ENGINE_LRU_H
#define KVREPLAY_ENGINE_LRU_H

struct entry;

struct lru_links {
    struct entry *newer;
    struct entry *older;
};

struct lru {
    struct entry *newest;
    struct entry *oldest;
};

/* Adds the entry as the newest, or as the oldest. */
void lru_add(struct lru *lru, struct entry *entry);
void lru_add_oldest(struct lru *lru, struct entry *entry);

void lru_remove(struct lru *lru, struct entry *entry);

/* The entry has been used: it is the newest. */
void lru_use(struct lru *lru, struct entry *entry);

#endif
