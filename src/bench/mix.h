/*
 * What is written, without its bytes: responses of which only the header and the lengths count, in
 * batches that are ready together.
 */
#ifndef KVREPLAY_BENCH_MIX_H
#define KVREPLAY_BENCH_MIX_H

#include "dissect/dissect.h"
#include "kvresponse/kvresponse.h"

enum {
    MIX_BATCHES_MAX = 4096,
    MIX_DEPTH_MAX = 1024,         /* a longer run of a capture is more than one batch */
    MIX_BATCH_BYTES = 256 * 1024, /* the same */
    MIX_BYTES_MAX = 64 << 20,
};

struct mix {
    struct kvr_response *responses; /* the parts' pointers are NULL */
    size_t responses_count;
    size_t *depths; /* of each batch; their sum is responses_count */
    size_t batches_count;
    uint64_t batches_seen; /* in the capture; more than batches_count if they are a sample */
};

/* One batch of `depth` answers to GET with values of `value_size` bytes. False: no memory. */
bool mix_init_uniform(struct mix *mix, size_t value_size, size_t depth);

/*
 * The batches of a capture, or of all in a folder: frames that a server sent one after the other on
 * a TCP connection with none of the client's between them. From a large capture a random sample.
 * VERIFY_IDENTICAL, or what is wrong, said in *problem, with the path (to be freed; NULL if there
 * is no memory).
 */
enum verify_status mix_init_capture(struct mix *mix, const char *path,
                                    const struct dissect_options *options, uint64_t seed,
                                    char **problem);

void mix_deinit(struct mix *mix);

/* A number that looks random: SplitMix64. */
uint64_t mix_random(uint64_t *state);

#endif
