/*
 * Recording what passes a network interface.
 */
#ifndef KVREPLAY_RECORD_SNIFFER_H
#define KVREPLAY_RECORD_SNIFFER_H

#include "capture/tap.h"
#include "record/tape.h"

/*
 * Records until SIGTERM, SIGINT, `seconds_max` (0: no limit), or until the tape is full or fails;
 * after a signal, what the kernel has is still read. `counts` is of the whole time. False:
 * `problem` says why, unless the tape does.
 */
bool sniffer_run(struct tap *tap, struct tape *tape, unsigned seconds_max,
                 struct tap_counts *counts, char problem[TAP_PROBLEM_SIZE]);

#endif
