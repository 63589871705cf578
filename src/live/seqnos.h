/*
 * The highest sequence number that each vbucket of a server has shown: a change that is sent after
 * that gets a higher one.
 */
#ifndef KVREPLAY_LIVE_SEQNOS_H
#define KVREPLAY_LIVE_SEQNOS_H

#include "mcbp/token.h"

#include <stdbool.h>

struct seqnos {
    struct mcbp_token *last; /* by vbucket; NULL: nothing was shown */
};

void seqnos_deinit(struct seqnos *seqnos);

/* The answer to a change has shown it, where `before` was the last when that was sent. After one
 * that is not higher, which is wrong, the server goes on from there: it is wrong once. False: no
 * memory. */
bool seqnos_note(struct seqnos *seqnos, uint16_t vbucket, const struct mcbp_token *token,
                 uint64_t before);

/* 0: none was shown. */
uint64_t seqnos_last(const struct seqnos *seqnos, uint16_t vbucket);

#endif
