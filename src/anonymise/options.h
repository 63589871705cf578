/*
 * The options of pcapng blocks, and the records of a name resolution block, which have the same
 * form: which of them are pcapng's own, and may be kept. What is not listed may hold anything.
 *
 * Source: draft-ietf-opsawg-pcapng, sections 3.5 and 4.
 */
#ifndef KVREPLAY_ANONYMISE_OPTIONS_H
#define KVREPLAY_ANONYMISE_OPTIONS_H

#include "base/span.h"

enum {
    PCAPNG_SECTION = 0x0a0d0d0a, /* the same in either byte order */
    PCAPNG_INTERFACE = 1,
    PCAPNG_PACKET = 2,
    PCAPNG_SIMPLE_PACKET = 3,
    PCAPNG_NAMES = 4,
    PCAPNG_STATISTICS = 5,
    PCAPNG_ENHANCED_PACKET = 6,
    PCAPNG_NAME_RECORDS = -1, /* no block: the records in a block of names */
};

/* Lies at [at, end) of the file; `swapped`: numbers have not the byte order of this machine. */
struct option_list {
    struct span file;
    uint64_t at;
    uint64_t end;
    bool swapped;
};

struct option {
    uint16_t code;
    uint64_t head;  /* where code and length lie: 4 bytes */
    uint64_t value; /* where the value lies */
    uint16_t size;  /* of the value, without its padding */
};

/* Takes the next option; false: there is none, list->at is behind the end of options if there is
 * one. What follows is no option. */
bool option_next(struct option_list *list, struct option *option);

enum option_use {
    OPTION_UNKNOWN,
    OPTION_OWN,  /* says nothing of packets' payload, or is a text for readers of the file */
    OPTION_HASH, /* of the packet, behind a byte that names the algorithm */
};

/* `block` is one of the types above. */
enum option_use option_use(int64_t block, const struct option *option);

#endif
