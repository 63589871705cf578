/*
 * What a proxy has done, counted by its relays.
 */
#ifndef KVREPLAY_RECORD_PROXY_COUNTS_H
#define KVREPLAY_RECORD_PROXY_COUNTS_H

#include <stdint.h>

struct proxy_counts {
    uint64_t connections;
    uint64_t refused;  /* of them: could not be handed on */
    uint64_t bytes[2]; /* by enum tcp_side: sent by clients, by servers */
    uint64_t cut_off;  /* connections that were open when time was up */
};

#endif
