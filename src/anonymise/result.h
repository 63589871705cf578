/*
 * What was anonymised, counted.
 */
#ifndef KVREPLAY_ANONYMISE_RESULT_H
#define KVREPLAY_ANONYMISE_RESULT_H

#include "anonymise/checksums.h"
#include "anonymise/rules.h"

/* Bytes of payload, each in one class; parts of frames by enum part_class. */
struct anonymise_ledger {
    uint64_t parts[PART_CLASSES];
    uint64_t harmless; /* kept: headers of what is no whole frame, other protocols' first words */
    uint64_t unknown;  /* replaced: of TCP and UDP, but not in a frame */
    uint64_t other;    /* replaced: what is neither TCP nor UDP */
    uint64_t total;
};

struct anonymise_result {
    uint64_t packets;
    uint64_t conversations;
    uint64_t frames;
    uint64_t keys;     /* fields that were replaced */
    uint64_t values;   /* the same */
    uint64_t counters; /* fields that were kept, as they are numbers that were counted with */
    uint64_t snappy;   /* values said to be that, and no longer are */
    uint64_t json;
    uint64_t xattr;
    uint64_t snappy_opcodes[256];
    uint64_t forgotten; /* values that could not be followed through APPEND */
    uint64_t emptied;   /* pcapng blocks that may hold anything */
    uint64_t options;   /* of pcapng blocks: emptied, as they may hold anything */
    struct checksum_counts checksums;
    struct anonymise_ledger ledger;
};

#endif
