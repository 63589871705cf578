/* Random requests, of every kind and size that makes a difference, from a seed. */
#ifndef KVREPLAY_TESTS_ENGINE_STREAM_H
#define KVREPLAY_TESTS_ENGINE_STREAM_H

#include "engine/bytes.h"
#include "engine/engine.h"

struct stream {
    uint64_t random;       /* the state; the seed to begin with */
    struct engine *engine; /* is asked for CAS values and sizes that are right, or nearly */
    size_t item_size_max;
    int64_t now;
    uint32_t opaque;    /* of the last request, rising */
    unsigned read_keys; /* bit by key: a response with its value may be waiting to be sent */
    bool later_release; /* no "sizes_disable", no minus: see memcached_release() */
    bool without_cas;   /* requests have no CAS */
    unsigned large;     /* one value in this many is as large as the limit lets it be */
};

uint32_t stream_random(struct stream *stream, uint32_t below);

/*
 * Replaces `batch` by up to a dozen requests and a NOOP with the opaque stream->opaque.
 * `may_close`: the last one before the NOOP may be one upon which the connection is closed.
 */
void stream_batch(struct stream *stream, struct bytes *batch, bool may_close);

#endif
