/*
 * A capture file in the making: segments and datagrams become packets of a nanosecond pcap of raw
 * IP. Running out of memory or of disk ends the test.
 */
#ifndef KVREPLAY_TESTS_REPLAY_TRACE_H
#define KVREPLAY_TESTS_REPLAY_TRACE_H

#include "net/packet.h"

struct trace {
    uint8_t *bytes; /* the file as it will be */
    size_t size;
    size_t room;
    char path[64]; /* where trace_save wrote it; empty: nowhere yet */
};

void trace_init(struct trace *trace);
void trace_deinit(struct trace *trace); /* removes the file too */

/* The file header alone again. */
void trace_clear(struct trace *trace);

/* Adds a packet; segment->cut bytes of its payload are on the wire but not in the file. */
void trace_add(struct trace *trace, const struct net_segment *segment, int64_t time);

/* Writes the file, over an earlier one, and returns its path. */
const char *trace_save(struct trace *trace);

#endif
