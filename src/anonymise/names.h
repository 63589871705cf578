/*
 * A map from keys or values to numbers that remembers neither: only a part of their HMAC.
 */
#ifndef KVREPLAY_ANONYMISE_NAMES_H
#define KVREPLAY_ANONYMISE_NAMES_H

#include "anonymise/secret.h"

enum { NAME_SIZE = 16 };

struct name {
    uint8_t bytes[NAME_SIZE];
};

struct name name_of(struct secret *secret, enum secret_use use, struct span bytes);

struct name_entry {
    struct name name;
    uint64_t number;
    bool used;
};

struct names { /* all zero to begin with */
    struct name_entry *entries;
    size_t count;
    size_t room; /* 0 or a power of two */
};

/* A name that is there keeps its number. False: no memory. */
bool names_add(struct names *names, const struct name *name, uint64_t number);
bool names_find(const struct names *names, const struct name *name, uint64_t *number);
void names_deinit(struct names *names);

#endif
