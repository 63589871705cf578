/*
 * Packets of a network interface while they pass, by libpcap.
 */
#ifndef KVREPLAY_CAPTURE_TAP_H
#define KVREPLAY_CAPTURE_TAP_H

#include "base/span.h"

struct tap;

enum {
    TAP_PROBLEM_SIZE = 512,
    TAP_DELAY_MILLISECONDS = 100, /* so long packets may wait in the kernel to be read together */
    TAP_SNAP_LENGTH = 262144,     /* whole packets; more than that libpcap does not read */
};

struct tap_options {
    const char *interface; /* its name, or "any" */
    const char *filter;    /* BPF; "": every packet */
    unsigned buffer_size;  /* bytes, in the kernel; less than 2 GiB */
};

enum tap_open_result {
    TAP_OPEN,
    TAP_FAILED, /* no such interface, not permitted, not a link type that kvreplay decodes */
    TAP_BAD_FILTER,
};

/* On TAP_OPEN packets are collected from here on, and *tap is to be given to tap_close.
 * Otherwise `problem` says why. */
enum tap_open_result tap_open(const struct tap_options *options, struct tap **tap,
                              char problem[TAP_PROBLEM_SIZE]);
void tap_close(struct tap *tap);

/* Its number in files, as pcapng.h has it. */
uint16_t tap_link_type(const struct tap *tap);

/* Whether packets of a loopback interface are among its. */
bool tap_has_loopback(const struct tap *tap);

/* Readable when there are packets. */
int tap_descriptor(const struct tap *tap);

/* Is given a packet: Unix time in nanoseconds, what was captured, its length on the wire. False: it
 * is the last that is wanted. */
typedef bool tap_packet(void *context, int64_t time, struct span bytes, uint32_t length);

/* Gives out the packets that are there, without waiting. False: `problem` says why. */
bool tap_read(struct tap *tap, tap_packet *packet, void *context, char problem[TAP_PROBLEM_SIZE]);

struct tap_counts {
    uint64_t captured; /* given out */
    uint64_t received; /* those that match the filter, as the kernel counts: also dropped ones,
                          those not read any more, and twice what passes a loopback interface */
    uint64_t dropped;  /* by the kernel: the buffer was full */
    uint64_t dropped_by_interface; /* where that is known */
};

/* Until now. False: `problem` says why. */
bool tap_count(struct tap *tap, struct tap_counts *counts, char problem[TAP_PROBLEM_SIZE]);

#endif
