#include "engine/lru.h"

#include "engine/store.h"

/* Sets what points to the place between two neighbours, either of which may be the list's end. */
static void set_older(struct lru *lru, struct entry *newer, struct entry *entry)
{
    if (newer == NULL)
        lru->newest = entry;
    else
        newer->links.older = entry;
}

static void set_newer(struct lru *lru, struct entry *older, struct entry *entry)
{
    if (older == NULL)
        lru->oldest = entry;
    else
        older->links.newer = entry;
}

static void insert(struct lru *lru, struct entry *newer, struct entry *entry, struct entry *older)
{
    entry->links = (struct lru_links){.newer = newer, .older = older};
    set_older(lru, newer, entry);
    set_newer(lru, older, entry);
}

void lru_add(struct lru *lru, struct entry *entry)
{
    insert(lru, NULL, entry, lru->newest);
}

void lru_add_oldest(struct lru *lru, struct entry *entry)
{
    insert(lru, lru->oldest, entry, NULL);
}

void lru_remove(struct lru *lru, struct entry *entry)
{
    set_older(lru, entry->links.newer, entry->links.older);
    set_newer(lru, entry->links.older, entry->links.newer);
}

void lru_use(struct lru *lru, struct entry *entry)
{
    if (lru->newest == entry)
        return;
    lru_remove(lru, entry);
    lru_add(lru, entry);
}
