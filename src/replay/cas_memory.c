#include "replay/cas_memory.h"

#include <stdlib.h>

enum { ROOM_MIN = 64 };

void cas_memory_deinit(struct cas_memory *memory)
{
    free(memory->young.entries);
    free(memory->old.entries);
    free(memory->latest);
    *memory = (struct cas_memory){0};
}

/* The entry of that CAS, or the empty one where it would be. */
static struct cas_record *place_in(const struct cas_set *table, uint64_t cas)
{
    size_t at = (size_t)((cas * 0x9e3779b97f4a7c15u) >> 32);
    for (;; at++) {
        struct cas_record *entry = &table->entries[at % table->room];
        if (entry->cas == cas || entry->cas == 0) {
            return entry;
        }
    }
}

static struct cas_record *find_in(const struct cas_set *table, uint64_t cas)
{
    struct cas_record *entry = table->entries != NULL ? place_in(table, cas) : NULL;
    return entry != NULL && entry->cas == cas ? entry : NULL;
}

struct cas_record *cas_memory_find(const struct cas_memory *memory, uint64_t cas)
{
    struct cas_record *entry = cas == 0 ? NULL : find_in(&memory->young, cas);
    return entry != NULL || cas == 0 ? entry : find_in(&memory->old, cas);
}

static bool grow(struct cas_set *table)
{
    struct cas_set larger = {.room = table->room == 0 ? ROOM_MIN : 2 * table->room,
                             .used = table->used};
    larger.entries = calloc(larger.room, sizeof(*larger.entries));
    if (larger.entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->room; i++) {
        if (table->entries[i].cas != 0) {
            *place_in(&larger, table->entries[i].cas) = table->entries[i];
        }
    }
    free(table->entries);
    *table = larger;
    return true;
}

static bool cas_memory_make_room(struct cas_memory *memory)
{
    struct cas_set *young = &memory->young;
    if (young->used < young->room / 2) {
        return true;
    }
    if (young->room == CAS_SET_MAX) {
        free(memory->old.entries);
        memory->old = *young;
        *young = (struct cas_set){0};
    }
    return grow(young);
}

bool cas_memory_add(struct cas_memory *memory, const struct cas_record *entry)
{
    struct cas_record *known = cas_memory_find(memory, entry->cas);
    if (known != NULL) {
        *known = *entry;
        return true;
    }
    if (!cas_memory_make_room(memory)) {
        return false;
    }
    *place_in(&memory->young, entry->cas) = *entry;
    memory->young.used++;
    return true;
}

struct cas_latest *cas_memory_latest(struct cas_memory *memory, uint64_t key_hash)
{
    if (memory->latest == NULL) {
        memory->latest = calloc(CAS_LATEST, sizeof(*memory->latest));
    }
    return memory->latest == NULL ? NULL : &memory->latest[key_hash % CAS_LATEST];
}
