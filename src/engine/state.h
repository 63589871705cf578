/*
 * An engine from the inside.
 */
#ifndef KVREPLAY_ENGINE_STATE_H
#define KVREPLAY_ENGINE_STATE_H

#include "engine/request.h"
#include "engine/store.h"

enum {
    ENGINE_ROWS = 8,         /* STAT's rows, terminator included */
    ENGINE_NUMBER_SIZE = 24, /* a 64-bit number as text */
};

struct engine {
    struct store store;
    struct engine_options options; /* no zeros that stand for a default are left */
    uint64_t last_cas;             /* own_cas: the last one handed out */
    uint64_t cas_before;           /* last_cas before the last execution */
    int64_t delayed_flush;         /* engine_flush_time */

    /* What the last answer points to. */
    struct kvr_response responses[ENGINE_ROWS];
    char numbers[ENGINE_ROWS][ENGINE_NUMBER_SIZE];
    uint8_t flags[4];
    uint8_t counter[8];
};

#endif
