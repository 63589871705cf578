#include "net/table.h"

#include "net/conversation.h"

#include <stdlib.h>
#include <sys/random.h>

enum { SLAB_COUNT = 16 };

struct table_slab {
    struct table_slab *next;
    struct conversation conversations[SLAB_COUNT];
};

bool table_init(struct table *table, size_t max)
{
    *table = (struct table){.max = max == 0 ? 1 : max};
    size_t buckets = 64;
    while (buckets < table->max) {
        buckets *= 2;
    }
    table->mask = buckets - 1;
    table->buckets = calloc(buckets, sizeof(table->buckets[0]));
    list_init(&table->live);
    list_init(&table->closed);
    list_init(&table->spare);
    /* Nobody who writes the capture shall know which conversations share a bucket. */
    if (getrandom(table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0) {
        table->seed[0] = (uintptr_t)table->buckets;
    }
    return table->buckets != NULL;
}

void table_deinit(struct table *table)
{
    free(table->buckets);
    while (table->slabs != NULL) {
        struct table_slab *slab = table->slabs;
        table->slabs = slab->next;
        free(slab);
    }
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_endpoint(const struct table *table, const struct net_endpoint *endpoint)
{
    uint64_t high;
    uint64_t low;
    memcpy(&high, endpoint->address, 8);
    memcpy(&low, endpoint->address + 8, 8);
    return fold(high ^ table->seed[0],
                low ^ table->seed[1] ^ ((uint64_t)endpoint->port << 40 | endpoint->family));
}

/* The same for both directions. */
static uint32_t table_hash_of(const struct table *table, const struct net_segment *segment)
{
    uint64_t sum = hash_endpoint(table, &segment->source) +
                   hash_endpoint(table, &segment->destination) + segment->protocol;
    return (uint32_t)fold(sum ^ table->seed[2], UINT64_C(0x9e3779b97f4a7c15));
}

static bool endpoints_equal(const struct net_endpoint *a, const struct net_endpoint *b)
{
    return a->port == b->port && memcmp(a->address, b->address, sizeof(a->address)) == 0 &&
           a->family == b->family;
}

static bool is_between(const struct conversation *conversation, const struct net_segment *segment,
                       enum net_direction *direction)
{
    const struct net_conversation *known = &conversation->known;
    if (known->protocol != segment->protocol) {
        return false;
    }
    if (endpoints_equal(&known->initiator, &segment->source) &&
        endpoints_equal(&known->responder, &segment->destination)) {
        *direction = NET_FROM_INITIATOR;
        return true;
    }
    if (endpoints_equal(&known->responder, &segment->source) &&
        endpoints_equal(&known->initiator, &segment->destination)) {
        *direction = NET_FROM_RESPONDER;
        return true;
    }
    return false;
}

static struct conversation *search(const struct table *table, const struct net_segment *segment,
                                   enum net_direction *direction)
{
    uint32_t hash = table_hash_of(table, segment);
    struct conversation *conversation = table->buckets[hash & table->mask];
    while (conversation != NULL &&
           (conversation->hash != hash || !is_between(conversation, segment, direction))) {
        conversation = conversation->chain;
    }
    return conversation;
}

struct conversation *table_find(struct table *table, const struct net_segment *segment,
                                enum net_direction *direction)
{
    if (table->last != NULL && is_between(table->last, segment, direction)) {
        return table->last;
    }
    struct conversation *conversation = search(table, segment, direction);
    if (conversation != NULL) {
        list_move_to_end(conversation->closed ? &table->closed : &table->live, &conversation->use);
        table->last = conversation;
    }
    return conversation;
}

static bool add_slab(struct table *table)
{
    struct table_slab *slab = calloc(1, sizeof(*slab));
    if (slab == NULL) {
        return false;
    }
    slab->next = table->slabs;
    table->slabs = slab;
    for (size_t i = 0; i < SLAB_COUNT; i++) {
        list_append(&table->spare, &slab->conversations[i].use);
    }
    return true;
}

struct conversation *table_add(struct table *table, const struct net_segment *segment)
{
    if (table->count == table->max || (list_is_empty(&table->spare) && !add_slab(table))) {
        return NULL;
    }
    struct conversation *conversation = LIST_MEMBER(table->spare.next, struct conversation, use);
    list_remove(&conversation->use);
    list_append(&table->live, &conversation->use);

    conversation->closed = false;
    conversation->known.protocol = segment->protocol;
    conversation->known.initiator = segment->source;
    conversation->known.responder = segment->destination;
    conversation->hash = table_hash_of(table, segment);
    struct conversation **bucket = &table->buckets[conversation->hash & table->mask];
    conversation->chain = *bucket;
    *bucket = conversation;
    table->last = conversation;
    table->count++;
    return conversation;
}

struct conversation *table_idlest(const struct table *table)
{
    const struct list_link *list = list_is_empty(&table->closed) ? &table->live : &table->closed;
    return list_is_empty(list) ? NULL : LIST_MEMBER(list->next, struct conversation, use);
}

void table_remove(struct table *table, struct conversation *conversation)
{
    struct conversation **place = &table->buckets[conversation->hash & table->mask];
    while (*place != conversation) {
        place = &(*place)->chain;
    }
    *place = conversation->chain;
    list_remove(&conversation->use);
    list_insert_behind(&table->spare, &conversation->use);
    table->count--;
    if (table->last == conversation) {
        table->last = NULL;
    }
}

void table_set_live(struct table *table, struct conversation *conversation)
{
    list_move_to_end(&table->live, &conversation->use);
}

void table_set_closed(struct table *table, struct conversation *conversation)
{
    list_move_to_end(&table->closed, &conversation->use);
}
