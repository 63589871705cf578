#include "live/cas_map.h"

#include <stdlib.h>

enum { ROOM_MIN = 256 };

/* CAS values are counters more often than not; the multiplier spreads them (Knuth, The Art of
 * Computer Programming 3, 6.4: the golden ratio). */
static size_t slot_of(const struct cas_table *table, uint64_t from)
{
    size_t slot = (size_t)(from * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (table->room - 1);
    while (table->pairs[slot].from != 0 && table->pairs[slot].from != from) {
        slot = (slot + 1) & (table->room - 1);
    }
    return slot;
}

static bool table_find(const struct cas_table *table, uint64_t from, uint64_t *to)
{
    if (table->room == 0) {
        return false;
    }
    const struct cas_pair *pair = &table->pairs[slot_of(table, from)];
    *to = pair->to;
    return pair->from != 0;
}

/* At most half of the places are taken, so that a search ends soon. */
static bool make_room(struct cas_table *table)
{
    if (table->count < table->room / 2) {
        return true;
    }
    struct cas_table grown = {.room = table->room == 0 ? ROOM_MIN : 2 * table->room,
                              .count = table->count};
    grown.pairs = calloc(grown.room, sizeof(*grown.pairs));
    if (grown.pairs == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->room; i++) {
        if (table->pairs[i].from != 0) {
            grown.pairs[slot_of(&grown, table->pairs[i].from)] = table->pairs[i];
        }
    }
    free(table->pairs);
    *table = grown;
    return true;
}

static void direction_set(struct cas_direction *direction, uint64_t from, uint64_t to)
{
    if (direction->recent.count >= CAS_MAP_KEPT) {
        free(direction->older.pairs);
        direction->older = direction->recent;
        direction->recent = (struct cas_table){0};
    }
    if (make_room(&direction->recent)) {
        struct cas_pair *pair = &direction->recent.pairs[slot_of(&direction->recent, from)];
        direction->recent.count += pair->from == 0;
        *pair = (struct cas_pair){.from = from, .to = to};
    }
}

static bool direction_find(struct cas_direction *direction, uint64_t from, uint64_t *to)
{
    if (table_find(&direction->recent, from, to)) {
        return *to != 0;
    }
    if (!table_find(&direction->older, from, to)) {
        return false;
    }
    uint64_t found = *to; /* in use: it stays */
    direction_set(direction, from, found);
    return found != 0;
}

enum cas_known cas_map_note(struct cas_map *map, uint64_t from, uint64_t to, uint64_t *expected)
{
    uint64_t other = 0;
    bool has_to = direction_find(&map->forward, from, expected);
    bool has_from = direction_find(&map->backward, to, &other);
    if (has_to && has_from && *expected == to && other == from) {
        return CAS_KNOWN;
    }
    if (has_to) {
        direction_set(&map->backward, *expected, 0); /* belongs to nothing any more */
    } else {
        *expected = 0;
    }
    if (has_from) {
        direction_set(&map->forward, other, 0);
    }
    direction_set(&map->forward, from, to);
    direction_set(&map->backward, to, from);
    /* One direction may have been forgotten before the other. */
    bool agree = (!has_to || *expected == to) && (!has_from || other == from);
    return !agree ? CAS_CONFLICT : has_to || has_from ? CAS_KNOWN : CAS_NEW;
}

bool cas_map_find(struct cas_map *map, uint64_t from, uint64_t *to)
{
    return direction_find(&map->forward, from, to);
}

void cas_map_deinit(struct cas_map *map)
{
    free(map->forward.recent.pairs);
    free(map->forward.older.pairs);
    free(map->backward.recent.pairs);
    free(map->backward.older.pairs);
    *map = (struct cas_map){0};
}
