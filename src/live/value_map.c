#include "live/value_map.h"

#include <stdlib.h>

enum { ROOM_MIN = 256 };

/* CAS values are counters more often than not; the multiplier spreads them (Knuth, The Art of
 * Computer Programming 3, 6.4: the golden ratio). */
static size_t value_map_slot(const struct value_table *table, uint64_t from)
{
    size_t slot = (size_t)(from * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (table->room - 1);
    while (table->pairs[slot].from != 0 && table->pairs[slot].from != from) {
        slot = (slot + 1) & (table->room - 1);
    }
    return slot;
}

/* NULL: not there. */
static struct value_pair *table_find(const struct value_table *table, uint64_t from)
{
    struct value_pair *pair = table->room == 0 ? NULL : &table->pairs[value_map_slot(table, from)];
    return pair == NULL || pair->from == 0 ? NULL : pair;
}

/* At most half of the places are taken, so that a search ends soon. */
static bool value_map_make_room(struct value_table *table)
{
    if (table->count < table->room / 2) {
        return true;
    }
    struct value_table grown = {.room = table->room == 0 ? ROOM_MIN : 2 * table->room,
                                .count = table->count};
    grown.pairs = calloc(grown.room, sizeof(*grown.pairs));
    if (grown.pairs == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->room; i++) {
        if (table->pairs[i].from != 0) {
            grown.pairs[value_map_slot(&grown, table->pairs[i].from)] = table->pairs[i];
        }
    }
    free(table->pairs);
    *table = grown;
    return true;
}

static void direction_set(struct value_direction *direction, uint64_t from, uint64_t to,
                          uint64_t doubt)
{
    if (direction->recent.count >= VALUE_MAP_KEPT) {
        free(direction->older.pairs);
        direction->older = direction->recent;
        direction->recent = (struct value_table){0};
    }
    if (value_map_make_room(&direction->recent)) {
        struct value_pair *pair =
            &direction->recent.pairs[value_map_slot(&direction->recent, from)];
        direction->recent.count += pair->from == 0;
        *pair = (struct value_pair){.from = from, .to = to, .doubt = doubt};
    }
}

/* Its pair, which is in use now and so stays; valid until something is set. NULL: not known. */
static struct value_pair *direction_find(struct value_direction *direction, uint64_t from)
{
    struct value_pair *pair = table_find(&direction->recent, from);
    if (pair == NULL && (pair = table_find(&direction->older, from)) != NULL) {
        direction_set(direction, from, pair->to, pair->doubt);
        pair = table_find(&direction->recent, from);
    }
    return pair == NULL || pair->to == 0 ? NULL : pair;
}

enum value_known value_map_note(struct value_map *map, uint64_t from, uint64_t to,
                                uint64_t *expected)
{
    struct value_pair *forward = direction_find(&map->forward, from);
    struct value_pair *backward = direction_find(&map->backward, to);
    *expected = forward == NULL ? 0 : forward->to;
    /* One direction may have been forgotten before the other. */
    bool agree =
        (forward == NULL || forward->to == to) && (backward == NULL || backward->to == from);
    enum value_known known = !agree                                ? VALUE_CONFLICT
                             : forward == NULL && backward == NULL ? VALUE_NEW
                                                                   : VALUE_KNOWN;
    if (forward != NULL && backward != NULL && agree) {
        return VALUE_KNOWN;
    }
    if (!agree && forward != NULL && forward->doubt != to) {
        forward->doubt = to;
        return VALUE_CONFLICT;
    }
    uint64_t other = backward == NULL ? 0 : backward->to;
    if (forward != NULL) {
        direction_set(&map->backward, *expected, 0, 0); /* belongs to nothing any more */
    }
    if (other != 0) {
        direction_set(&map->forward, other, 0, 0);
    }
    direction_set(&map->forward, from, to, 0);
    direction_set(&map->backward, to, from, 0);
    return known;
}

bool value_map_find(struct value_map *map, uint64_t from, uint64_t *to)
{
    const struct value_pair *pair = direction_find(&map->forward, from);
    *to = pair == NULL ? 0 : pair->to;
    return pair != NULL;
}

bool value_map_is_given(struct value_map *map, uint64_t to)
{
    return direction_find(&map->backward, to) != NULL;
}

void value_map_deinit(struct value_map *map)
{
    free(map->forward.recent.pairs);
    free(map->forward.older.pairs);
    free(map->backward.recent.pairs);
    free(map->backward.older.pairs);
    *map = (struct value_map){0};
}
