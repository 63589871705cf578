/*
 * Which CAS values a server has given, as far as its answers have shown them: to a change, whose
 * answer names the CAS that it got, or to an item in which they were seen. Bounded: of several tens
 * of thousands, the oldest are forgotten.
 */
#ifndef KVREPLAY_REPLAY_CAS_MEMORY_H
#define KVREPLAY_REPLAY_CAS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cas_source {
    CAS_VOID, /* not a value to rely on any more */
    CAS_SEEN, /* in an item of the key; whoever changed it is not known */
    CAS_GIVEN /* to a change of the key */
};

struct cas_record {
    uint64_t cas; /* 0: none */
    uint64_t key_hash;
    uint64_t packet;   /* of the answer */
    uint64_t answered; /* its sequence */
    enum cas_source source;
    bool counted;   /* to INCREMENT or DECREMENT, */
    bool may_share; /* which made the item, and may have told the CAS of another one; see race.h */
};

struct cas_set {
    struct cas_record
        *entries; /* open addressing, linear probing; a power of two of them, or NULL */
    size_t room;
    size_t used;
};

enum {
    CAS_SET_MAX = 1 << 16, /* entries; a full table becomes the old one */
    CAS_LATEST = 1 << 9,   /* keys */
};

/* The CAS that a change of a key got last. */
struct cas_latest {
    uint64_t key_hash;
    uint64_t cas;      /* 0: none */
    uint64_t answered; /* sequence */
};

/* The highest CAS that was shown of an item whose changes have not told it. */
struct cas_shown {
    uint64_t cas;      /* 0: none */
    uint64_t answered; /* sequence */
    uint64_t packet;
};

struct cas_memory { /* of one server; all zero to begin with */
    struct cas_set young;
    struct cas_set old;
    struct cas_latest *latest; /* by key_hash modulo CAS_LATEST; NULL before the first */
    struct cas_shown shown;
    uint64_t highest;
    bool known; /* whether the server gives CAS values */
    bool gives;
};

void cas_memory_deinit(struct cas_memory *memory);

/* What is remembered of a CAS, or NULL. Valid until the next is added. */
struct cas_record *cas_memory_find(const struct cas_memory *memory, uint64_t cas);

/* Adds it, or replaces what was remembered of that CAS. False: no memory. */
bool cas_memory_add(struct cas_memory *memory, const struct cas_record *entry);

/* The entry of that key: another key's may lie there. NULL: no memory. */
struct cas_latest *cas_memory_latest(struct cas_memory *memory, uint64_t key_hash);

#endif
