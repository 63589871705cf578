/*
 * A random conversation: what both sides say, the segments in which a capture shows it, and a naive
 * model of what a receiver reads: each byte goes to its place in an array, the first one stays.
 */
#ifndef KVREPLAY_TESTS_NET_DIALOGUE_H
#define KVREPLAY_TESTS_NET_DIALOGUE_H

#include "net/flow.h"

enum { STREAM_MAX = 1 << 14, SEGMENTS_MAX = 4096, SEGMENT_MAX = 64 };

struct mischief {
    unsigned window;    /* segments are swapped with others that are less than this away */
    unsigned repeated;  /* percent of the segments that come again, cut anew */
    bool altered;       /* those have other bytes */
    bool one_sided;     /* only the initiator's are repeated or dropped */
    unsigned delayed;   /* percent that the network loses: they come later */
    unsigned dropped;   /* percent that the capture doesn't have */
    bool in_the_middle; /* no handshake, first segment from the client */
};

struct line {    /* one segment */
    int from;    /* enum net_direction */
    uint32_t at; /* offset of its first byte */
    uint32_t size;
    uint32_t seen; /* bytes of the other side that it acknowledges, FIN included */
    uint8_t flags;
    bool dropped;
    uint64_t place; /* in the capture */
    uint8_t bytes[SEGMENT_MAX];
};

struct side {
    uint32_t size;  /* of the stream */
    uint32_t start; /* sequence number of its first byte */
    uint8_t original[STREAM_MAX];
    /* the model */
    uint8_t first[STREAM_MAX];   /* the byte captured first */
    uint64_t packet[STREAM_MAX]; /* in which; 0 for none */
    uint32_t needs[STREAM_MAX];  /* of the other side's bytes, known to the sender when it was first
                                    sent */
    uint64_t captured;           /* different bytes */
    /* what has been told */
    uint32_t told;
    uint64_t lost;
    bool ended;
};

struct dialogue {
    struct net_endpoint endpoints[2];
    struct side sides[2];
    unsigned lines_count;
    struct line lines[SEGMENTS_MAX];
    bool closed;
};

/* A dialogue on a port of its own, and the capture of it. */
void dialogue_write(struct dialogue *dialogue, uint16_t port, const struct mischief *mischief,
                    unsigned *seed);
/* Puts the lines, in the order of the capture, into the model; `packets` are their numbers. */
void dialogue_note(struct dialogue *dialogue, const struct line *line, uint64_t packet);
/* The line as a segment with that payload. */
struct net_segment dialogue_segment(const struct dialogue *dialogue, const struct line *line,
                                    struct span payload);

#endif
