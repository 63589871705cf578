/*
 * Where packets lie in a capture file: pcap records and pcapng blocks as they follow one another,
 * so that everything around the packets can be copied as it is. libpcap reads the same file beside
 * it, and has to find the same packets (passes.c); this only adds where they are.
 */
#ifndef KVREPLAY_ANONYMISE_CONTAINER_H
#define KVREPLAY_ANONYMISE_CONTAINER_H

#include "base/span.h"

enum container_kind {
    CONTAINER_PACKET,
    CONTAINER_AROUND, /* headers, interfaces, names, statistics: kept */
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
    /* Of a packet in a block: */
    uint64_t options_at; /* behind the packet and its padding: those that are known ... */
    uint64_t options_end;
    uint64_t hash_at; /* ... among them a hash of the packet */
    uint64_t hash_size;
    uint64_t length_size; /* of the length that ends the block */
};

struct container {
    struct span file; /* unpacked */
    uint64_t at;
    bool blocks; /* pcapng */
    bool swapped;
    uint32_t record_header; /* of pcap: bytes */
};

/* False: a form of pcap that isn't known here. */
bool container_init(struct container *container, struct span file);

/* The next part. After CONTAINER_END or CONTAINER_BAD there is no more. */
struct container_part container_next(struct container *container);

#endif
