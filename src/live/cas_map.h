/*
 * Which CAS value of one server stands for which of another. Each has numbers of its own, but they
 * have to be given out alike: the same number again where it was the same, a new one where it was
 * new. So the map is one to one; CAS_MAP_KEPT to twice as many of the last pairs are remembered.
 */
#ifndef KVREPLAY_LIVE_CAS_MAP_H
#define KVREPLAY_LIVE_CAS_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAS_MAP_KEPT = 1 << 18 };

struct cas_pair {
    uint64_t from; /* 0: none; no item has that CAS */
    uint64_t to;
    uint64_t doubt; /* given once instead of `to`; 0: nothing was */
};

/* Pairs by their `from`. */
struct cas_table {
    struct cas_pair *pairs;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

/* One direction: what was noted or looked up lately is in `recent`; when that is full, it becomes
 * `older`, which is dropped. */
struct cas_direction {
    struct cas_table recent;
    struct cas_table older;
};

struct cas_map { /* all zero to begin with */
    struct cas_direction forward;
    struct cas_direction backward;
};

enum cas_known {
    CAS_NEW,      /* neither value was seen before; now they belong together */
    CAS_KNOWN,    /* they belong together */
    CAS_CONFLICT, /* one of them belongs to another value; *expected is what belongs to `from`, or 0
                     if nothing does */
};

/* Notes that `to` was given where the other server gave `from`; neither is 0. In a conflict with
 * what `from` stands for, that is what is believed, until the same conflict comes again: a wrong
 * answer must not make the right one behind it look wrong, nor the right ones behind a wrong first
 * one for long. What finds no memory is forgotten. */
enum cas_known cas_map_note(struct cas_map *map, uint64_t from, uint64_t to, uint64_t *expected);

/* What stands for `from`. False: not known. */
bool cas_map_find(struct cas_map *map, uint64_t from, uint64_t *to);

/* Whether `to` stands for anything. */
bool cas_map_is_given(struct cas_map *map, uint64_t to);

void cas_map_deinit(struct cas_map *map);

#endif
