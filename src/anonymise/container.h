/*
 * Where packets lie in a capture file: pcap records and pcapng blocks as they follow one another,
 * so that everything around the packets can be copied as it is. libpcap reads the same file beside
 * it, and has to find the same packets (traffic.h); this only adds where they are.
 */
#ifndef KVREPLAY_ANONYMISE_CONTAINER_H
#define KVREPLAY_ANONYMISE_CONTAINER_H

#include "anonymise/options.h"

enum container_kind {
    CONTAINER_PACKET,
    CONTAINER_AROUND, /* headers, interfaces, names, statistics: kept, but for unknown options */
    CONTAINER_OPAQUE, /* a pcapng block that may hold anything: secrets, journals, custom data */
    CONTAINER_END,
    CONTAINER_BAD, /* no record or block can begin here */
};

/* The part that lies at `at`. Offsets are bytes from the file's beginning. */
struct container_part {
    enum container_kind kind;
    uint64_t at;
    uint64_t size;    /* with its headers */
    uint64_t data_at; /* the packet, or what is opaque */
    uint64_t data_size;
    /* Of a pcapng block that isn't opaque: */
    uint32_t block; /* its type */
    bool swapped;
    uint64_t names_at;   /* the records of a block of names; options_at if there are none */
    uint64_t options_at; /* behind the packet and its padding, or what is fixed of other blocks */
    uint64_t options_end;
    uint64_t length_size; /* of the length that ends the block */
};

struct container {
    struct span file; /* decompressed */
    uint64_t at;
    bool blocks; /* pcapng */
    bool swapped;
    uint32_t record_header; /* of pcap: bytes */
};

enum { CONTAINER_HEAD = 24 }; /* bytes of a file that say what it is */

/* False: neither pcapng nor a form of pcap that is known here. */
bool container_init(struct container *container, struct span file);

/* The next part. After CONTAINER_END or CONTAINER_BAD there is no more. */
struct container_part container_next(struct container *container);

#endif
