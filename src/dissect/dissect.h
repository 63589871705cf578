/*
 * From a capture to MCBP frames: the stages capture, decode, flow and framing in one loop, with the
 * ledger that says what became of every byte. All that look into captures consume what it finds, at
 * the stage that they need: packets, the places of their payload, conversations, frames.
 */
#ifndef KVREPLAY_DISSECT_DISSECT_H
#define KVREPLAY_DISSECT_DISSECT_H

#include "dissect/consumer.h"
#include "result/result.h"

/* The defaults, as --help documents them. */
void dissect_options_init(struct dissect_options *options);

/*
 * Runs a whole capture through `consumer`, and counts it in `result`, which has been zeroed but for
 * its path: packets, connections, frames, opcodes and the ledger, with status and problem if it
 * can't be read to its end. It ends where memory runs out, anywhere in the program; the status is
 * VERIFY_INTERNAL then. It ends also when the program is interrupted (base/interrupt.h).
 */
void dissect_capture(const char *path, const struct dissect_options *options,
                     const struct dissect_consumer *consumer, struct capture_result *result);

#endif
