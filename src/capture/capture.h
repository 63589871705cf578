/*
 * Capture files, packet by packet: pcap and pcapng, plain or compressed with gzip or zstd.
 */
#ifndef KVREPLAY_CAPTURE_CAPTURE_H
#define KVREPLAY_CAPTURE_CAPTURE_H

#include "net/packet.h"

struct capture;

enum { CAPTURE_MESSAGE_SIZE = 512 };

struct capture_options {
    const char *filter; /* BPF, as tcpdump's; NULL: every packet */
};

enum capture_open_result {
    CAPTURE_OPEN,
    CAPTURE_UNREADABLE, /* can't be opened, or not a capture */
    CAPTURE_BAD_FILTER, /* the filter does not compile for this capture */
};

/*
 * Opens the file at `path`, "-" for standard input. On CAPTURE_OPEN sets *capture, to be given to
 * capture_close. Otherwise writes what is wrong, the path and where in the file included, to
 * `message`.
 */
enum capture_open_result capture_open(const char *path, const struct capture_options *options,
                                      struct capture **capture, char message[CAPTURE_MESSAGE_SIZE]);
void capture_close(struct capture *capture);

enum capture_next {
    CAPTURE_PACKET,
    CAPTURE_END,
    CAPTURE_TRUNCATED, /* the file ends in the middle of a record: capture_lost */
    CAPTURE_DAMAGED,   /* a record that can't be, or an I/O error: capture_message */
};

/* The next packet; its bytes are valid until the next call. After anything but CAPTURE_PACKET there
 * is nothing more to come. */
enum capture_next capture_next(struct capture *capture, struct net_packet *packet);

/* After CAPTURE_TRUNCATED or CAPTURE_DAMAGED: what happened, with path and byte offset. */
const char *capture_message(const struct capture *capture);

/* After CAPTURE_TRUNCATED: the bytes that the last record lacks, at least 1. */
uint64_t capture_lost(const struct capture *capture);

/* Packets that, by what the file says, its recorder has dropped; complete after the last packet. */
uint64_t capture_dropped(const struct capture *capture);

/* For showing progress: bytes read of the file as it lies on disk, and its size (0: not known). */
uint64_t capture_bytes_read(const struct capture *capture);
uint64_t capture_bytes_total(const struct capture *capture);

/* The version of libpcap in use. */
const char *capture_library_version(void);

#endif
