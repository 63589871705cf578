/*
 * A TCP conversation as packets, made of what a proxy has read from its two sides: handshake,
 * segments, acknowledgements and ends, in Ethernet, with the checksums of IP and TCP. (LINKTYPE_RAW
 * would do as well, but libpcap 1.10 refuses files of that which are put together: it compares
 * LINKTYPE_RAW of the second with DLT_RAW of the first, which differ.)
 *
 * A segment is what was read at once, unless that is longer than the largest segment. Whatever a
 * side sends acknowledges all that was recorded of the other side before. Where a side only
 * listens, it acknowledges the second full segment (RFC 9293, 3.8.6.3), and an end.
 */
#ifndef KVREPLAY_RECORD_TCP_TRACE_H
#define KVREPLAY_RECORD_TCP_TRACE_H

#include "net/packet.h"
#include "record/tape.h"

enum { TCP_TRACE_MSS = UINT16_MAX - 40 }; /* what fits into an IPv4 packet */

enum tcp_side { TCP_CLIENT, TCP_SERVER };

struct tcp_trace {
    struct tape *tape;
    struct net_endpoint ends[2]; /* by enum tcp_side; both of one family */
    uint32_t next[2];            /* sequence number of the next byte */
    uint32_t unacknowledged[2];  /* bytes that the other side has not acknowledged */
    bool over;                   /* after a reset nothing follows */
};

/*
 * Each records what has happened at `time` (Unix, nanoseconds). False: the tape has failed.
 */

/* The handshake. `ends` and `next` (the initial sequence numbers) are set by the caller. */
bool tcp_trace_open(struct tcp_trace *trace, int64_t time);

/* Bytes that a side has sent, in pieces that follow each other. */
bool tcp_trace_data(struct tcp_trace *trace, enum tcp_side from, int64_t time,
                    const struct span *pieces, size_t count);

/* A side sends no more (FIN), or has broken the connection off (RST). */
bool tcp_trace_end(struct tcp_trace *trace, enum tcp_side from, int64_t time);
bool tcp_trace_reset(struct tcp_trace *trace, enum tcp_side from, int64_t time);

#endif
