/*
 * Filters of libpcap. They are compiled in a process of their own: where it has no memory,
 * libpcap's scanner (1.10.3, flex's yy_fatal_error) ends the process, or crashes.
 */
#ifndef KVREPLAY_CAPTURE_FILTER_H
#define KVREPLAY_CAPTURE_FILTER_H

#include <pcap/pcap.h>
#include <stdbool.h>

enum { FILTER_PROBLEM_SIZE = 512 };

/* Whether there are captures that it suits: what it may ask for depends on their link type. False:
 * `problem` says why not, as Ethernet has it. */
bool filter_check(const char *filter, char problem[FILTER_PROBLEM_SIZE]);

/* From here on pcap reads nothing but what passes the filter. False: `problem` names it and says
 * why. */
bool filter_set(pcap_t *pcap, const char *filter, char problem[FILTER_PROBLEM_SIZE]);

#endif
