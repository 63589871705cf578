/*
 * A mix with its bytes: what every writer of a cell is given.
 *
 * All parts lie in one block of random bytes, each response's at places of its own. The block is
 * not much longer than the longest part, so it stays in the processor's cache: what is measured is
 * the writing, not the reading of cold items, which costs every writer the same.
 */
#ifndef KVREPLAY_BENCH_LOAD_H
#define KVREPLAY_BENCH_LOAD_H

#include "bench/mix.h"

#include <stdatomic.h>

struct load_batch {
    const struct kvr_response *responses;
    size_t count;
    size_t bytes;
};

/* What owns a value, for writers that send values by reference. */
struct load_item {
    struct kvr_value_owner owner; /* first, so that one pointer is the other */
    atomic_size_t references;
};

struct load {
    struct load_batch *batches;
    size_t batches_count;
    struct kvr_response *responses;
    size_t responses_count;
    struct load_item *items; /* by response; NULL: values have no owners */
    size_t bytes;            /* of all batches */
    size_t longest;          /* bytes of the longest batch */
    uint8_t *parts;
};

/* False: no memory, or a response of the mix is impossible. */
bool load_init(struct load *load, const struct mix *mix, bool with_owners, uint64_t seed);
void load_deinit(struct load *load);

/* References to values that were taken and not given back. */
size_t load_references(const struct load *load);

#endif
