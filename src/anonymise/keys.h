/*
 * What keys become: each another one (substitute_key), unless range scans show their order. Then
 * keys that are known before the first one is replaced keep it, and with it which of them begin
 * with the same bytes: at each place, the bytes that follow the same beginning become as many
 * others in the same order. Printable bytes become such.
 */
#ifndef KVREPLAY_ANONYMISE_KEYS_H
#define KVREPLAY_ANONYMISE_KEYS_H

#include "anonymise/names.h"

enum { KEYS_BYTES_MAX = 64 * 1024 * 1024 };

struct keys_place {
    size_t at;
    size_t size;
};

struct keys { /* all zero but for the secret to begin with */
    struct secret *secret;
    bool ordered; /* set it before the first is added */
    struct names seen;
    struct keys_place *places; /* sorted by keys_settle() */
    size_t count;
    size_t room;
    uint8_t *bytes;
    size_t bytes_size;
    size_t bytes_room;
    uint64_t forgotten; /* for want of room: they have no order */
    bool no_memory;
};

/* A key, which is remembered if they are ordered. */
void keys_add(struct keys *keys, struct span key);

/* No more are added. */
void keys_settle(struct keys *keys);

void keys_replace(const struct keys *keys, uint8_t *bytes, size_t size);

void keys_deinit(struct keys *keys);

#endif
