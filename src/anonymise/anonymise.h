/*
 * A capture with its keys and values replaced, and everything else as it was.
 *
 * Nothing is ever copied from a payload into the output: it first gets bytes that follow from their
 * place alone, and then what the frames that were found have become. So what is not understood, or
 * misunderstood, is lost rather than told.
 *
 * Three passes, four if anything was appended: scrub, (learn,) replace, checksums. Memory: 32 bytes
 * for each packet with payload, 40 for each key that was counted with or appended to, up to 64 MiB
 * for values that were appended to; the files are mapped.
 */
#ifndef KVREPLAY_ANONYMISE_ANONYMISE_H
#define KVREPLAY_ANONYMISE_ANONYMISE_H

#include "anonymise/checksums.h"
#include "anonymise/rules.h"

struct anonymise_options {
    const char *input;  /* "-": standard input */
    const char *output; /* a file */
    struct span secret; /* empty: a random one */
    bool replace_counters;
    /* Of the passes that take long; it begins anew with each. */
    void (*progress)(void *context, uint64_t bytes_read, uint64_t bytes_total,
                     uint64_t server_frames);
    void *progress_context;
};

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
    uint64_t joins;     /* different values that APPEND and PREPEND made */
    uint64_t forgotten; /* values that could not be followed through APPEND */
    uint64_t emptied;   /* pcapng blocks that may hold anything */
    uint64_t hashes;    /* of packets, beside them */
    struct checksum_counts checksums;
    struct anonymise_ledger ledger;
};

enum { ANONYMISE_MESSAGE_SIZE = 1024 };

/* Returns an exit status; unless it is VERIFY_IDENTICAL (0), `message` says why, and there is no
 * output. */
enum verify_status anonymise(const struct anonymise_options *options,
                             struct anonymise_result *result, char message[ANONYMISE_MESSAGE_SIZE]);

#endif
