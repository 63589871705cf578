/*
 * Which number of one server's choice, such as a CAS, stands for which of another's. Each has
 * numbers of its own, but they have to be given out alike: the same number again where it was the
 * same, a new one where it was new. So the map is one to one; VALUE_MAP_KEPT to twice as many of
 * the last pairs are remembered.
 */
#ifndef KVREPLAY_LIVE_VALUE_MAP_H
#define KVREPLAY_LIVE_VALUE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VALUE_MAP_KEPT = 1 << 18 };

struct value_pair {
    uint64_t from; /* 0: none; no such number */
    uint64_t to;
    uint64_t doubt; /* given once instead of `to`; 0: nothing was */
};

/* Pairs by their `from`. */
struct value_table {
    struct value_pair *pairs;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

/* One direction: what was noted or looked up lately is in `recent`; when that is full, it becomes
 * `older`, which is dropped. */
struct value_direction {
    struct value_table recent;
    struct value_table older;
};

struct value_map { /* all zero to begin with */
    struct value_direction forward;
    struct value_direction backward;
};

enum value_known {
    VALUE_NEW,      /* neither value was seen before; now they belong together */
    VALUE_KNOWN,    /* they belong together */
    VALUE_CONFLICT, /* one of them belongs to another value; *expected is what belongs to `from`, or
                     0 if nothing does */
};

/* Notes that `to` was given where the other server gave `from`; neither is 0. In a conflict with
 * what `from` stands for, that is what is believed, until the same conflict comes again: a wrong
 * answer must not make the right one behind it look wrong, nor the right ones behind a wrong first
 * one for long. What finds no memory is forgotten. */
enum value_known value_map_note(struct value_map *map, uint64_t from, uint64_t to,
                                uint64_t *expected);

/* What stands for `from`. False: not known. */
bool value_map_find(struct value_map *map, uint64_t from, uint64_t *to);

/* Whether `to` stands for anything. */
bool value_map_is_given(struct value_map *map, uint64_t to);

void value_map_deinit(struct value_map *map);

#endif
