/*
 * What verify is asked for.
 */
#ifndef KVREPLAY_REPLAY_OPTIONS_H
#define KVREPLAY_REPLAY_OPTIONS_H

#include "check/construct.h"
#include "check/mask.h"
#include "dissect/dissect.h"

/* In the order of the words of --dialect. */
enum verify_dialect { DIALECT_AUTO, DIALECT_MEMCACHED, DIALECT_COUCHBASE };

struct verify_options {
    struct construct_options construct;
    struct dissect_options dissect;
    struct mask_list masks;
    bool cold;                   /* the server was fresh: a key never seen is not there */
    bool one_server;             /* all server endpoints are one server with one store */
    enum verify_dialect dialect; /* that connections speak; AUTO: what their frames show */
    bool allow_eviction;         /* a recorded miss of a key the store holds is accepted */
    size_t item_size_max;        /* memcached's -I, bytes */
    size_t pending_bytes_max;    /* requests waiting for their answers, over all connections */
    uint64_t require_compared; /* fewer server frames compared (rebuilt) are not enough evidence */
    uint64_t require_executed; /* the same for the answers that the executed check compared */
    bool accept_unexecuted;    /* that none was executed or adopted is enough, too */
    uint64_t max_undecided;    /* answers of which no order was found; more are no evidence */
    uint64_t max_loss;         /* bytes; UINT64_MAX accepts any */
    /* For showing progress; may be NULL. */
    void (*progress)(void *context, const char *path, uint64_t bytes_read, uint64_t bytes_total,
                     uint64_t server_frames);
    void *progress_context;
};

#endif
