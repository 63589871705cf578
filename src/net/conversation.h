/*
 * A conversation from the inside: its two streams, and what is known of them.
 */
#ifndef KVREPLAY_NET_CONVERSATION_H
#define KVREPLAY_NET_CONVERSATION_H

#include "net/held.h"

enum {
    GAPS_REMEMBERED = 4,

    /* No segment or acknowledgement of a conversation is further than this behind what has been
     * delivered; windows are smaller. What is further away is of another conversation. */
    REACH = 1 << 26,
};

/* Where offsets begin: streams whose start isn't certain yet can go back from here. */
static const uint64_t STREAM_START = UINT64_C(1) << 62;

struct stream_gap {
    uint64_t from; /* offsets */
    uint64_t to;
};

/* One direction of a TCP conversation. */
struct stream {
    uint64_t next; /* offset of the next byte to deliver; all before it are delivered or given up */
    uint32_t sequence;       /* the sequence number of that byte */
    uint32_t start_sequence; /* the sequence number of the first byte */
    bool known;              /* `next` and `sequence` mean something */
    bool fixed;              /* no earlier start will be found */
    bool seen;               /* it has sent a segment */
    bool syn;                /* its SYN was seen, or is known from the acknowledgement of it */
    bool fin;                /* its FIN has come, and may be held */
    bool ended;              /* so it was delivered */
    bool rst;                /* its RST has come, and may be held */
    bool summed;             /* a segment with a right checksum has come */
    bool unsummed;           /* its checksums tell nothing */
    uint64_t remembered;     /* of the flow's history: the last bytes */
    uint64_t start;          /* offset of the first byte */
    uint64_t end;            /* offset behind the last byte, if it has ended */
    uint64_t acknowledged;   /* the other side has received the bytes up to here */
    uint64_t waived;         /* what acknowledges bytes up to here needn't wait for them */
    uint64_t cut_to;         /* holes up to here won't be filled: the snap length cut them */
    struct list_link held;   /* struct held, by offset */
    struct stream_gap gaps[GAPS_REMEMBERED]; /* the last ones delivered */
    unsigned gap_count;
};

struct conversation {
    struct net_conversation known; /* to the listener; first, so that one pointer is the other */
    uint32_t hash;
    bool running;               /* both streams are known, fixed, seen and not ended */
    bool closed;                /* so it was delivered; kept to swallow what still comes */
    struct conversation *chain; /* of the table: in the same bucket */
    struct list_link use;       /* of the table: by last use */
    size_t held_count;          /* pieces in both streams */
    struct stream streams[2];   /* by enum net_direction */
    struct list_link holding;   /* of the flow, while held_count > 0 */
    uint64_t held_since;        /* turn when something was last delivered, or the waiting began */
    unsigned waited;            /* segments that came while it waits for what was lost */
    unsigned settling;          /* segments to come before uncertain starts are taken for right */
};

#endif
