/*
 * Writing capture files: pcapng with one interface and times in nanoseconds, in this machine's byte
 * order, as IETF draft-ietf-opsawg-pcapng has it.
 *
 * What is written is buffered by the stream. An error stays: once something could not be written,
 * everything after it fails too, and pcapng_flush says so at the latest.
 */
#ifndef KVREPLAY_CAPTURE_PCAPNG_H
#define KVREPLAY_CAPTURE_PCAPNG_H

#include "base/span.h"

#include <stdio.h>

/* For `link_type`, a number of https://www.tcpdump.org/linktypes.html. */
enum { PCAPNG_ETHERNET = 1 };

/* What the file says about itself. Strings may be NULL: nothing is said. */
struct pcapng_interface {
    uint16_t link_type;
    uint32_t snap_length; /* bytes; 0: packets are whole */
    const char *application;
    const char *name;
    const char *description;
    const char *filter; /* BPF as text */
};

struct pcapng {
    FILE *file;       /* the caller's, to be closed after pcapng_flush; nobody else may write */
    uint64_t written; /* bytes, buffered ones included */
    int error;        /* errno of the first failure; 0: none */
};

/* Each returns false if something could not be written; `error` says why. */

/* Begins the file. The interface is not referred to later. */
bool pcapng_begin(struct pcapng *pcapng, FILE *file, const struct pcapng_interface *interface);

enum { PCAPNG_PACKET_MAX = 1 << 30 }; /* bytes */

/*
 * A packet of what is in `parts`, one after the other, `length` bytes long on the wire (at least
 * what there is of it). `time`: Unix time in nanoseconds. Not more than PCAPNG_PACKET_MAX.
 */
bool pcapng_write(struct pcapng *pcapng, int64_t time, uint32_t length, const struct span *parts,
                  size_t count);

/* How many packets were seen by the interface until now, and were dropped. */
bool pcapng_write_statistics(struct pcapng *pcapng, int64_t time, uint64_t received,
                             uint64_t dropped);

/* Hands everything over to the system. */
bool pcapng_flush(struct pcapng *pcapng);

#endif
