/*
 * Recording what passes a network interface.
 */
#ifndef KVREPLAY_RECORD_SNIFFER_H
#define KVREPLAY_RECORD_SNIFFER_H

#include "capture/tap.h"
#include "record/tape.h"

struct sniffer;

/* From here on SIGTERM and SIGINT stop the recording. NULL: no memory. */
struct sniffer *sniffer_create(struct tap *tap, unsigned seconds_max);
void sniffer_destroy(struct sniffer *sniffer);

/*
 * Records until SIGTERM, SIGINT, `seconds_max` (0: no limit), or until the tape is full or fails;
 * after a signal, what the kernel has is still read. `counts` is of the whole time. False:
 * `problem` says why, unless the tape does.
 */
bool sniffer_run(struct sniffer *sniffer, struct tape *tape, struct tap_counts *counts,
                 char problem[TAP_PROBLEM_SIZE]);

#endif
