/*
 * verify: are the bytes still the same? For every frame that the server sent in a capture, two
 * checks:
 *
 *   rebuilt   the recorded frame is taken apart and built again by the writer under test
 *   executed  the recorded request runs in the embedded store, and what that answers is built
 */
#ifndef KVREPLAY_REPLAY_VERIFY_H
#define KVREPLAY_REPLAY_VERIFY_H

#include "replay/construct.h"
#include "replay/dissect.h"
#include "replay/mask.h"
#include "replay/result.h"

struct verify_options {
    struct construct_options construct;
    struct dissect_options dissect;
    struct mask_list masks;
    bool cold;                 /* the server was fresh: a key never seen is not there */
    bool allow_eviction;       /* a recorded miss of a key the store holds is accepted */
    size_t item_size_max;      /* memcached's -I, bytes */
    size_t pending_bytes_max;  /* requests waiting for their answers, over all connections */
    uint64_t require_compared; /* fewer server frames compared (rebuilt) are not enough evidence */
    uint64_t require_executed; /* the same for the answers that the executed check compared */
    uint64_t max_loss;         /* bytes; UINT64_MAX accepts any */
    /* For showing progress; may be NULL. */
    void (*progress)(void *context, const char *path, uint64_t bytes_read, uint64_t bytes_total,
                     uint64_t server_frames);
    void *progress_context;
};

/* The defaults, as --help documents them; the writer is "batch", the reference the capture. */
void verify_options_init(struct verify_options *options);

/* Runs one capture; the next of result->captures and the differences get what it found. */
void verify_capture(const char *path, const struct verify_options *options,
                    struct verify_result *result);

#endif
