/*
 * Bytes for bytes: what documents become whose pieces can't be replaced one by one, as a server or
 * a client has joined or compressed them. Each document (or a few, knowledge.h) has an alphabet of
 * its own. Equal bytes stay equal in it, which says more than other replacements do: how often
 * each occurs, and where.
 */
#ifndef KVREPLAY_ANONYMISE_ALPHABET_H
#define KVREPLAY_ANONYMISE_ALPHABET_H

#include "anonymise/names.h"

struct alphabet {
    uint8_t becomes[256];
};

/* Bytes that may not become others, a bit each. */
struct alphabet_pins {
    uint8_t bits[256 / 8];
};

static inline void alphabet_pin(struct alphabet_pins *pins, uint8_t byte)
{
    pins->bits[byte / 8] |= (uint8_t)(1 << byte % 8);
}

static inline bool alphabet_is_pinned(const struct alphabet_pins *pins, uint8_t byte)
{
    return (pins->bits[byte / 8] >> byte % 8 & 1) != 0;
}

/*
 * The alphabet of the document with that name. `text`: what is JSON, or UTF-8, stays that: letters
 * become letters, digits but 0 become digits but 0, bytes of longer characters become such, and
 * all others are kept.
 */
void alphabet_init(struct alphabet *alphabet, struct secret *secret, const struct name *name,
                   const struct alphabet_pins *pins, bool text);

#endif
