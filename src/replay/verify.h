/*
 * verify: are the bytes still the same? For every frame that the server sent in a capture, two
 * checks:
 *
 *   rebuilt   the recorded frame is taken apart and built again by the writer under test
 *   executed  the recorded request runs in the embedded store, and what that answers is built
 */
#ifndef KVREPLAY_REPLAY_VERIFY_H
#define KVREPLAY_REPLAY_VERIFY_H

#include "replay/options.h"
#include "result/result.h"

/* The defaults, as --help documents them; the writer is "batch", the reference the capture. */
void verify_options_init(struct verify_options *options);

/* Runs one capture; the next of result->captures and the differences get what it found. */
void verify_capture(const char *path, const struct verify_options *options,
                    struct verify_result *result);

#endif
