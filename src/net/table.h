/*
 * The conversations by their endpoints, and by when they were last used.
 */
#ifndef KVREPLAY_NET_TABLE_H
#define KVREPLAY_NET_TABLE_H

#include "base/list.h"
#include "net/listener.h"

struct conversation;
struct table_slab;

struct table {
    struct conversation **buckets;
    size_t mask; /* number of buckets - 1 */
    uint64_t seed[3];
    struct conversation *last; /* found: often the next one too */
    struct list_link live;     /* least recently used first */
    struct list_link closed;   /* as well */
    struct list_link spare;
    struct table_slab *slabs;
    size_t count;
    size_t max;
};

bool table_init(struct table *table, size_t max);
void table_deinit(struct table *table);

/* The conversation between the segment's endpoints, now the most recently used, and which way the
 * segment goes; NULL if there is none. */
struct conversation *table_find(struct table *table, const struct net_segment *segment,
                                enum net_direction *direction);

/* A new one, live, its endpoints and protocol set as if the segment's source were the initiator;
 * NULL if the table is full or there is no memory: make room and try again. */
struct conversation *table_add(struct table *table, const struct net_segment *segment);

/* Which one makes room: the closed one idle longest, or else the live one; NULL in an empty table.
 */
struct conversation *table_idlest(const struct table *table);
void table_remove(struct table *table, struct conversation *conversation);

void table_set_live(struct table *table, struct conversation *conversation);
void table_set_closed(struct table *table, struct conversation *conversation);

#endif
