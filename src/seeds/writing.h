/*
 * One seed while it grows, and where seeds are written. Private to this folder.
 */
#ifndef KVREPLAY_SEEDS_WRITING_H
#define KVREPLAY_SEEDS_WRITING_H

#include "base/span.h"

enum {
    SEED_SIZE_MAX = 4096, /* bytes; larger ones slow a fuzzer down */
    SEED_UNITS_MAX = 16,  /* frames or packets */
    SEEDS_MAX = 10000,
};

struct seed {
    size_t preamble;
    size_t size;
    unsigned units;
    uint8_t bytes[SEED_SIZE_MAX];
};

struct seeds {
    const struct seed_form *form;
    char *folder;
    unsigned count;
    int failed; /* errno of a file that could not be written */
    uint64_t hashes[SEEDS_MAX];
    struct seed seed; /* of the capture at hand, where conversations don't have their own */
};

void seed_begin(struct seed *seed, struct span preamble);
/* Room for one more unit of `size` bytes, after what is there was written if it is full. NULL: no
 * seed is that large. */
uint8_t *seed_add(struct seeds *seeds, struct seed *seed, size_t size);
/* Writes what there is; the preamble stays for the next. */
void seed_end(struct seeds *seeds, struct seed *seed);

/* A record of a little-endian pcap file with microseconds, and the file's header. */
enum { PCAP_HEADER_SIZE = 24, PCAP_RECORD_SIZE = 16 };
void pcap_put_header(uint8_t header[PCAP_HEADER_SIZE], uint32_t link);
void pcap_put_record(uint8_t record[PCAP_RECORD_SIZE], int64_t time, uint32_t captured,
                     uint32_t length);

#endif
